// Goal: a stream carries bytes both ways, and what ends it is told.
#include "net/stream.h"

#include <gtest/gtest.h>

#include "net/test_server.h"

namespace trellis::net {
namespace {

using namespace std::chrono_literals;
using runtime::Deadline;

runtime::Task<std::string> ask(Stream::Target target, std::string text) {
  CO_TRY(const auto stream, co_await Stream::connect(std::move(target), Deadline::in(5s)));
  CO_TRY_OK(co_await stream->write_all(as_bytes(text)));
  std::string got;
  std::uint8_t buffer[256];
  for (;;) {
    const auto count = co_await stream->read_some(buffer);
    if (!count) {
      EXPECT_EQ(count.error().code, Errc::unavailable);
      stream->close();
      stream->close();
      EXPECT_FALSE(co_await stream->write_all(as_bytes("more")));
      co_return got;
    }
    got.append(buffer, buffer + *count);
  }
}

std::string refusal(TestServer& server, Stream::Target target, std::chrono::milliseconds timeout) {
  auto stream = server.cores().run_blocking<std::unique_ptr<Stream>>(
      0, [&] { return Stream::connect(target, Deadline::in(timeout)); });
  return stream ? "connected" : stream.error().detail;
}

TEST(Stream, CarriesBytesUntilTheOtherSideEnds) {
  TestServer server;
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto got = server.cores().run_blocking<std::string>(0, [&] {
      return ask({.host = host, .port = server.port()},
                 "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    });
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_TRUE(got->ends_with("GET /echo  ")) << *got;
  }
}

TEST(Stream, SaysWhyItCannotConnect) {
  TestServer server;
  const auto port = server.port();
  server.close(1s);
  EXPECT_EQ(refusal(server, {.host = "127.0.0.1", .port = port}, 5s),
            fmt::format("cannot connect to 127.0.0.1:{}: Connection refused", port));
  EXPECT_NE(refusal(server, {.host = "no-such-host.invalid", .port = 1}, 5s).find("is not known"),
            std::string::npos);
  EXPECT_NE(refusal(server, {.unix_path = "/no/such/socket"}, 5s).find("/no/such/socket"),
            std::string::npos);
  EXPECT_NE(refusal(server, {.unix_path = std::string(200, 'x')}, 5s).find("too long"),
            std::string::npos);
}

TEST(Stream, GivesUpAtTheDeadline) {
  TestServer server;
  // A TLS greeting that a plain server never answers.
  const auto why =
      refusal(server, {.host = "127.0.0.1", .port = server.port(), .tls = true}, 100ms);
  EXPECT_NE(why, "connected");
}

}  // namespace
}  // namespace trellis::net
