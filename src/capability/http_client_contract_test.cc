// Goal: the httpclient contract's bytes are those of docs/protocol.md §2.4.
#include "capability/http_client_contract.h"

#include <gtest/gtest.h>

#include "codec/hex_test_input.h"

namespace trellis::capability {
namespace {

using codec::from_hex;
using codec::to_hex;

TEST(HttpClientContract, DecodesTheGoldenRequest) {
  const Bytes bytes = from_hex(
      "84a66d6574686f64a3474554a375726ca9687474703a2f2f782f a76865616465727380 a4626f6479c400");
  const auto call = decode_http_client_call(bytes);
  ASSERT_TRUE(call) << call.error().describe();
  EXPECT_EQ(call->method, "GET");
  EXPECT_EQ(call->url, "http://x/");
  EXPECT_TRUE(call->headers.empty());
  EXPECT_TRUE(call->body.empty());
}

TEST(HttpClientContract, GivesEachValueOfAHeader) {
  const Bytes bytes = from_hex(
      "84 a66d6574686f64 a450 4f5354 a375726c a9687474703a2f2f782f"
      "a768656164657273 82 a161 92 a131 a132 a162 91 a133 a4626f6479 c40101");
  const auto call = decode_http_client_call(bytes);
  ASSERT_TRUE(call) << call.error().describe();
  ASSERT_EQ(call->headers.size(), 3u);
  EXPECT_EQ(call->headers[1].name, "a");
  EXPECT_EQ(call->headers[1].value, "2");
  EXPECT_EQ(to_hex(call->body), "01");
}

TEST(HttpClientContract, EncodesAnAnswer) {
  const Bytes body{'h', 'i'};
  EXPECT_EQ(to_hex(encode_http_client_answer(404, {{"X", "1"}, {"x", "2"}}, body)),
            "83aa737461747573436f6465cd0194a668656164657281a17892a131a132a4626f6479c4026869");
}

TEST(HttpClientContract, SaysWhatIsWrong) {
  for (const char* bytes : {"", "c1", "81a768656164657273df ffffffff", "84a66d6574686f64c3"}) {
    const Bytes payload = from_hex(bytes);
    const auto call = decode_http_client_call(payload);
    ASSERT_FALSE(call) << bytes;
    EXPECT_TRUE(call.error().detail.starts_with("deserialization: 'HttpRequest': "));
  }
}

}  // namespace
}  // namespace trellis::capability
