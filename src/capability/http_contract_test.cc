// Goal: the httpserver contract's bytes are those of docs/protocol.md §2.3.
#include "capability/http_contract.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace trellis::capability {
namespace {

std::string hex(BytesView bytes) {
  std::string out;
  for (auto b : bytes) out += fmt::format("{:02x}", b);
  return out;
}

TEST(HttpContract, EncodesTheGoldenRequest) {
  const Bytes body{1, 2};
  HttpCall call{.method = "get",
                .path = "/a",
                .query = "x=1",
                .headers = {{"Host", "localhost"}},
                .body = body};
  EXPECT_EQ(hex(encode_http_call(call)),
            "85a66d6574686f64a3474554a470617468a22f61ab7175657279537472696e67a3783d31"
            "a668656164657281a4686f737491a96c6f63616c686f7374a4626f6479c4020102");
}

TEST(HttpContract, GroupsValuesOfOneNameAndDropsNonAscii) {
  HttpCall call{.method = "GET",
                .path = "/",
                .query = "",
                .headers = {{"A", "1"}, {"b", "x"}, {"a", "2"}, {"c", "\xff"}},
                .body = {}};
  const auto bytes = encode_http_call(call);
  EXPECT_NE(as_text(bytes).find("\xa6header\x82\xa1"
                                "a\x92\xa1"
                                "1\xa1"
                                "2\xa1"
                                "b\x91\xa1x"),
            std::string_view::npos);
}

TEST(HttpContract, DecodesTheGoldenAnswer) {
  const Bytes bytes{0x83, 0xaa, 's',  't',  'a', 't',  'u', 's', 'C', 'o', 'd',
                    'e',  0xcc, 0xc8, 0xa6, 'h', 'e',  'a', 'd', 'e', 'r', 0x80,
                    0xa4, 'b',  'o',  'd',  'y', 0xc4, 2,   'h', 'i'};
  auto answer = decode_http_answer(bytes);
  ASSERT_TRUE(answer) << answer.error().describe();
  EXPECT_EQ(answer->status, 200);
  EXPECT_TRUE(answer->headers.empty());
  EXPECT_EQ(as_text(answer->body), "hi");
}

TEST(HttpContract, RefusesGarbage) {
  EXPECT_FALSE(decode_http_answer(Bytes{0xc1}));
  EXPECT_FALSE(decode_http_answer(Bytes{}));
  EXPECT_FALSE(decode_http_answer(Bytes{0x83, 0xaa}));
  EXPECT_FALSE(decode_http_answer(Bytes{0xdf, 0xff, 0xff, 0xff, 0xff}));
}

}  // namespace
}  // namespace trellis::capability
