// The server as a peer meets it: raw bytes over loopback, each rule of HTTP and each limit by
// itself.
#include "net/http_server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <ctime>
#include <thread>

#include "net/test_client.h"
#include "net/test_server.h"

namespace trellis::net {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kGet = "GET /echo?a=b HTTP/1.1\r\nHost: h\r\n\r\n";

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

std::string status_line(const std::string& response) {
  return response.substr(0, response.find("\r\n"));
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  TestServer server;
  TestClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    const auto got = client.response();
    EXPECT_EQ(status_line(got), "HTTP/1.1 200 OK");
    EXPECT_TRUE(has(got, "\r\nContent-Length: 14\r\n"));
    EXPECT_TRUE(has(got, "\r\nServer: trellis\r\nDate: "));
    EXPECT_TRUE(has(got, " GMT\r\n"));
    EXPECT_FALSE(has(got, "Connection:"));
    EXPECT_TRUE(got.ends_with("\r\n\r\nGET /echo a=b "));
  }
}

TEST(HttpServer, ServesOnEveryCore) {
  TestServer server({}, 3);
  for (int i = 0; i < 20; ++i) {
    TestClient client(server.port());
    client.send(kGet);
    EXPECT_TRUE(has(client.response(), "200 OK"));
  }
}

TEST(HttpServer, ClosesWhenAskedTo) {
  TestServer server;
  TestClient client(server.port());
  client.send("GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto got = client.until_closed();
  EXPECT_TRUE(has(got, "Connection: close\r\n"));
  EXPECT_TRUE(has(got, "200 OK"));
}

TEST(HttpServer, Http10ClosesUnlessItAsksToStay) {
  TestServer server;
  {
    TestClient client(server.port());
    client.send("GET /echo HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(has(client.until_closed(), "Connection: close\r\n"));
  }
  TestClient client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(has(client.response(), "Connection: keep-alive\r\n"));
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  TestClient client(server.port());
  std::string all;
  for (int i = 0; i < 500; ++i)
    all += fmt::format("POST /p{} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", i);
  std::thread sender([&] { client.send(all); });
  for (int i = 0; i < 500; ++i)
    EXPECT_TRUE(client.response().ends_with(fmt::format("POST /p{}  abc", i)));
  sender.join();
}

TEST(HttpServer, TakesARequestByteByByte) {
  TestServer server;
  TestClient client(server.port());
  for (char c : std::string("POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"))
    client.send({&c, 1});
  EXPECT_TRUE(client.response().ends_with("POST /slow  hello"));
}

TEST(HttpServer, TakesABodyLargerThanItsBuffers) {
  TestServer server;
  TestClient client(server.port());
  const std::string body(3'000'000, 'b');
  client.send(
      fmt::format("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.size()));
  std::thread sender([&] { client.send(body + std::string(kGet)); });
  const auto got = client.response();
  EXPECT_EQ(got.substr(got.find("\r\n\r\n") + 4), "POST /x  " + body);
  EXPECT_TRUE(has(client.response(), "GET /echo a=b"));
  sender.join();
}

TEST(HttpServer, JoinsChunksAndIgnoresTrailers) {
  TestServer server;
  TestClient client(server.port());
  client.send(
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;ext=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-Trailer: t\r\n\r\n" +
      std::string(kGet));
  EXPECT_TRUE(client.response().ends_with("POST /c  hello world"));
  EXPECT_TRUE(client.response().ends_with("GET /echo a=b "));
}

TEST(HttpServer, ShowsHeadersPeerAndAbsoluteTargets) {
  TestServer server;
  TestClient client(server.port());
  client.send(
      "GET http://example.org/headers?q HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-two:  2 \r\n\r\n");
  const auto got = client.response();
  EXPECT_TRUE(has(got, "remote=127.0.0.1:")) << got;
  EXPECT_TRUE(has(got, "tls=false\n"));
  EXPECT_TRUE(has(got, "X-One=1\nx-two=2\n"));
  client.send("GET http://example.org?q=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.response().ends_with("GET / q=1 "));
}

TEST(HttpServer, HeadGetsTheHeadOnly) {
  TestServer server;
  TestClient client(server.port());
  client.send("HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(has(client.response(true), "Content-Length: 12\r\n"));
  client.send(kGet);
  EXPECT_EQ(status_line(client.response()), "HTTP/1.1 200 OK");
}

TEST(HttpServer, SaysContinueBeforeItReadsTheBody) {
  TestServer server;
  TestClient client(server.port());
  client.send("PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.response(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_TRUE(client.response().ends_with("PUT /x  ok"));
}

TEST(HttpServer, StatusWithoutContentHasNone) {
  TestServer server;
  TestClient client(server.port());
  client.send("GET /status?204 HTTP/1.1\r\nHost: h\r\n\r\n");
  auto got = client.response();
  EXPECT_EQ(status_line(got), "HTTP/1.1 204 No Content");
  EXPECT_FALSE(has(got, "Content-Length"));
  client.send("GET /status?304 HTTP/1.1\r\nHost: h\r\n\r\n");
  got = client.response();
  EXPECT_EQ(status_line(got), "HTTP/1.1 304 Not Modified");
  EXPECT_TRUE(got.ends_with("\r\n\r\n"));
  client.send(kGet);
  EXPECT_TRUE(client.response().ends_with("GET /echo a=b "));
}

TEST(HttpServer, HandlersCannotSplitOrMisframeAnAnswer) {
  TestServer server;
  TestClient client(server.port());
  client.send("GET /bad-header HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto got = client.response();
  EXPECT_FALSE(has(got, "Injected")) << got;
  EXPECT_FALSE(has(got, "X Bad Name"));
  EXPECT_FALSE(has(got, "9999"));
  EXPECT_FALSE(has(got, "Transfer-Encoding"));
  EXPECT_TRUE(has(got, "X-Good: c\r\n"));
}

TEST(HttpServer, AHandlersFailureIsA500AndTheConnectionLives) {
  TestServer server;
  TestClient client(server.port());
  for (const auto* path : {"/fail", "/throw", "/status?100"}) {
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", path));
    const auto got = client.response();
    EXPECT_EQ(status_line(got), "HTTP/1.1 500 Internal Server Error") << path;
    EXPECT_TRUE(has(got, "Content-Length: 0\r\n"));
  }
}

struct Refusal {
  const char* what;
  const char* bytes;
  const char* status;
};

class Refuses : public testing::TestWithParam<Refusal> {};

TEST_P(Refuses, AndCloses) {
  TestServer server;
  TestClient client(server.port());
  client.send(GetParam().bytes);
  const auto got = client.until_closed();
  EXPECT_TRUE(status_line(got).starts_with(fmt::format("HTTP/1.1 {} ", GetParam().status))) << got;
  EXPECT_TRUE(has(got, "Connection: close\r\n"));
  EXPECT_EQ(server.handler.requests, 0);
}

INSTANTIATE_TEST_SUITE_P(
    HttpServer, Refuses,
    testing::Values(
        Refusal{"Garbage", "\x16\x03\x01 what is this\r\n\r\n", "400"},
        Refusal{"NoHost", "GET / HTTP/1.1\r\n\r\n", "400"},
        Refusal{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        Refusal{"SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"},
        Refusal{"FoldedLine", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "400"},
        Refusal{"LengthAndChunked",
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: "
                "chunked\r\n\r\nabc",
                "400"},
        Refusal{"ChunkedAndLength",
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                "3\r\n\r\nabc",
                "400"},
        Refusal{"TwoLengths",
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
                "400"},
        Refusal{"NegativeLength", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
                "400"},
        Refusal{"LengthBeyond64Bits",
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
                "400"},
        Refusal{"UnknownEncoding",
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"},
        Refusal{"EncodingInHttp10",
                "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
        Refusal{"BadChunk",
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
                "400"},
        Refusal{"HugeChunk",
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
                "413"},
        Refusal{"OtherVersion", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505"},
        Refusal{"OtherExpectation",
                "PUT / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", "417"},
        Refusal{"RelativeTarget", "GET here HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        Refusal{"Connect", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "400"}),
    [](const auto& param) { return param.param.what; });

TEST(HttpServer, RefusesHeadersBeyondTheLimit) {
  TestServer server({.header_bytes_max = 1024});
  TestClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(5000, 'x') + "\r\n\r\n");
  EXPECT_EQ(status_line(client.until_closed()), "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST(HttpServer, TakesManyHeadersAndRefusesTooMany) {
  TestServer server;
  std::string head = "GET /echo HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 900; ++i) head += fmt::format("X-{}: {}\r\n", i, i);
  TestClient good(server.port());
  good.send(head + "\r\n");
  EXPECT_TRUE(has(good.response(), "200 OK"));
  for (int i = 0; i < 200; ++i) head += fmt::format("Y-{}: {}\r\n", i, i);
  TestClient bad(server.port());
  bad.send(head + "\r\n");
  EXPECT_TRUE(has(bad.until_closed(), " 431 "));
}

TEST(HttpServer, RefusesABodyBeyondTheLimitBeforeItIsSent) {
  TestServer server({.body_bytes_max = 100});
  TestClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n");
  EXPECT_EQ(status_line(client.until_closed()), "HTTP/1.1 413 Content Too Large");
  EXPECT_EQ(server.handler.requests, 0);
}

TEST(HttpServer, TheRefusalArrivesThoughTheBodyIsBeingSent) {
  TestServer server({.body_bytes_max = 100});
  TestClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" +
              std::string(1'000'000, 'x'));
  client.finish_sending();
  EXPECT_EQ(status_line(client.until_closed()), "HTTP/1.1 413 Content Too Large");
}

TEST(HttpServer, RefusesChunksBeyondTheLimit) {
  TestServer server({.body_bytes_max = 8});
  TestClient client(server.port());
  client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n");
  EXPECT_TRUE(has(client.until_closed(), " 413 "));
}

TEST(HttpServer, ASlowHeadIsA408) {
  TestServer server({.header_timeout = 60ms});
  TestClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(status_line(client.until_closed()), "HTTP/1.1 408 Request Timeout");
}

TEST(HttpServer, ASlowBodyIsA408) {
  TestServer server({.body_timeout = 60ms});
  TestClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(status_line(client.until_closed()), "HTTP/1.1 408 Request Timeout");
  TestClient chunked(server.port());
  chunked.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
  EXPECT_EQ(status_line(chunked.until_closed()), "HTTP/1.1 408 Request Timeout");
}

// A mebibyte would be worth 64 seconds.
TEST(HttpServer, WhatCameFastBuysNoTimeToStall) {
  TestServer server({.body_timeout = 60ms});
  const std::string most(1 << 20, 'x');
  TestClient client(server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n" + most);
  EXPECT_EQ(status_line(client.until_closed()), "HTTP/1.1 408 Request Timeout");
  TestClient chunked(server.port());
  chunked.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" +
               most + "\r\n");
  EXPECT_EQ(status_line(chunked.until_closed()), "HTTP/1.1 408 Request Timeout");
}

TEST(HttpServer, AnIdleConnectionIsClosedWithoutAWord) {
  TestServer server({.idle_timeout = 60ms});
  TestClient client(server.port());
  client.send(kGet);
  EXPECT_TRUE(has(client.response(), "200 OK"));
  EXPECT_EQ(client.until_closed(), "");
}

TEST(HttpServer, AConnectionThatNeverSpeaksIsClosed) {
  TestServer server({.header_timeout = 60ms});
  TestClient client(server.port());
  EXPECT_EQ(client.until_closed(), "");
}

TEST(HttpServer, SendsALargeAnswerWhole) {
  TestServer server;
  TestClient client(server.port());
  client.send("GET /big?67108864 HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(kGet));
  const auto got = client.response();
  EXPECT_EQ(got.size() - got.find("\r\n\r\n") - 4, 67108864u);
  EXPECT_TRUE(client.response().ends_with("GET /echo a=b "));
}

TEST(HttpServer, AReaderThatStopsIsCutOff) {
  TestServer server({.write_timeout = 60ms});
  TestClient client(server.port(), 4096);
  client.send("GET /big?67108864 HTTP/1.1\r\nHost: h\r\n\r\n");
  while (server.handler.requests == 0) std::this_thread::yield();
  TestClient other(server.port());
  other.send(kGet);
  EXPECT_TRUE(has(other.response(), "200 OK"));
  // The server gives up on us while we read nothing: closing waits for nobody until its deadline.
  const auto start = std::chrono::steady_clock::now();
  server.close(30s);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 20s);
}

TEST(HttpServer, SurvivesResetsAnywhere) {
  TestServer server;
  for (const auto* part :
       {"", "GET /ec", "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "GET /big?9000000 HTTP/1.1\r\nHost: h\r\n\r\n", "what\r\n\r\n"}) {
    TestClient client(server.port());
    client.send(part);
    client.reset();
  }
  TestClient client(server.port());
  client.send(kGet);
  EXPECT_TRUE(has(client.response(), "200 OK"));
}

TEST(HttpServer, AnswersAPeerThatHasFinishedSending) {
  TestServer server;
  TestClient client(server.port());
  client.send(kGet);
  client.finish_sending();
  EXPECT_TRUE(has(client.until_closed(), "200 OK"));
}

TEST(HttpServer, ConnectionsBeyondTheLimitWaitForAPlace) {
  TestServer server({.connections_max = 2});
  TestClient first(server.port()), second(server.port());
  for (auto* client : {&first, &second}) {
    client->send(kGet);
    EXPECT_TRUE(has(client->response(), "200 OK"));
  }
  TestClient third(server.port());
  third.send(kGet);
  EXPECT_FALSE(third.receive(50));
  first.close();
  EXPECT_TRUE(has(third.response(), "200 OK"));
}

TEST(HttpServer, ConnectionsLeaveFilesToTheRest) {
  EXPECT_EQ(connections_that_fit(20'000, 1'048'576, 8), 20'000u);
  EXPECT_EQ(connections_that_fit(20'000, 4'096, 2), 1'792u);
  EXPECT_EQ(connections_that_fit(20'000, 600, 1), 300u);
  EXPECT_EQ(connections_that_fit(2, 10, 16), 1u);
  EXPECT_EQ(connections_that_fit(20'000, SIZE_MAX, 1), 20'000u);
}

TEST(HttpServer, WithoutDescriptorsItWaitsWithoutSpinningAndThenAccepts) {
  TestServer server;
  TestClient client(server.port(), 0, TestClient::Connect::later);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int next = dup(client.fd());
  ::close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  client.connect_to(server.port());
  client.send(kGet);
  const auto cpu = std::clock();
  EXPECT_FALSE(client.receive(300));
  const double busy = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_LT(busy, 0.15);
  EXPECT_TRUE(has(client.response(), "200 OK"));
}

// --- closing -------------------------------------------------------------------------------------

TEST(HttpServer, WhoLeavesServesAllAndAsksEachConnectionToEnd) {
  TestServer server({}, 2);
  TestClient kept(server.port()), silent(server.port());
  kept.send(kGet);
  EXPECT_FALSE(has(kept.response(), "Connection: close\r\n"));
  server.leave();
  kept.send(kGet);  // an idle connection was not closed: its next request may be on its way
  const auto last = kept.until_closed();
  EXPECT_TRUE(has(last, "200 OK") && has(last, "Connection: close\r\n"));
  TestClient fresh(server.port());
  fresh.send(kGet);
  EXPECT_TRUE(has(fresh.until_closed(), "Connection: close\r\n"));
  // Who was let in and has not asked yet has a moment to do it while the server closes.
  std::thread closer([&] { server.close(10s); });
  while (TestClient(server.port()).connected()) std::this_thread::yield();
  silent.send(kGet);
  EXPECT_TRUE(has(silent.until_closed(), "200 OK"));
  closer.join();
}

TEST(HttpServer, CloseAnswersWhatIsInFlightAndFreesThePort) {
  TestServer server({}, 2);
  const auto port = server.port();
  TestClient idle(port), held(port);
  idle.send(kGet);
  EXPECT_TRUE(has(idle.response(), "200 OK"));
  held.send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
  while (server.handler.holding == 0) std::this_thread::yield();
  std::thread closer([&] { server.close(10s); });
  EXPECT_EQ(idle.until_closed(), "");
  // The idle one was closed after accepting had ended.
  while (TestClient(port).connected()) std::this_thread::yield();
  server.handler.release();
  const auto got = held.until_closed();
  EXPECT_TRUE(has(got, "released"));
  EXPECT_TRUE(has(got, "Connection: close\r\n"));
  closer.join();
  auto again = server.listen({.address = fmt::format("127.0.0.1:{}", port)});
  ASSERT_TRUE(again) << again.error().describe();
  server.close(*again, 1s);
}

TEST(HttpServer, CloseTellsHandlersToEndAtItsDeadline) {
  TestServer server;
  TestClient held(server.port());
  held.send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
  while (server.handler.holding == 0) std::this_thread::yield();
  server.close(20ms);
  held.until_closed();
}

}  // namespace
}  // namespace trellis::net
