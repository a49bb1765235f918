// Goal: an actor's request goes where its link lets it, through redirects, and comes back in the
// contract's bytes.
#include "httpclient/http_client_provider.h"

#include <gtest/gtest.h>

#include "capability/http_contract.h"
#include "codec/msgpack.h"
#include "net/test_server.h"

namespace trellis::httpclient {
namespace {

using namespace std::chrono_literals;
using net::TestServer;

class NoActors final : public capability::Actors {
 public:
  runtime::Task<Bytes> call(std::string_view, std::string_view, BytesView,
                            runtime::Deadline) override {
    co_return fail(Errc::not_found, "test", "a client calls nobody");
  }
};

struct Got {
  std::uint16_t status = 0;
  std::string body{}, error{};
};

class HttpClientProviderTest : public ::testing::Test {
 protected:
  HttpClientProviderTest()
      : provider_({.cores = web_.cores(),
                   .actors = actors_,
                   .link_name = "default",
                   .config_json = "",
                   .rpc_timeout = 2s,
                   .data_dir = "",
                   .bus = {}}) {
    put({{"allow", "127.0.0.1"}});
  }
  ~HttpClientProviderTest() override {
    EXPECT_TRUE(on_core<void>([this] { return provider_.stop(runtime::Deadline::in(5s)); }));
  }
  template <class T>
  Result<T> on_core(std::function<runtime::Task<T>()> make) {
    return web_.cores().run_blocking<T>(0, std::move(make));
  }
  std::string put(std::map<std::string, std::string> values) {
    link_.actor_id = "M1";
    link_.values = std::move(values);
    const auto done = on_core<void>([this] { return provider_.link_put(link_); });
    return done ? "" : done.error().detail;
  }
  static std::string at(const TestServer& server, std::string_view path,
                        const char* host = "127.0.0.1") {
    return fmt::format("http://{}:{}{}", host, server.port(), path);
  }
  std::string here(std::string_view path) const { return at(web_, path); }

  Got call(std::string_view method, const std::string& url,
           const std::vector<std::pair<std::string, std::string>>& headers = {},
           std::string_view body = "", std::chrono::milliseconds timeout = 10s) {
    Bytes payload;
    codec::MsgpackWriter out(payload);
    out.array(4);
    out.str(method);
    out.str(url);
    out.map(headers.size());
    for (const auto& [name, value] : headers) {
      out.str(name);
      out.array(1);
      out.str(value);
    }
    out.bin(as_bytes(body));
    const auto answer = on_core<Bytes>([&] {
      return provider_.handle(link_, "HttpClient.Request", payload, runtime::Deadline::in(timeout));
    });
    if (!answer) return {.error = answer.error().detail};
    const auto read = capability::decode_http_answer(*answer);
    EXPECT_TRUE(read);
    return {.status = read->status, .body = std::string(as_text(read->body)), .error = ""};
  }

  TestServer web_, other_;
  NoActors actors_;
  HttpClientProvider provider_;
  lattice::Link link_;
};

TEST_F(HttpClientProviderTest, AnswersWithWhateverTheServerSaid) {
  EXPECT_EQ(call("post", here("/echo?x"), {}, "hi").body, "POST /echo x hi");
  EXPECT_EQ(call("GET", here("/status?404")).status, 404);
  EXPECT_EQ(call("GET", here("/fail")).status, 500);
}

TEST_F(HttpClientProviderTest, SendsTheActorsHeadersButTheConnectionsOwn) {
  const auto seen = call("GET", here("/headers"),
                         {{"X-Mine", "1"},
                          {"Host", "other.test"},
                          {"content-length", "7"},
                          {"Transfer-Encoding", "chunked"},
                          {"Connection", "close"},
                          {"bad name", "x"},
                          {"X-Bad", "a\r\nX-Injected: 1"},
                          {"X-Umlaut", "\xc3\xbc"}})
                        .body;
  EXPECT_NE(seen.find("X-Mine=1\n"), std::string::npos);
  for (const char* unwanted : {"other.test", "=7", "chunked", "bad name", "Injected", "Umlaut"})
    EXPECT_EQ(seen.find(unwanted), std::string::npos) << seen;
}

TEST_F(HttpClientProviderTest, FollowsRedirectsAsBrowsersDo) {
  EXPECT_EQ(call("GET", here("/redirect?/echo")).body, "GET /echo  ");
  EXPECT_EQ(call("POST", here("/redirect?/echo"), {{"Content-Type", "a/b"}}, "body").body,
            "GET /echo  ");
  const auto headers = call("GET", here("/redirect?" + at(other_, "/headers")),
                            {{"Authorization", "secret"}, {"Cookie", "secret"}, {"X-Mine", "1"}});
  EXPECT_NE(headers.body.find("X-Mine=1"), std::string::npos);
  EXPECT_EQ(headers.body.find("secret"), std::string::npos) << headers.body;
  EXPECT_NE(call("GET", here("/redirect?/headers"), {{"Authorization", "kept"}}).body.find("kept"),
            std::string::npos);
  EXPECT_NE(call("GET", here("/redirect?/redirect?/loop")).status, 302);
  put({{"allow", "127.0.0.1"}, {"max_redirects", "0"}});
  EXPECT_EQ(call("GET", here("/redirect?/echo")).status, 302);
}

TEST_F(HttpClientProviderTest, ARedirectLoopEnds) {
  const auto got = call("GET", here("/redirect?/redirect?"));  // an empty Location leads to itself
  EXPECT_TRUE(got.status == 302 || got.error.find("redirects") != std::string::npos) << got.error;
}

TEST_F(HttpClientProviderTest, ARedirectCannotLeadWhereTheLinkDoesNot) {
  put({{"allow", fmt::format("127.0.0.1:{}", web_.port())}});
  EXPECT_EQ(call("GET", here("/echo")).status, 200);
  const auto out = call("GET", here("/redirect?" + at(other_, "/echo")));
  EXPECT_NE(out.error.find("is not allowed"), std::string::npos) << out.error;
  const auto file = call("GET", here("/redirect?file:///etc/passwd"));
  EXPECT_TRUE(file.body.find("root:") == std::string::npos);
  EXPECT_EQ(other_.handler.requests, 0);
}

TEST_F(HttpClientProviderTest, WithoutAListThisMachineIsOutOfReach) {
  put({});
  for (const char* host : {"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1"}) {
    const auto got = call("GET", at(web_, "/echo", host));
    EXPECT_NE(got.error.find("is not allowed"), std::string::npos) << host << ": " << got.error;
  }
  EXPECT_EQ(web_.handler.requests, 0);
  put({{"allow", "localhost"}});
  EXPECT_EQ(call("GET", at(web_, "/echo", "localhost")).status, 200);
  EXPECT_NE(call("GET", here("/echo")).error, "");  // the name was listed, not the address
}

TEST_F(HttpClientProviderTest, OneLinksConnectionDoesNotServeAnother) {
  EXPECT_EQ(call("GET", here("/echo")).status, 200);  // keeps its connection
  put({{"allow", "elsewhere.test"}});
  EXPECT_NE(call("GET", here("/echo")).error.find("is not allowed"), std::string::npos);
  EXPECT_EQ(web_.handler.requests, 1);
}

TEST_F(HttpClientProviderTest, KeepsToTheDeadlineAndTheLimit) {
  EXPECT_NE(call("GET", here("/hold"), {}, "", 100ms).error.find("in time"), std::string::npos);
  put({{"allow", "127.0.0.1"}, {"timeout_ms", "100"}, {"max_response_bytes", "10"}});
  EXPECT_NE(call("GET", here("/hold")).error.find("in time"), std::string::npos);
  EXPECT_NE(call("GET", here("/big?11")).error.find("10 bytes"), std::string::npos);
  EXPECT_EQ(call("GET", here("/big?10")).status, 200);
}

TEST_F(HttpClientProviderTest, ALinkWithAMistakeServesNothing) {
  EXPECT_NE(put({{"allow", "127.0.0.1"}, {"timeout_ms", "x"}}), "");
  EXPECT_NE(call("GET", here("/echo")).error.find("values are wrong"), std::string::npos);
  EXPECT_EQ(put({{"allow", "127.0.0.1"}}), "");
  EXPECT_EQ(call("GET", here("/echo")).status, 200);
  ASSERT_TRUE(on_core<void>([this] { return provider_.link_delete(link_); }));
  EXPECT_NE(call("GET", here("/echo")).error, "");
}

TEST_F(HttpClientProviderTest, WrongCallsAreToldSo) {
  EXPECT_NE(call("", here("/echo")).error.find("HTTP method"), std::string::npos);
  EXPECT_NE(call("GET", "nonsense").error.find("is not a URL"), std::string::npos);
  const auto other = on_core<Bytes>(
      [this] { return provider_.handle(link_, "HttpClient.Drop", {}, runtime::Deadline::in(1s)); });
  EXPECT_EQ(other.error().detail, "method not handled HttpClient.Drop");
}

}  // namespace
}  // namespace trellis::httpclient
