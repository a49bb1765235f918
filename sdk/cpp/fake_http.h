// The request that the HTTP server hands an actor, for native tests beside fake_host.h.
#pragma once

#include <string_view>

#include "trellis/bytes.h"
#include "trellis/msgpack.h"

namespace trellis::sdk {

struct FakeHttpRequest {
  std::string_view method = "GET", path = "/", query = "", body = "";
};

// The payload of HttpServer.HandleRequest: docs/protocol.md §2.3.
inline Bytes http_request(const FakeHttpRequest& request) {
  Bytes bytes;
  MsgpackWriter writer(bytes);
  writer.map(5);
  writer.str("method");
  writer.str(request.method);
  writer.str("path");
  writer.str(request.path);
  writer.str("queryString");
  writer.str(request.query);
  writer.str("header");
  writer.map(0);
  writer.str("body");
  writer.bin(as_bytes(request.body));
  return bytes;
}

}  // namespace trellis::sdk
