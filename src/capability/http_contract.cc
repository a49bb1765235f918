#include "capability/http_contract.h"

#include <algorithm>
#include <array>
#include <string>

#include "codec/msgpack.h"

namespace trellis::capability {
namespace {

constexpr std::size_t kMethodMax = 256;

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

void write_upper(codec::MsgpackWriter& out, std::string_view method) {
  std::array<char, kMethodMax> buffer;
  const std::size_t n = std::min(method.size(), buffer.size());
  std::transform(method.begin(), method.begin() + static_cast<std::ptrdiff_t>(n), buffer.begin(),
                 upper);
  out.str({buffer.data(), n});
}

}  // namespace

Bytes encode_http_call(const HttpCall& call) {
  Bytes bytes;
  bytes.reserve(96 + call.path.size() + call.query.size() + call.body.size() +
                encoded_size(call.headers));
  codec::MsgpackWriter out(bytes);
  out.map(5);
  out.str("method");
  write_upper(out, call.method);
  out.str("path");
  out.str(call.path);
  out.str("queryString");
  out.str(call.query);
  out.str("header");
  write_fields(out, call.headers);
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
    TRY_OK(read_fields(in, answer.headers));
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
      TRY_OK(read_fields(in, answer.headers));
    } else if (name == "body") {
      TRY(answer.body, in.bytes_view());
    } else {
      TRY_OK(in.skip());
    }
  }
  return answer;
}

}  // namespace trellis::capability
