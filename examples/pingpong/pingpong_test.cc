// Goal: ping calls pong by alias with one hit less, and passes on what it says.
#include <gtest/gtest.h>

#include "fake_host.h"
#include "fake_http.h"
#include "ping.cc"

namespace trellis::sdk {
namespace {

std::string answer(const std::string& query) {
  auto& host = fake_host();
  host.calls.clear();
  EXPECT_TRUE(host.invoke("HttpServer.HandleRequest", http_request({.query = query})))
      << host.error;
  return host.response;
}

TEST(Ping, CallsPongWithOneHitLess) {
  auto& host = fake_host();
  host.answer = [](const FakeHost::Call&) { return FakeHost::Reply{true, "\xa9pong ping"}; };
  EXPECT_TRUE(answer("hits=3").ends_with("ping pong ping\n"));
  ASSERT_EQ(host.calls.size(), 1u);
  EXPECT_EQ(host.calls[0].target, "examples/pong");
  EXPECT_EQ(host.calls[0].operation, "Pong.Hit");
  EXPECT_EQ(host.calls[0].payload, hex("02"));
  EXPECT_TRUE(answer("hits=1").ends_with("ping\n"));
  EXPECT_TRUE(host.calls.empty());
}

TEST(Ping, ReturnsTheBallAndRefusesWhatIsNone) {
  auto& host = fake_host();
  ASSERT_TRUE(host.invoke("Ping.Hit", hex("01")));
  EXPECT_EQ(host.response, "\xa4ping");
  EXPECT_FALSE(host.invoke("Ping.Hit", hex("a178")));
  EXPECT_NE(host.error.find("a ball is a number"), std::string::npos);
  EXPECT_FALSE(host.invoke("Ping.Serve", hex("01")));
}

}  // namespace
}  // namespace trellis::sdk
