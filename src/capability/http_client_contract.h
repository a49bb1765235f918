// The wasmcloud:httpclient contract as bytes: the request an actor wants made, and what came back.
// Pure. Format: docs/protocol.md §2.4.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "capability/http_fields.h"

namespace trellis::capability {

inline constexpr std::string_view kHttpClientContract = "wasmcloud:httpclient";
inline constexpr std::string_view kHttpClientRequest = "HttpClient.Request";

// The views point into the payload, or into `storage` when the body came as an array of integers.
struct HttpClientCall {
  std::string_view method, url;
  HttpFields headers;  // one entry a value
  BytesView body;
  Bytes storage;
};

Result<HttpClientCall> decode_http_client_call(BytesView payload);
Bytes encode_http_client_answer(std::uint16_t status, const HttpFields& headers, BytesView body);

}  // namespace trellis::capability
