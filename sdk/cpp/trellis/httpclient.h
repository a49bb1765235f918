// wasmcloud:httpclient: HTTP requests that an actor makes. docs/protocol.md §2.4.
//   auto page = HttpClient().get("https://example.com/");
#pragma once

#include "trellis/host_call.h"
#include "trellis/http.h"

namespace trellis::sdk {

struct OutboundRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
};

class HttpClient {
 public:
  explicit HttpClient(std::string_view link_name = "default") : link_(link_name) {}

  Result<HttpResponse> get(std::string_view url) const {
    return request({"GET", std::string(url), {}, {}});
  }

  Result<HttpResponse> request(const OutboundRequest& request) const {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(4);
    writer.str("method");
    writer.str(request.method);
    writer.str("url");
    writer.str(request.url);
    writer.str("headers");
    write_headers(writer, request.headers);
    writer.str("body");
    writer.bin(as_bytes(request.body));
    return typed_call(link_, "wasmcloud:httpclient", "HttpClient.Request", payload, read_response);
  }

 private:
  static HttpResponse read_response(MsgpackReader& reader) {
    constexpr std::string_view kNames[] = {"statusCode", "header", "body"};
    HttpResponse response;
    read_struct(reader, kNames, [&](std::string_view name) {
      if (name == "statusCode") {
        response.status = static_cast<std::uint16_t>(reader.uint(UINT16_MAX));
      } else if (name == "header") {
        read_headers(reader, [&](std::string_view header, std::string_view value) {
          response.headers.push_back({std::string(header), std::string(value)});
          return true;
        });
      } else if (name == "body") {
        Bytes storage;
        response.body = as_text(reader.bytes(storage));
      } else {
        return false;
      }
      return true;
    });
    return response;
  }

  std::string link_;
};

}  // namespace trellis::sdk
