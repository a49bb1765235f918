// Goal: the page that was asked for is fetched, and its title found.
#include "preview.cc"

#include <gtest/gtest.h>

#include "fake_host.h"
#include "fake_http.h"

namespace trellis::sdk {
namespace {

std::string answer(const std::string& query) {
  auto& host = fake_host();
  EXPECT_TRUE(host.invoke("HttpServer.HandleRequest", http_request({.query = query})))
      << host.error;
  return host.response;
}

void web_says(std::uint16_t status, std::string_view body) {
  const auto bytes = encode(HttpResponse{status, {}, std::string(body)});
  fake_host().answer = [bytes](const FakeHost::Call&) {
    return FakeHost::Reply{true, std::string(as_text(bytes))};
  };
}

TEST(Preview, FetchesWhatWasAskedForAndGivesItsTitle) {
  web_says(200, "<html><head>\n<title lang=en>\n A \"page\" </title>");
  EXPECT_TRUE(
      answer("a=b&url=https%3A%2F%2Fexample.com%2Fa+b")
          .ends_with(R"({"url":"https://example.com/a b","status":200,"title":"A \"page\""})"));
  const auto& call = fake_host().calls.back();
  EXPECT_EQ(call.target, "wasmcloud:httpclient");
  EXPECT_NE(as_text(call.payload).find("https://example.com/a b"), std::string_view::npos);
}

TEST(Preview, APageWithoutATitleHasNone) {
  for (const char* body : {"", "<title>", "<title", "<title></title>", "<title> </title>"}) {
    web_says(404, body);
    EXPECT_TRUE(answer("url=x").ends_with(R"("status":404,"title":""})")) << body;
  }
}

TEST(Preview, SaysWhatTheProviderSays) {
  fake_host().answer = [](const FakeHost::Call&) { return FakeHost::Reply{false, "not allowed"}; };
  EXPECT_TRUE(answer("url=x").ends_with(R"({"error":"Host send error not allowed"})"));
  EXPECT_NE(answer("").find("ask for"), std::string::npos);
  EXPECT_EQ(query_value("url=%zz%4", "url"), "%zz%4");
}

}  // namespace
}  // namespace trellis::sdk
