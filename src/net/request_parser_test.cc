#include "net/request_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace trellis::net {
namespace {

using Step = RequestParser::Step;
using Body = RequestHead::Body;

constexpr std::string_view kChunkedHead =
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Parsed {
  Step step;
  HttpRequest request;
  RequestHead head;
  std::uint16_t refusal;
};

Parsed parse(std::string_view bytes, std::size_t header_bytes_max = 4096) {
  RequestParser parser(header_bytes_max, 1000);
  Parsed out{};
  parser.start();
  out.step = parser.parse_head(bytes, out.request);
  out.head = parser.head();
  out.refusal = parser.refusal();
  return out;
}

TEST(RequestParser, GivesViewsIntoTheBytes) {
  const std::string bytes =
      "POST /a/b?c=d%20 HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\nX-Y:  z z \r\n\r\nbody";
  const auto got = parse(bytes);
  ASSERT_EQ(got.step, Step::done);
  EXPECT_EQ(got.request.method, "POST");
  EXPECT_EQ(got.request.target, "/a/b?c=d%20");
  EXPECT_EQ(got.request.path, "/a/b");
  EXPECT_EQ(got.request.query, "c=d%20");
  ASSERT_EQ(got.request.headers.size(), 3u);
  EXPECT_EQ(got.request.header("x-y"), "z z");
  EXPECT_EQ(got.request.header("absent"), "");
  EXPECT_GE(got.request.method.data(), bytes.data());
  EXPECT_EQ(got.head.bytes, bytes.size() - 4);
  EXPECT_EQ(got.head.body, Body::sized);
  EXPECT_EQ(got.head.content_length, 7u);
}

TEST(RequestParser, WaitsForTheWholeHeadWhereverItIsSplit) {
  const std::string bytes = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
  RequestParser parser(4096, 1000);
  parser.start();
  HttpRequest request;
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_EQ(parser.parse_head(std::string_view(bytes).substr(0, n), request), Step::need_more)
        << n;
  EXPECT_EQ(parser.parse_head(bytes, request), Step::done);
  EXPECT_EQ(parser.head().bytes, bytes.size());
}

TEST(RequestParser, JoinsChunksWhereverTheyAreSplit) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n";
  const std::string chunks = "3;a=\"b\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: 1\r\n\r\nGET";
  for (std::size_t first = 0; first <= chunks.size(); ++first) {
    RequestParser parser(4096, 1000);
    parser.start();
    HttpRequest request;
    ASSERT_EQ(parser.parse_head(head, request), Step::done);
    ASSERT_EQ(parser.head().body, Body::chunked);
    Bytes body;
    std::size_t used = 0;
    auto step = parser.parse_chunks(std::string_view(chunks).substr(0, first), used, body);
    if (step == Step::need_more) {
      const auto rest = std::string_view(chunks).substr(used);
      std::size_t more = 0;
      step = parser.parse_chunks(rest, more, body);
      used += more;
    }
    EXPECT_EQ(step, Step::done) << first;
    EXPECT_EQ(as_text(body), "abc0123456789") << first;
    EXPECT_EQ(chunks.substr(used), "GET") << first;
  }
}

TEST(RequestParser, TakesALastChunkByteByByte) {
  for (const std::string chunks : {"0\r\n\r\n", "1\r\na\r\n0\r\n\r\n", "00;x\r\nT: t\r\n\r\n"}) {
    RequestParser parser(4096, 1000);
    parser.start();
    HttpRequest request;
    ASSERT_EQ(parser.parse_head(kChunkedHead, request), Step::done);
    Bytes body;
    std::size_t used = 0, begin = 0;
    for (std::size_t end = 0; end < chunks.size(); ++end) {
      EXPECT_EQ(
          parser.parse_chunks(std::string_view(chunks).substr(begin, end - begin), used, body),
          Step::need_more);
      begin += used;
    }
    EXPECT_EQ(parser.parse_chunks(std::string_view(chunks).substr(begin), used, body), Step::done);
    EXPECT_EQ(begin + used, chunks.size());
  }
}

TEST(RequestParser, BoundsAChunksHead) {
  RequestParser parser(4096, 1000);
  parser.start();
  HttpRequest request;
  ASSERT_EQ(parser.parse_head("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                              request),
            Step::done);
  Bytes body;
  std::size_t used = 0;
  const std::string endless = "1;" + std::string(kChunkHeadBytesMax, 'x');
  EXPECT_EQ(parser.parse_chunks(endless, used, body), Step::refused);
}

TEST(RequestParser, KeepAliveFollowsVersionAndConnection) {
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost: h\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").head.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").head.keep_alive);
}

TEST(RequestParser, HeadLimitCountsWithAndWithoutItsEnd) {
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  EXPECT_EQ(parse(head, head.size()).step, Step::done);
  EXPECT_EQ(parse(head, head.size() - 1).refusal, 431);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: hhhhhhhhhhhhhhhhhhh", 20).refusal, 431);
}

TEST(RequestParser, TakesTheFormsATargetHas) {
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").request.path, "*");
  EXPECT_EQ(parse("GET HTTPS://h:1/x/?y HTTP/1.1\r\nHost: h\r\n\r\n").request.target, "/x/?y");
  EXPECT_EQ(parse("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").request.target, "/");
  EXPECT_EQ(parse("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n").refusal, 400);
}

}  // namespace
}  // namespace trellis::net
