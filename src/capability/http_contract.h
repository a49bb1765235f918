// The wasmcloud:httpserver contract as bytes: an HTTP request becomes the msgpack an actor reads,
// what the actor answers becomes status, headers and body. Views in, views out; nothing is copied
// twice. Format: docs/protocol.md §2.3.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "capability/http_fields.h"

namespace trellis::capability {

inline constexpr std::string_view kHttpServerContract = "wasmcloud:httpserver";
inline constexpr std::string_view kHandleRequest = "HttpServer.HandleRequest";

struct HttpCall {
  std::string_view method, path, query;
  HttpFields headers;
  BytesView body;
};

struct HttpAnswer {
  std::uint16_t status = 0;
  HttpFields headers;  // one entry a value
  BytesView body;
};

// Methods become upper case, header names lower case, values of one name one array in order;
// headers with bytes outside visible ASCII are left out, as in 2022.
Bytes encode_http_call(const HttpCall& call);

// The views point into `bytes`. Accepts what the 2022 readers accept: fields in any order, unknown
// fields, body as bin or str, a missing field at its default (status 200).
Result<HttpAnswer> decode_http_answer(BytesView bytes);

}  // namespace trellis::capability
