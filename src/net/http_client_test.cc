// Goal: requests go out as they were meant, answers come back whole, and whatever goes wrong is
// told in words, in time.
#include "net/http_client.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "net/test_identity.h"
#include "net/test_server.h"

namespace trellis::net {
namespace {

using namespace std::chrono_literals;
using runtime::Deadline;

class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() : cores_(runtime::test_cores()) {
    EXPECT_TRUE(step<void>([this] { return make(this); }));
  }
  ~HttpClientTest() override {
    EXPECT_TRUE(step<void>([this] { return unmake(this); }));
  }
  static runtime::Task<void> make(HttpClientTest* test) {
    test->client_ = std::make_unique<HttpClient>(runtime::Core::current());
    co_return Result<void>{};
  }
  static runtime::Task<void> unmake(HttpClientTest* test) {
    test->client_.reset();
    co_return Result<void>{};
  }
  template <class T>
  Result<T> step(std::function<runtime::Task<T>()> work) {
    return cores_->run_blocking<T>(0, std::move(work));
  }

  std::string url(std::string_view path) const {
    return fmt::format("http://127.0.0.1:{}{}", server_.port(), path);
  }
  Result<OutboundAnswer> send(OutboundRequest request, std::chrono::milliseconds timeout = 10s) {
    return step<OutboundAnswer>([&] { return client_->send(request, Deadline::in(timeout)); });
  }
  Result<OutboundAnswer> get(std::string_view path, std::chrono::milliseconds timeout = 10s) {
    return send({.url = url(path)}, timeout);
  }
  std::string body(OutboundRequest request) {
    const auto answer = send(std::move(request));
    return answer ? std::string(as_text(answer->body)) : answer.error().describe();
  }
  std::string refusal(OutboundRequest request) {
    const auto answer = send(std::move(request));
    return answer ? "answered" : answer.error().detail;
  }

  TestServer server_;
  std::unique_ptr<runtime::Cores> cores_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTest, SendsMethodsAndBodiesAsTheyAre) {
  const Bytes hello = to_bytes("hello");
  EXPECT_EQ(body({.url = url("/echo?a=1")}), "GET /echo a=1 ");
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS", "PURGE"}) {
    EXPECT_EQ(body({.method = method, .url = url("/echo"), .body = hello}),
              fmt::format("{} /echo  hello", method));
    EXPECT_EQ(body({.method = method, .url = url("/echo")}), fmt::format("{} /echo  ", method));
  }
  const Bytes large(2'000'000, 'u');
  EXPECT_EQ(body({.method = "POST", .url = url("/echo"), .body = large}).size(),
            large.size() + std::string("POST /echo  ").size());
  const auto head = send({.method = "HEAD", .url = url("/big?1000")});
  ASSERT_TRUE(head) << head.error().describe();
  EXPECT_TRUE(head->body.empty());
  EXPECT_EQ(server_.handler.requests, 17);
}

TEST_F(HttpClientTest, SendsNoHeaderThatWasNotAskedFor) {
  const auto seen = body({.method = "POST",
                          .url = url("/headers"),
                          .headers = {{"X-One", "1"}, {"X-One", "2"}, {"X-Empty", ""}},
                          .body = to_bytes("x")});
  EXPECT_NE(seen.find("X-One=1\nX-One=2\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("X-Empty=\n"), std::string::npos) << seen;
  for (const char* unwanted : {"Expect", "Content-Type", "User-Agent", "Accept-Encoding"})
    EXPECT_EQ(seen.find(unwanted), std::string::npos) << seen;
  EXPECT_NE(
      body({.url = url("/headers"), .headers = {{"Content-Type", "a/b"}}}).find("Content-Type=a/b"),
      std::string::npos);
}

TEST_F(HttpClientTest, GivesStatusHeadersAndWhereARedirectLeads) {
  const auto teapot = get("/status?418");
  ASSERT_TRUE(teapot) << teapot.error().describe();
  EXPECT_EQ(teapot->status, 418);
  EXPECT_EQ(as_text(teapot->body), "content");
  EXPECT_EQ(teapot->location, "");
  const auto moved = get("/redirect?/echo");
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->status, 302);
  EXPECT_EQ(moved->location, url("/echo"));
  EXPECT_TRUE(std::any_of(moved->headers.begin(), moved->headers.end(), [](const auto& header) {
    return header.name == "Location" && header.value == "/echo";
  }));
}

TEST_F(HttpClientTest, RefusesWhatWouldBeAnotherRequest) {
  EXPECT_NE(refusal({.method = "GET / HTTP/1.1\r\nX: y", .url = url("/")}).find("HTTP method"),
            std::string::npos);
  EXPECT_NE(refusal({.url = url("/"), .headers = {{"X", "a\r\nY: b"}}}).find("HTTP header"),
            std::string::npos);
  EXPECT_NE(refusal({.url = url("/"), .headers = {{"X: y", "a"}}}).find("HTTP header"),
            std::string::npos);
  for (const char* not_http : {"", "nothing", "file:///etc/passwd", "ftp://h/", "gopher://h/",
                               "http://", "http://h:99999/", "/path"})
    EXPECT_NE(refusal({.url = not_http}), "answered") << not_http;
  EXPECT_EQ(server_.handler.requests, 0);
}

TEST_F(HttpClientTest, AnAnswerThatIsTooLargeIsRefused) {
  EXPECT_EQ(body({.url = url("/big?1000"), .answer_bytes_max = 1000}).size(), 1000u);
  const auto large = send({.url = url("/big?1001"), .answer_bytes_max = 1000});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Errc::exhausted);
  EXPECT_NE(large.error().detail.find("1000 bytes"), std::string::npos);
}

TEST_F(HttpClientTest, GivesUpAtTheDeadlineAndWhenClosed) {
  const auto began = std::chrono::steady_clock::now();
  const auto late = get("/hold", 100ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);

  std::thread closer([this] {
    while (server_.handler.holding < 2) std::this_thread::yield();
    (*cores_)[0].post([this] { client_->close(); });
  });
  const auto closed = get("/hold");
  closer.join();
  EXPECT_FALSE(closed);
  EXPECT_FALSE(get("/echo"));
}

TEST_F(HttpClientTest, SaysWhyNobodyAnswered) {
  const auto port = server_.port();
  server_.close(1s);
  const auto refused = refusal({.url = fmt::format("http://127.0.0.1:{}/", port)});
  EXPECT_NE(refused.find("Failed to connect to 127.0.0.1"), std::string::npos) << refused;
  const auto unknown = refusal({.url = "http://no-such-host.invalid/"});
  EXPECT_NE(unknown.find("no-such-host.invalid"), std::string::npos) << unknown;
}

Result<void> nothing_allowed(const boost::asio::ip::address& address) {
  return fail(Errc::denied, "test", address.to_string() + " is not allowed");
}

TEST_F(HttpClientTest, AsksBeforeItConnectsAndBeforeItUsesAKeptConnection) {
  const auto before = send({.url = url("/echo"), .allowed = nothing_allowed});
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code, Errc::denied);
  EXPECT_EQ(before.error().detail, "127.0.0.1 is not allowed");
  EXPECT_EQ(server_.handler.requests, 0);
  ASSERT_TRUE(get("/echo"));  // whose connection is kept
  const auto kept = send({.url = url("/echo"), .allowed = nothing_allowed});
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().detail, "127.0.0.1 is not allowed");
  EXPECT_EQ(server_.handler.requests, 1);
  int asked = 0;
  EXPECT_TRUE(send({.url = fmt::format("http://localhost:{}/echo", server_.port()),
                    .allowed = [&](const boost::asio::ip::address& address) -> Result<void> {
                      ++asked;
                      if (address.is_v6()) return fail(Errc::denied, "test", "only IPv4");
                      return {};
                    }}));
  EXPECT_GE(asked, 2);
}

runtime::Task<void> one(HttpClient* client, std::string url, int* answered) {
  const auto answer = co_await client->send({.url = std::move(url)}, Deadline::in(20s));
  EXPECT_TRUE(answer) << answer.error().describe();
  if (answer && as_text(answer->body) == "GET /echo  ") ++*answered;
  co_return Result<void>{};
}
runtime::Task<void> many(HttpClient* client, std::string url, int* answered) {
  runtime::TaskGroup group(runtime::Core::current());
  for (int i = 0; i < 200; ++i) group.spawn("request", one(client, url, answered));
  co_return co_await group.join(Deadline::in(30s));
}

TEST_F(HttpClientTest, SendsManyAtOnceAndManyOnOneConnection) {
  int answered = 0;
  EXPECT_TRUE(step<void>([&] { return many(client_.get(), url("/echo"), &answered); }));
  EXPECT_EQ(answered, 200);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(body({.url = url("/echo")}), "GET /echo  ");
}

TEST_F(HttpClientTest, VerifiesWhomItSpeaksTo) {
  const Identity identity;
  TestServer secure({.tls = true, .tls_files = identity.files()});
  const auto at = fmt::format("https://127.0.0.1:{}/echo", secure.port());
  const auto unknown = refusal({.url = at});
  EXPECT_NE(unknown.find("certificate"), std::string::npos) << unknown;
  EXPECT_EQ(secure.handler.requests, 0);
  EXPECT_EQ(body({.url = at, .ca_file = identity.files().certificate_path}), "GET /echo  ");
  const auto other_name = refusal({.url = fmt::format("https://localhost:{}/echo", secure.port()),
                                   .ca_file = identity.files().certificate_path});
  EXPECT_NE(other_name.find("localhost"), std::string::npos) << other_name;
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(HttpClientTest, TakesWhatTlsNeedsAsText) {
  const Identity identity;
  TestServer secure({.tls = true, .tls_files = identity.files()});
  const auto ca = contents(identity.files().certificate_path);
  const auto key = contents(identity.files().private_key_path);
  const auto at = [&](const char* host) {
    return fmt::format("https://{}:{}/echo", host, secure.port());
  };
  EXPECT_NE(refusal({.url = at("127.0.0.1"), .tls = {.ca = ca, .certificate = ca, .key = "x"}}),
            "answered");
  EXPECT_EQ(body({.url = at("127.0.0.1"), .tls = {.ca = ca}}), "GET /echo  ");
  EXPECT_EQ(body({.url = at("127.0.0.1"), .tls = {.ca = ca, .certificate = ca, .key = key}}),
            "GET /echo  ");
  EXPECT_EQ(body({.url = at("localhost"), .tls = {.ca = ca, .server_name = "127.0.0.1"}}),
            "GET /echo  ");
  const auto wrong = refusal({.url = at("127.0.0.1"), .tls = {.ca = ca, .server_name = "x.test"}});
  EXPECT_NE(wrong.find("x.test"), std::string::npos) << wrong;
  EXPECT_EQ(body({.url = at("localhost"), .tls = {.verify = false}}), "GET /echo  ");
}

TEST(HttpUrl, IsUnderstoodAsTheClientWillUnderstandIt) {
  const auto parts = parse_http_url("HTTPS://User@EXAMPLE.com./a b");
  ASSERT_TRUE(parts) << parts.error().describe();
  EXPECT_EQ(parts->scheme, "https");
  EXPECT_EQ(parts->host, "example.com");
  EXPECT_EQ(parts->port, 443);
  EXPECT_EQ(parse_http_url("http://[::1]:8080/")->host, "::1");
  EXPECT_EQ(parse_http_url("http://[::1]:8080/")->port, 8080);
  for (const char* loopback :
       {"http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://0177.0.0.1/"})
    EXPECT_EQ(parse_http_url(loopback)->host, "127.0.0.1") << loopback;
}

}  // namespace
}  // namespace trellis::net
