// wasmcloud:httpserver: what an actor is asked over HTTP and what it answers. docs/protocol.md
// §2.3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trellis/bytes.h"
#include "trellis/json.h"
#include "trellis/msgpack.h"
#include "trellis/result.h"

namespace trellis::sdk {

struct Header {
  std::string name;
  std::string value;
};
using Headers = std::vector<Header>;

// map<str, array<str>>: the values of one name together, as the contract has it.
inline void write_headers(MsgpackWriter& writer, const Headers& headers) {
  auto is_first = [&](std::size_t i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (headers[j].name == headers[i].name) return false;
    }
    return true;
  };
  std::size_t names = 0;
  for (std::size_t i = 0; i < headers.size(); ++i) names += is_first(i) ? 1 : 0;
  writer.map(names);
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (!is_first(i)) continue;
    std::size_t values = 0;
    for (const auto& header : headers) values += header.name == headers[i].name ? 1 : 0;
    writer.str(headers[i].name);
    writer.array(values);
    for (const auto& header : headers) {
      if (header.name == headers[i].name) writer.str(header.value);
    }
  }
}

// Calls visit(name, value) for each pair; stops when it returns false.
template <class Visit>
void read_headers(MsgpackReader& reader, Visit visit) {
  const auto names = reader.map();
  for (std::size_t i = 0; i < names && reader.ok(); ++i) {
    const auto name = reader.text();
    const auto values = reader.array();
    for (std::size_t j = 0; j < values && reader.ok(); ++j) {
      const auto value = reader.text();
      if (reader.ok() && !visit(name, value)) return;
    }
  }
}

// Borrows from the request: valid until the handler returns.
struct HttpRequest {
  std::string_view method;  // upper case
  std::string_view path;
  std::string_view query_string;  // without '?', "" if none
  BytesView body;

  std::string_view body_text() const { return as_text(body); }

  // The first value of a header; names are lower case.
  std::optional<std::string_view> header(std::string_view wanted) const {
    std::optional<std::string_view> found;
    for_each_header([&](std::string_view name, std::string_view value) {
      if (name == wanted) found = value;
      return !found;
    });
    return found;
  }
  // visit(name, value) → false stops.
  template <class Visit>
  void for_each_header(Visit visit) const {
    MsgpackReader reader(raw_headers);
    read_headers(reader, visit);
  }

  BytesView raw_headers;  // msgpack; read when somebody asks
  Bytes body_storage;     // of a body that came as an array of integers
};

inline bool read(MsgpackReader& reader, BytesView payload, HttpRequest& request) {
  constexpr std::string_view kNames[] = {"method", "path", "queryString", "header", "body"};
  bool has_header = false;
  read_struct(reader, kNames, [&](std::string_view name) {
    if (name == "method") {
      request.method = reader.text();
    } else if (name == "path") {
      request.path = reader.text();
    } else if (name == "queryString") {
      request.query_string = reader.text();
    } else if (name == "header") {
      const auto from = reader.position();
      read_headers(reader, [](std::string_view, std::string_view) { return true; });
      request.raw_headers = payload.subspan(from, reader.position() - from);
      has_header = true;
    } else if (name == "body") {
      request.body = reader.bytes(request.body_storage);
    } else {
      return false;
    }
    return true;
  });
  if (!has_header) reader.fail("missing field `header`");
  return reader.ok();
}

struct HttpResponse {
  std::uint16_t status = 200;
  Headers headers;  // none but these are sent: a content-type, too, only if it is here
  std::string body;

  static HttpResponse ok(std::string body) { return {200, {}, std::move(body)}; }
  static HttpResponse json(std::string body, std::uint16_t status = 200) {
    return {status, {{"content-type", "application/json"}}, std::move(body)};
  }
  static HttpResponse text(std::string body, std::uint16_t status = 200) {
    return {status, {{"content-type", "text/plain; charset=utf-8"}}, std::move(body)};
  }
  static HttpResponse not_found() { return {404, {}, {}}; }
  // 500 with {"error": "…"}.
  static HttpResponse failure(const Error& error) {
    return json(JsonWriter().object().key("error").string(error.text).end().take(), 500);
  }
};

inline Bytes encode(const HttpResponse& response) {
  Bytes out;
  std::size_t size = response.body.size() + 48;
  for (const auto& header : response.headers) size += header.name.size() + header.value.size() + 12;
  out.reserve(size);
  MsgpackWriter writer(out);
  writer.map(3);
  writer.str("statusCode");
  writer.uint(response.status);
  writer.str("header");
  write_headers(writer, response.headers);
  writer.str("body");
  writer.bin(as_bytes(response.body));
  return out;
}

}  // namespace trellis::sdk
