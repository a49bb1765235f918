#include "codec/json.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "codec/hex_test_input.h"
#include "codec/msgpack_oracle.h"

namespace trellis::codec {
namespace {

TEST(JsonParse, SaysWhatIsWrong) {
  EXPECT_EQ(json_parse("{").error().detail, "not valid JSON: incomplete JSON");
  EXPECT_FALSE(json_parse(""));
  EXPECT_FALSE(json_parse("{} x"));
  EXPECT_FALSE(json_parse("\"\xff\""));
}

TEST(JsonParse, BoundsNesting) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(json_parse(nested(32)));
  EXPECT_FALSE(json_parse(nested(33)));
}

TEST(JsonWrite, WritesAsSerdeJsonDoes) {
  const json::value value = {
      {"b", 1.0}, {"a", {1, -1, 1.5, nullptr, true}}, {"s", "\"/\x01\n\u00e9"}};
  EXPECT_EQ(json_write(value), R"({"b":1.0,"a":[1,-1,1.5,null,true],"s":"\"/\u0001\né"})");
}

TEST(JsonPretty, IndentsByTwoAndLeavesEmptyOnesClosed) {
  const json::value value = {{"a", {1, 2}}, {"b", json::object()}, {"c", json::array()}};
  EXPECT_EQ(json_pretty(value), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}");
}

TEST(JsonMembers, TellAbsentFromWrong) {
  const json::object object = {{"s", "x"}, {"n", 3}, {"minus", -3}, {"t", true}, {"null", nullptr}};
  EXPECT_EQ(json_string(object, "s").value(), "x");
  EXPECT_EQ(json_uint(object, "n").value(), 3U);
  EXPECT_EQ(json_bool(object, "t").value(), true);
  for (const char* key : {"absent", "null"}) {
    EXPECT_EQ(json_string(object, key).value(), std::nullopt);
    EXPECT_EQ(json_uint(object, key).value(), std::nullopt);
    EXPECT_EQ(json_bool(object, key).value(), std::nullopt);
  }
  EXPECT_EQ(json_string(object, "n").error().detail, "'n' should be a string");
  EXPECT_FALSE(json_uint(object, "minus"));
  EXPECT_FALSE(json_bool(object, "s"));
}

TEST(JsonToMsgpack, SortsKeysAndKeepsIntegersSmall) {
  const auto value = json_parse(R"({"b":[1,-1,70000],"a":"x","c":null,"d":1.5,"e":true})");
  EXPECT_EQ(json_to_msgpack(*value),
            from_hex("85 a161a178 a162 93 01 ff ce00011170 a163c0 a164cb3ff8000000000000 a165c3"));
}

TEST(MsgpackToJson, ShowsBytesThreeWays) {
  const Bytes in = from_hex("81 a162 c402 68ff");
  EXPECT_EQ(json_write(*msgpack_to_json(in, BinaryAs::array)), R"({"b":[104,255]})");
  EXPECT_EQ(json_write(*msgpack_to_json(in, BinaryAs::string)), "{\"b\":\"h\xef\xbf\xbd\"}");
  EXPECT_EQ(json_write(*msgpack_to_json(in, BinaryAs::both)),
            "{\"b\":{\"str\":\"h\xef\xbf\xbd\",\"bin\":[104,255]}}");
}

TEST(MsgpackToJson, NamesKeysThatAreNotText) {
  EXPECT_EQ(json_write(*msgpack_to_json(from_hex("82 01 02 c3 c0"), BinaryAs::array)),
            R"({"1":2,"true":null})");
  EXPECT_FALSE(msgpack_to_json(from_hex("81 90 01"), BinaryAs::array));
}

TEST(MsgpackToJson, RefusesExtensionsAndDepth) {
  EXPECT_FALSE(msgpack_to_json(from_hex("d4 01 02"), BinaryAs::array));
  Bytes deep(70, 0x91);
  deep.push_back(0);
  EXPECT_EQ(msgpack_to_json(deep, BinaryAs::array).error().code, Errc::exhausted);
}

json::value random_value(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 8 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return *rc::gen::arbitrary<bool>();
    case 2:
      return *rc::gen::arbitrary<std::int64_t>();
    case 3:
      return *rc::gen::arbitrary<std::uint64_t>();
    case 4:
      return *rc::gen::arbitrary<double>();
    case 5:
      return json::value(utf8_lossy(*rc::gen::arbitrary<std::string>()));
    case 6: {
      json::array array;
      for (int n = *rc::gen::inRange(0, 5); n > 0; --n) array.push_back(random_value(depth - 1));
      return array;
    }
    default: {
      json::object object;
      for (int n = *rc::gen::inRange(0, 5); n > 0; --n) {
        const auto key = utf8_lossy(*rc::gen::arbitrary<std::string>());
        object.insert_or_assign(key, random_value(depth - 1));
      }
      return object;
    }
  }
}

RC_GTEST_PROP(Json, SurvivesMsgpackAndText, ()) {
  const json::value value = random_value(3);
  const Bytes packed = json_to_msgpack(value);
  RC_ASSERT(oracle::disagreement(packed) == "");
  RC_ASSERT(msgpack_to_json(packed, BinaryAs::array).value() == value);
  const auto reread = [](const std::string& text) {
    return json_to_msgpack(oracle::to_ours(nlohmann::json::parse(text)));
  };
  RC_ASSERT(reread(json_write(value)) == packed);
  RC_ASSERT(reread(json_pretty(value)) == packed);
}

}  // namespace
}  // namespace trellis::codec
