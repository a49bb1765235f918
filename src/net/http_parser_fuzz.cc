// A stranger's bytes through the request parser, whole and split at every place the input names:
// the outcome must not depend on the split, and views must lie in the bytes given.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/request_parser.h"

namespace {

using trellis::net::HttpRequest;
using trellis::net::RequestHead;
using trellis::net::RequestParser;
using Step = RequestParser::Step;

struct Outcome {
  Step step = Step::need_more;
  std::uint16_t refusal = 0;
  std::size_t head_bytes = 0, used = 0;
  std::string method, target;
  std::size_t headers = 0;
  trellis::Bytes body;
  bool operator==(const Outcome&) const = default;
};

void require(bool condition) {
  if (!condition) std::abort();
}

bool within(std::string_view view, std::string_view bytes) {
  return view.empty() ||
         (view.data() >= bytes.data() && view.data() + view.size() <= bytes.data() + bytes.size());
}

void parse_chunks(RequestParser& parser, std::string_view bytes, std::size_t step, Outcome& out) {
  std::size_t shown = 0;
  do {
    shown = step == 0 ? bytes.size() : std::min(bytes.size(), shown + step);
    std::size_t used = 0;
    out.step = parser.parse_chunks(bytes.substr(out.used, shown - out.used), used, out.body);
    out.used += used;
    require(out.used <= shown);
  } while (out.step == Step::need_more && shown < bytes.size());
  if (out.step == Step::refused) out.refusal = parser.refusal();
}

// `step`: how many more bytes the parser sees each time; 0 for all at once.
Outcome parse(std::string_view bytes, std::size_t step) {
  RequestParser parser(2048, 4096);
  parser.start();
  HttpRequest request;
  Outcome out;
  std::size_t shown = 0;
  do {
    shown = step == 0 ? bytes.size() : std::min(bytes.size(), shown + step);
    out.step = parser.parse_head(bytes.substr(0, shown), request);
  } while (out.step == Step::need_more && shown < bytes.size());
  if (out.step == Step::refused) out.refusal = parser.refusal();
  if (out.step != Step::done) return out;

  for (auto view : {request.method, request.target, request.path, request.query})
    require(within(view, bytes) || view == "/");
  for (const auto& header : request.headers)
    require(within(header.name, bytes) && within(header.value, bytes));
  out.method = request.method;
  out.target = request.target;
  out.headers = request.headers.size();
  out.head_bytes = parser.head().bytes;
  require(out.head_bytes <= bytes.size());
  if (parser.head().body == RequestHead::Body::chunked)
    parse_chunks(parser, bytes.substr(out.head_bytes), step, out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 8192) return 0;
  const std::size_t step = 1 + data[0] % 64;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto whole = parse(bytes, 0);
  auto split = parse(bytes, step);
  // How much was decoded when more is needed, or before a refusal, may depend on what was seen.
  require(whole.step == split.step);
  if (whole.step != Step::done) return 0;
  require(whole == split);
  return 0;
}
