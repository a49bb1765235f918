// Goal: what is said is published, what arrives is kept, and what is kept is shown.
#include "chat.cc"

#include <gtest/gtest.h>

#include "fake_host.h"
#include "fake_http.h"

namespace trellis::sdk {
namespace {

class ChatTest : public ::testing::Test {
 protected:
  ChatTest() { host_.calls.clear(); }

  std::string request(const std::string& method, const std::string& path,
                      std::string_view body = "") {
    const auto bytes = http_request({.method = method, .path = path, .body = body});
    EXPECT_TRUE(host_.invoke("HttpServer.HandleRequest", bytes)) << host_.error;
    return host_.response;
  }
  bool message(std::string_view subject, std::string_view body) {
    Bytes bytes;
    MsgpackWriter writer(bytes);
    writer.map(2);
    writer.str("subject");
    writer.str(subject);
    writer.str("body");
    writer.bin(as_bytes(body));
    return host_.invoke("MessageSubscriber.HandleMessage", bytes);
  }
  void store_says(std::string_view hex_bytes) {
    const auto bytes = hex_text(hex_bytes);
    host_.answer = [bytes](const FakeHost::Call&) { return FakeHost::Reply{true, bytes}; };
  }

  FakeHost& host_ = fake_host();
};

TEST_F(ChatTest, PublishesWhatIsSaid) {
  store_says("");
  request("POST", "/api/rooms/lobby", "hi");
  ASSERT_EQ(host_.calls.size(), 1u);
  EXPECT_EQ(host_.calls[0].operation, "Messaging.Publish");
  EXPECT_EQ(host_.calls[0].payload,
            hex("82 a77375626a656374 aa636861742e6c6f626279 a4626f6479 c4026869"));
}

TEST_F(ChatTest, KeepsWhatArrivesAndBeginsAnewWhenThereIsTooMuch) {
  store_says("03");
  EXPECT_TRUE(message("chat.lobby", "hi"));
  ASSERT_EQ(host_.calls.size(), 1u);
  EXPECT_EQ(host_.calls[0].operation, "KeyValue.ListAdd");
  host_.answer = [](const FakeHost::Call& call) {
    return FakeHost::Reply{true, hex_text(call.operation == "KeyValue.ListAdd" ? "cd03e9" : "c3")};
  };
  EXPECT_TRUE(message("chat.lobby", "hi"));
  EXPECT_EQ(host_.calls.back().operation, "KeyValue.ListClear");
}

TEST_F(ChatTest, ShowsWhatWasKept) {
  store_says("92 a161 a3 22623c");
  EXPECT_TRUE(request("GET", "/api/rooms/lobby").ends_with(R"(["a","\"b<"])"));
  EXPECT_NE(request("GET", "/").find("<h1>Chat"), std::string::npos);
}

TEST_F(ChatTest, RefusesRoomsThatWouldBeOtherSubjects) {
  for (const char* room : {"", "a.b", ">", "*", "A", "a b"}) {
    EXPECT_NE(request("POST", "/api/rooms/" + std::string(room), "x").find("a room is"),
              std::string::npos)
        << room;
  }
  EXPECT_TRUE(host_.calls.empty());
  EXPECT_TRUE(message("chat.a.b", "x"));
  EXPECT_TRUE(message("other", "x"));
  EXPECT_TRUE(host_.calls.empty());
}

}  // namespace
}  // namespace trellis::sdk
