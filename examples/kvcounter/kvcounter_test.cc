// Goal: kvcounter asks the store what the kvcounter of 2022 asked, and answers as it did.
#include "kvcounter.cc"

#include <gtest/gtest.h>

#include "fake_host.h"
#include "fake_http.h"

namespace trellis::sdk {
namespace {

// The answer to GET (or `method`) of `path`.
std::string answer(const std::string& path, const std::string& method = "GET") {
  auto& host = fake_host();
  host.calls.clear();
  const auto request = http_request({.method = method, .path = path});
  EXPECT_TRUE(host.invoke("HttpServer.HandleRequest", request)) << host.error;
  return host.response;
}

TEST(KvCounter, CountsOneForEachName) {
  auto& host = fake_host();
  host.answer = [](const FakeHost::Call&) { return FakeHost::Reply{true, "\x2a"}; };
  const std::pair<const char*, const char*> keys[] = {{"/api/counter", "counter:default"},
                                                      {"/api/counter/", "counter:default"},
                                                      {"/api/counter/foo", "counter:foo"}};
  for (const auto& [path, key] : keys) {
    EXPECT_TRUE(answer(path).ends_with(R"({"counter":42})"));
    ASSERT_EQ(host.calls.size(), 1u);
    EXPECT_EQ(host.calls[0].operation, "KeyValue.Increment");
    EXPECT_NE(as_text(host.calls[0].payload).find(key), std::string_view::npos);
  }
}

TEST(KvCounter, SaysWhatTheStoreSays) {
  fake_host().answer = [](const FakeHost::Call&) { return FakeHost::Reply{false, "no store"}; };
  EXPECT_TRUE(answer("/api/counter").ends_with(R"({"error":"Host send error no store"})"));
}

TEST(KvCounter, ShowsAPageAndNothingElse) {
  EXPECT_NE(answer("/").find("Enter a bucket name"), std::string::npos);
  for (const auto& [path, method] :
       {std::pair("/none", "GET"), {"/api/counters", "GET"}, {"/", "PUT"}})
    EXPECT_NE(answer(path, method).find(hex_text("cd0194")), std::string::npos) << path;
}

}  // namespace
}  // namespace trellis::sdk
