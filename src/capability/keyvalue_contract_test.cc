// Goal: the key-value contract's bytes are those of docs/protocol.md §2.6, and what comes in
// another of the accepted forms means the same.
#include "capability/keyvalue_contract.h"

#include <gtest/gtest.h>

#include <string>

#include "codec/hex_test_input.h"

namespace trellis::capability {
namespace {

using codec::from_hex;
using codec::to_hex;

KeyValueCall decoded(std::string_view operation, const Bytes& payload) {
  auto call = decode_key_value_call(operation, payload);
  EXPECT_TRUE(call) << call.error().describe();
  return call ? *call : KeyValueCall{};
}

TEST(KeyValueContract, DecodesTheGoldenRequests) {
  const Bytes get = from_hex("a26b31");
  EXPECT_EQ(decoded("KeyValue.Get", get).key, "k1");

  const Bytes set = from_hex("83a36b6579a16ba576616c7565a176a76578706972657300");
  const auto stored = decoded("KeyValue.Set", set);
  EXPECT_EQ(stored.op, KeyValueOp::set);
  EXPECT_EQ(stored.key, "k");
  EXPECT_EQ(stored.value, "v");
  EXPECT_EQ(stored.expires, 0u);

  const Bytes increment = from_hex("82a36b6579a16ba576616c7565ff");
  EXPECT_EQ(decoded("KeyValue.Increment", increment).by, -1);

  const Bytes range = from_hex("83a86c6973744e616d65a16ca5737461727400a473746f70ff");
  const auto asked = decoded("KeyValue.ListRange", range);
  EXPECT_EQ(asked.key, "l");
  EXPECT_EQ(asked.start, 0);
  EXPECT_EQ(asked.stop, -1);
}

TEST(KeyValueContract, EncodesTheGoldenAnswers) {
  EXPECT_EQ(to_hex(encode_get_response("v")), "82a576616c7565a176a6657869737473c3");
  EXPECT_EQ(to_hex(encode_get_response(std::nullopt)), "82a576616c7565a0a6657869737473c2");
  EXPECT_EQ(to_hex(encode_number(-5)), "fb");
  EXPECT_EQ(to_hex(encode_flag(true)), "c3");
  const std::string_view values[] = {"a", "b"};
  EXPECT_EQ(to_hex(encode_strings(values)), "92a161a162");
}

TEST(KeyValueContract, ReadsListsSetsAndNames) {
  const Bytes list = from_hex("82a86c6973744e616d65a16ca576616c7565a176");
  for (const char* operation : {"KeyValue.ListAdd", "KeyValue.ListDel"}) {
    EXPECT_EQ(decoded(operation, list).key, "l");
    EXPECT_EQ(decoded(operation, list).value, "v");
  }
  const Bytes set = from_hex("82a77365744e616d65a173a576616c7565a176");
  for (const char* operation : {"KeyValue.SetAdd", "KeyValue.SetDel"}) {
    EXPECT_EQ(decoded(operation, set).key, "s");
  }
  const Bytes names = from_hex("92a173a174");
  for (const char* operation : {"KeyValue.SetUnion", "KeyValue.SetIntersection"}) {
    EXPECT_EQ(decoded(operation, names).names, (std::vector<std::string_view>{"s", "t"}));
  }
}

TEST(KeyValueContract, AcceptsOtherOrdersArraysNilsAndUnknownMembers) {
  const Bytes reordered =
      from_hex("83a576616c7565a176a178c0a36b6579a16b");  // no expires, an unknown x
  EXPECT_EQ(decoded("KeyValue.Set", reordered).key, "k");
  EXPECT_EQ(decoded("KeyValue.Set", reordered).value, "v");
  const Bytes array = from_hex("93a16ba17605");
  EXPECT_EQ(decoded("KeyValue.Set", array).expires, 5u);
  const Bytes nil = from_hex("93a16ba176c0");
  EXPECT_EQ(decoded("KeyValue.Set", nil).expires, 0u);
  const Bytes longer = from_hex("94a16ba1760701");
  EXPECT_EQ(decoded("KeyValue.Set", longer).expires, 7u);
  const Bytes as_bin = from_hex("c4026b31");
  EXPECT_EQ(decoded("KeyValue.Get", as_bin).key, "k1");
}

std::string refusal(std::string_view operation, std::string_view payload) {
  const Bytes bytes = from_hex(payload);
  auto call = decode_key_value_call(operation, bytes);
  return call ? "accepted" : call.error().detail;
}

TEST(KeyValueContract, SaysWhatIsWrong) {
  EXPECT_EQ(refusal("KeyValue.Drop", "a16b"), "method not handled KeyValue.Drop");
  EXPECT_EQ(refusal("Get", "a16b"), "method not handled Get");
  EXPECT_TRUE(refusal("KeyValue.Get", "").starts_with("deserialization: 'String': "));
  EXPECT_TRUE(refusal("KeyValue.Set", "c1").starts_with("deserialization: 'SetRequest': "));
  // An increment that is no i32, a negative expiry, more names than bytes.
  EXPECT_NE(refusal("KeyValue.Increment", "82a36b6579a16ba576616c7565ceffffffff"), "accepted");
  EXPECT_NE(refusal("KeyValue.Set", "81a765787069726573ff"), "accepted");
  EXPECT_NE(refusal("KeyValue.SetUnion", "ddffffffff"), "accepted");
}

}  // namespace
}  // namespace trellis::capability
