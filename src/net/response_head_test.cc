#include "net/response_head.h"

#include <gtest/gtest.h>

namespace trellis::net {
namespace {

TEST(ServerAndDate, HasTheFormOfRfc9110) {
  const auto when = std::chrono::system_clock::from_time_t(784111777);
  EXPECT_EQ(server_and_date("trellis", when),
            "Server: trellis\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}

TEST(WriteHead, IsTheWholeHead) {
  auto response = HttpResponse::text(404, "gone?");
  std::string out = "old";
  write_head(out, response, "Server: s\r\n", AfterAnswer::close);
  EXPECT_EQ(out,
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 5\r\nServer: s\r\nConnection: close\r\n\r\n");
}

TEST(WriteHead, AStatusNobodyNamedHasAnEmptyReason) {
  HttpResponse response;
  response.status = 599;
  std::string out;
  write_head(out, response, "", AfterAnswer::keep);
  EXPECT_EQ(out, "HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n");
}

TEST(HttpResponse, TextSurvivesBeingMoved) {
  auto first = HttpResponse::text(200, "body", "type/sub");
  const auto second = std::move(first);
  EXPECT_EQ(as_text(second.body), "body");
  EXPECT_EQ(second.headers.at(0).value, "type/sub");
}

}  // namespace
}  // namespace trellis::net
