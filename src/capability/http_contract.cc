#include "capability/http_contract.h"

#include <algorithm>
#include <array>
#include <string>

#include "codec/msgpack.h"

namespace trellis::capability {
namespace {

constexpr std::size_t kLowerNameMax = 256;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

bool visible_ascii(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; });
}

bool sendable(const HttpField& field) {
  return field.name.size() <= kLowerNameMax && visible_ascii(field.value);
}

// The index of the first sendable header of the same name; `i` itself when it is the first.
std::size_t first_of_name(const HttpFields& headers, std::size_t i) {
  for (std::size_t k = 0; k < i; ++k) {
    if (sendable(headers[k]) && same_name(headers[k].name, headers[i].name)) return k;
  }
  return i;
}

void write_cased(codec::MsgpackWriter& out, std::string_view text, char (*change)(char)) {
  std::array<char, kLowerNameMax> buffer;
  const std::size_t n = std::min(text.size(), buffer.size());
  std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n), buffer.begin(),
                 change);
  out.str({buffer.data(), n});
}

void write_headers(codec::MsgpackWriter& out, const HttpFields& headers) {
  // owner[i]: which header starts the group that header i belongs to; count[i]: how many it leads.
  boost::container::small_vector<std::size_t, 32> owner(headers.size()), count(headers.size(), 0);
  std::size_t groups = 0;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    owner[i] = headers.size();
    if (!sendable(headers[i])) continue;
    owner[i] = first_of_name(headers, i);
    groups += count[owner[i]]++ == 0 ? 1 : 0;
  }
  out.map(groups);
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (owner[i] != i) continue;
    write_cased(out, headers[i].name, lower);
    out.array(count[i]);
    for (std::size_t k = i; k < headers.size(); ++k) {
      if (owner[k] == i) out.str(headers[k].value);
    }
  }
}

Result<void> read_headers(codec::MsgpackReader& in, HttpFields& out) {
  TRY(const bool none, in.try_nil());
  if (none) return {};
  TRY(std::size_t names, in.map());
  for (; names > 0; --names) {
    TRY(std::string_view name, in.text());
    TRY(std::size_t values, in.array());
    for (; values > 0; --values) {
      TRY(std::string_view value, in.text());
      out.push_back({name, value});
    }
  }
  return {};
}

}  // namespace

Bytes encode_http_call(const HttpCall& call) {
  Bytes bytes;
  std::size_t size = 96 + call.path.size() + call.query.size() + call.body.size();
  for (const auto& field : call.headers) size += field.name.size() + field.value.size() + 10;
  bytes.reserve(size);
  codec::MsgpackWriter out(bytes);
  out.map(5);
  out.str("method");
  write_cased(out, call.method, upper);
  out.str("path");
  out.str(call.path);
  out.str("queryString");
  out.str(call.query);
  out.str("header");
  write_headers(out, call.headers);
  out.str("body");
  out.bin(call.body);
  return bytes;
}

Result<HttpAnswer> decode_http_answer(BytesView bytes) {
  HttpAnswer answer;
  answer.status = 200;
  codec::MsgpackReader in(bytes);
  TRY(const auto type, in.peek());
  if (type == codec::MsgpackType::array) {  // a struct as an array, in declaration order
    TRY(const std::size_t fields, in.array());
    if (fields < 3) {
      return fail(Errc::invalid, "http.answer", "HttpResponse: expected 3 fields in the array");
    }
    TRY(const std::uint64_t status, in.uint(UINT16_MAX));
    answer.status = static_cast<std::uint16_t>(status);
    TRY_OK(read_headers(in, answer.headers));
    TRY(answer.body, in.bytes_view());
    return answer;
  }
  TRY(std::size_t fields, in.map());
  for (; fields > 0; --fields) {
    TRY(const std::string_view name, in.text());
    if (name == "statusCode") {
      TRY(const std::uint64_t status, in.uint(UINT16_MAX));
      answer.status = static_cast<std::uint16_t>(status);
    } else if (name == "header") {
      TRY_OK(read_headers(in, answer.headers));
    } else if (name == "body") {
      TRY(answer.body, in.bytes_view());
    } else {
      TRY_OK(in.skip());
    }
  }
  return answer;
}

}  // namespace trellis::capability
