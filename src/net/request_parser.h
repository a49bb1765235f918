// Bytes of a connection → one HttpRequest at a time. Views only: the head's strings point into the
// bytes given, which must stay where they are until the request is done. Boost.Beast's parser does
// the grammar; this adds what a server facing strangers must refuse (ambiguous lengths, folded
// lines, counts, limits) and says with which status. One per connection; no I/O, so it is tested
// and fuzzed alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "net/http.h"

namespace trellis::net {

inline constexpr std::size_t kHeaderCountMax = 1000;
inline constexpr std::size_t kChunkHeadBytesMax = 4096;  // size line with extensions, or trailers

struct RequestHead {
  enum class Body { none, sized, chunked };
  std::size_t bytes = 0;  // of the head, with its blank line
  Body body = Body::none;
  std::uint64_t content_length = 0;
  bool http11 = true;
  bool keep_alive = true;
  bool expects_continue = false;
};

class RequestParser {
 public:
  enum class Step { need_more, done, refused };

  RequestParser(std::size_t header_bytes_max, std::size_t body_bytes_max);
  ~RequestParser();

  void start();  // what is parsed next begins a request

  // `bytes` starts with the request's first byte; after need_more they are given again, with more.
  // On done `request` and head() are filled in, except for the body.
  Step parse_head(std::string_view bytes, HttpRequest& request);
  const RequestHead& head() const;

  // The chunked body that follows the head: `bytes` starts where the last call's `used` ended.
  // Appends the content to `body`.
  Step parse_chunks(std::string_view bytes, std::size_t& used, Bytes& body);

  std::uint16_t refusal() const;  // the status, after `refused`

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::net
