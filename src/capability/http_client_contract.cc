#include "capability/http_client_contract.h"

#include <fmt/format.h>

#include "capability/struct_reader.h"
#include "codec/msgpack.h"

namespace trellis::capability {

Result<HttpClientCall> decode_http_client_call(BytesView payload) {
  constexpr std::string_view kNames[] = {"method", "url", "headers", "body"};
  HttpClientCall call;
  codec::MsgpackReader in(payload);
  const auto read = read_struct(in, kNames, [&](std::size_t member) -> Result<void> {
    switch (member) {
      case 0: {
        TRY(call.method, in.text());
        return {};
      }
      case 1: {
        TRY(call.url, in.text());
        return {};
      }
      case 2:
        return read_fields(in, call.headers);
      default: {
        TRY(call.body, read_bytes(in, call.storage));
        return {};
      }
    }
  });
  if (!read) {
    return fail(Errc::invalid, "httpclient.call",
                fmt::format("deserialization: 'HttpRequest': {}", read.error().detail));
  }
  return call;
}

Bytes encode_http_client_answer(std::uint16_t status, const HttpFields& headers, BytesView body) {
  Bytes bytes;
  bytes.reserve(40 + encoded_size(headers) + body.size());
  codec::MsgpackWriter out(bytes);
  out.map(3);
  out.str("statusCode");
  out.uint(status);
  out.str("header");
  write_fields(out, headers);
  out.str("body");
  out.bin(body);
  return bytes;
}

}  // namespace trellis::capability
