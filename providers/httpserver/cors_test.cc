// Goal: browsers of other origins get what the link allows and nothing more; others notice nothing.
#include "httpserver/cors.h"

#include <gtest/gtest.h>

namespace trellis::httpserver {
namespace {

net::HttpRequest request(std::string_view method, std::initializer_list<net::HttpHeader> headers) {
  net::HttpRequest r;
  r.method = method;
  r.headers.assign(headers.begin(), headers.end());
  return r;
}

std::string_view header(const net::HttpResponse& response, std::string_view name) {
  for (const auto& h : response.headers) {
    if (h.name == name) return h.value;
  }
  return {};
}

TEST(Cors, LeavesRequestsWithoutOriginAlone) {
  const CorsPolicy policy{Cors{}};
  const auto r = request("GET", {{"host", "a"}});
  net::HttpResponse response;
  EXPECT_FALSE(policy.answer(r));
  policy.decorate(r, response);
  EXPECT_TRUE(response.headers.empty());
}

TEST(Cors, AnswersAPreflight) {
  const CorsPolicy policy{Cors{}};
  const auto r = request("OPTIONS", {{"Origin", "http://a"},
                                     {"Access-Control-Request-Method", "PUT"},
                                     {"Access-Control-Request-Headers", "Content-Type, accept"}});
  const auto answer = policy.answer(r);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(header(*answer, "access-control-allow-origin"), "http://a");
  EXPECT_EQ(header(*answer, "access-control-allow-methods"),
            "GET, POST, PUT, DELETE, HEAD, OPTIONS");
  EXPECT_EQ(header(*answer, "access-control-max-age"), "300");
}

TEST(Cors, RefusesWhatIsNotAllowed) {
  Cors cors;
  cors.allowed_origins = {"http://good"};
  const CorsPolicy policy{cors};
  EXPECT_EQ(policy.answer(request("GET", {{"origin", "http://bad"}}))->status, 403);
  EXPECT_FALSE(policy.answer(request("GET", {{"origin", "http://good"}})));
  EXPECT_EQ(policy
                .answer(request("OPTIONS", {{"origin", "http://good"},
                                            {"access-control-request-method", "PATCH"}}))
                ->status,
            403);
  EXPECT_EQ(policy
                .answer(request("OPTIONS", {{"origin", "http://good"},
                                            {"access-control-request-method", "GET"},
                                            {"access-control-request-headers", "x-secret"}}))
                ->status,
            403);
}

TEST(Cors, AnOptionsRequestThatIsNoPreflightReachesTheActor) {
  const CorsPolicy policy{Cors{}};
  EXPECT_FALSE(policy.answer(request("OPTIONS", {{"origin", "http://a"}})));
}

TEST(Cors, TheActorsOwnAnswerStands) {
  const CorsPolicy policy{Cors{}};
  const auto r = request("GET", {{"origin", "http://a"}});
  net::HttpResponse response;
  response.headers.push_back({"Access-Control-Allow-Origin", "*"});
  policy.decorate(r, response);
  EXPECT_EQ(response.headers.size(), 1u);
}

}  // namespace
}  // namespace trellis::httpserver
