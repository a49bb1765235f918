// Goal: the messaging contract's bytes are those of docs/protocol.md §2.5.
#include "capability/messaging_contract.h"

#include <gtest/gtest.h>

#include "codec/hex_test_input.h"

namespace trellis::capability {
namespace {

using codec::from_hex;
using codec::to_hex;

constexpr const char* kPlain = "82a77375626a656374a3612e62a4626f6479c40178";
constexpr const char* kWithReply =
    "83a77375626a656374a3612e62a77265706c79546fa25f52a4626f6479c40178";

TEST(MessagingContract, DecodesTheGoldenMessages) {
  const Bytes plain = from_hex(kPlain);
  const auto message = decode_pub_message(plain);
  ASSERT_TRUE(message) << message.error().describe();
  EXPECT_EQ(message->subject, "a.b");
  EXPECT_EQ(message->reply_to, "");
  EXPECT_EQ(as_text(message->body), "x");

  const Bytes with_reply = from_hex(kWithReply);
  const auto asking = decode_pub_message(with_reply);
  ASSERT_TRUE(asking) << asking.error().describe();
  EXPECT_EQ(asking->reply_to, "_R");
}

TEST(MessagingContract, EncodesTheGoldenMessages) {
  const Bytes body{'x'};
  EXPECT_EQ(to_hex(encode_message("a.b", "", body)), kPlain);
  EXPECT_EQ(to_hex(encode_message("a.b", "_R", body)), kWithReply);
}

TEST(MessagingContract, DecodesARequest) {
  const Bytes bytes =
      from_hex("83a77375626a656374a3612e62a4626f6479c40178a974696d656f75744d73cd01f4");
  const auto request = decode_request_message(bytes);
  ASSERT_TRUE(request) << request.error().describe();
  EXPECT_EQ(request->subject, "a.b");
  EXPECT_EQ(as_text(request->body), "x");
  EXPECT_EQ(request->timeout_ms, 500u);
}

TEST(MessagingContract, KeepsABodyThatCameAsNumbers) {
  const Bytes bytes = from_hex("93a161c0920102");
  auto message = decode_pub_message(bytes);
  ASSERT_TRUE(message) << message.error().describe();
  const PubMessage moved = std::move(*message);
  EXPECT_EQ(to_hex(moved.body), "0102");
}

TEST(MessagingContract, SaysWhatIsWrong) {
  const auto message = decode_pub_message(Bytes{0xc1});
  ASSERT_FALSE(message);
  EXPECT_TRUE(message.error().detail.starts_with("deserialization: 'PubMessage': "));
  const auto request = decode_request_message(Bytes{});
  ASSERT_FALSE(request);
  EXPECT_TRUE(request.error().detail.starts_with("deserialization: 'RequestMessage': "));
}

}  // namespace
}  // namespace trellis::capability
