// Calls on real actors of 2022 whose answers are known byte for byte (docs/protocol.md §11.6). The
// modules are not part of the source: TRELLIS_FIXTURES names the folder that holds them.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "engine/engine_fixture.h"

namespace trellis::engine {
namespace {

class Golden : public EngineFixture {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("TRELLIS_FIXTURES");
    if (!folder) GTEST_SKIP() << "TRELLIS_FIXTURES names no folder with the modules";
    folder_ = folder;
    EngineFixture::SetUp();
  }
  void TearDown() override {
    if (cores_) EngineFixture::TearDown();
  }
  std::shared_ptr<const Module> fixture(const char* name) {
    std::ifstream file(folder_ + "/" + name, std::ios::binary);
    const Bytes wasm((std::istreambuf_iterator<char>(file)), {});
    auto module = load(wasm);
    if (module) return *module;
    ADD_FAILURE() << module.error().describe();
    return nullptr;
  }
  std::string folder_;
};

// The HttpRequest of docs/protocol.md §2.3: GET /a?x=1 with a body of two bytes.
std::string http_request(std::string_view method, std::string_view path, std::string_view query,
                         std::string_view body) {
  auto str = [](std::string_view s) {
    return std::string(1, char(0xa0 | s.size())) + std::string(s);
  };
  return "\x85" + str("method") + str(method) + str("path") + str(path) + str("queryString") +
         str(query) + str("header") + "\x80" + str("body") + "\xc4" + char(body.size()) +
         std::string(body);
}

TEST_F(Golden, EchoAnswersHttp) {
  auto echo = fixture("echo.wasm");
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->info().api_version, 1);
  EXPECT_FALSE(echo->info().imports_wasi);
  EXPECT_TRUE(echo->info().content_hash.starts_with("81b5dd58"));
  auto answer = call(echo, "HttpServer.HandleRequest",
                     http_request("GET", "/a", "x=1", std::string("\x01\x02", 2)));
  ASSERT_TRUE(answer) << answer.error().describe();
  EXPECT_TRUE(
      answer->starts_with("\x83\xaastatusCode\xcc\xc8\xa6header\x80\xa4"
                          "body\xc4\x3e"));
  EXPECT_TRUE(
      answer->ends_with(R"({"body":[1,2],"method":"GET","path":"/a","query_string":"x=1"})"));
}

TEST_F(Golden, EchoAnswersHealth) {
  EXPECT_EQ(call(fixture("echo.wasm"), "Actor.HealthRequest", "\x80").value_or("error"),
            "\x81\xa7healthy\xc3");
}

TEST_F(Golden, EchoRefusesUnknownOperations) {
  auto echo = fixture("echo.wasm");
  auto answer = call(echo, "Foo.Bar", "");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::invalid);
  EXPECT_STREQ(answer.error().site, "guest.error");
  EXPECT_EQ(answer.error().detail,
            "Guest call failed for method Foo.Bar: method not handled Foo.Bar - unknown method");
  EXPECT_EQ(call(echo, "HandleRequest", http_request("GET", "/", "", "")).error().detail,
            "Guest call failed for method HandleRequest: method not handled _.HandleRequest - "
            "unknown method");
  EXPECT_TRUE(
      call(echo, "HttpServer.HandleRequest", "\xc1")
          .error()
          .detail.ends_with("deserialization: 'HttpRequest': deserialization: wrong msgpack "
                            "marker Reserved"));
}

TEST_F(Golden, KvcounterCallsTheKeyValueStore) {
  auto kvcounter = fixture("kvcounter.wasm");
  ASSERT_TRUE(kvcounter);
  EXPECT_EQ(kvcounter->info().api_version, 0);
  host_.answer = Bytes{0x2a};
  auto answer = call(kvcounter, "HttpServer.HandleRequest", http_request("GET", "/foo", "", ""));
  ASSERT_TRUE(answer) << answer.error().describe();
  EXPECT_NE(answer->find(R"({"counter":42})"), std::string::npos);
  ASSERT_EQ(host_.seen.size(), 1u);
  EXPECT_EQ(host_.seen[0].binding, "default");
  EXPECT_EQ(host_.seen[0].contract_or_actor, "wasmcloud:keyvalue");
  EXPECT_EQ(host_.seen[0].operation, "KeyValue.Increment");
  EXPECT_EQ(host_.seen[0].payload,
            "\x82\xa3key\xac"
            "counter::foo\xa5value\x01");
}

TEST_F(Golden, KvcounterReportsAFailedHostCall) {
  host_.answer = fail(Errc::timeout, "test", "Failed to perform RPC call: request timeout");
  auto answer = call(fixture("kvcounter.wasm"), "HttpServer.HandleRequest",
                     http_request("GET", "/foo", "", ""));
  ASSERT_TRUE(answer) << answer.error().describe();
  EXPECT_NE(
      answer->find(R"({"error":"Host send error Failed to perform RPC call: request timeout"})"),
      std::string::npos);
}

// In reuse mode the same instance answers again and again.
TEST_F(Golden, EveryFixtureLoadsAndEchoIsReusable) {
  for (const char* name : {"echo_unpriv_s.wasm", "kvcounter_unpriv_s.wasm", "pinger_s.wasm",
                           "ponger_s.wasm", "randogenlogger_s.wasm"}) {
    EXPECT_TRUE(fixture(name)) << name;
  }
  auto again = [](InstancePool& pool) -> runtime::Task<std::string> {
    for (int i = 0; i < 100; ++i)
      CO_TRY_OK(co_await call_text(pool, "Actor.HealthRequest", "\x80", soon()));
    co_return co_await call_text(pool, "Actor.HealthRequest", "\x80", soon());
  };
  for (auto mode : {InstanceMode::fresh, InstanceMode::reuse}) {
    auto answer = with_pool<std::string>(fixture("echo.wasm"), {.mode = mode}, again);
    EXPECT_EQ(answer.value_or("error"), "\x81\xa7healthy\xc3");
  }
}

}  // namespace
}  // namespace trellis::engine
