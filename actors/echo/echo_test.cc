// Goal: echo answers as the echo of 2022 did, byte for byte. Vectors: docs/protocol.md §2.3, §11.6.
#include "echo.cc"

#include <gtest/gtest.h>

#include "fake_host.h"

namespace trellis::sdk {
namespace {

TEST(Echo, AnswersWithTheRequestAsJson) {
  auto& host = fake_host();
  ASSERT_TRUE(host.invoke(
      "HttpServer.HandleRequest",
      hex("85 a6 6d6574686f64 a3 474554 a4 70617468 a2 2f61 ab 7175657279537472696e67 a3 783d31"
          "a6 686561646572 81 a4 686f7374 91 a9 6c6f63616c686f7374 a4 626f6479 c4 02 0102")));
  EXPECT_EQ(host.response, hex_text("83aa737461747573436f6465ccc8a668656164657280a4626f6479c43e") +
                               R"({"body":[1,2],"method":"GET","path":"/a","query_string":"x=1"})");
}

TEST(Echo, AnswersAnEmptyRequestAsTheArticleShows) {
  auto& host = fake_host();
  ASSERT_TRUE(
      host.invoke("HttpServer.HandleRequest",
                  hex("85 a66d6574686f64 a3474554 a470617468 a12f ab7175657279537472696e67 a0"
                      "a6686561646572 80 a4626f6479 c400")));
  EXPECT_TRUE(
      host.response.ends_with(R"({"body":[],"method":"GET","path":"/","query_string":""})"));
}

}  // namespace
}  // namespace trellis::sdk
