// Goal: whoever a registry is, it learns who asks only when it wants to and never through another
// host; what may pass is tried again, what may not is said at once. Method: a server that
// misbehaves as it is told.
#include "registry/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "registry/fake_server.h"
#include "registry/token.h"

namespace trellis::registry {
namespace {

using namespace std::chrono_literals;
using Request = FakeServer::Request;

const std::string kPassword = "s3cret";

Endpoint endpoint_of(const FakeServer& server) {
  Endpoint endpoint;
  endpoint.host = server.host();
  endpoint.name = "reg.example.com";
  endpoint.repository = "team/echo";
  endpoint.transport = Endpoint::Transport::plain;
  return endpoint;
}

Credential me() {
  Credential credential;
  credential.user = "me";
  credential.password = kPassword;
  credential.source = "the test";
  return credential;
}

Session session_to(const FakeServer& server, Credential credential = {},
                   std::chrono::milliseconds time = 20s) {
  return Session(endpoint_of(server), std::move(credential),
                 {.access = Session::Access::pull, .deadline = runtime::Deadline::in(time)});
}

const Session::Request kManifest{.path = "manifests/1"};

TEST(Session, AsksTheRepositoryWithoutAName) {
  const FakeServer server([](const Request&) { return FakeServer::reply(200, "{}"); });
  auto session = session_to(server, me());
  const auto response = session.ask(kManifest);
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(as_text(response->body), "{}");
  ASSERT_EQ(server.asked().size(), 1u);
  EXPECT_EQ(server.asked()[0].path, "/v2/team/echo/manifests/1");
  EXPECT_EQ(server.asked()[0].header("authorization"), "");
}

TEST(Session, SaysUserAndPasswordWhenTheRegistryWantsThem) {
  const FakeServer server([](const Request& request) {
    return request.header("authorization") == "Basic bWU6czNjcmV0"
               ? FakeServer::reply(200, "in")
               : FakeServer::reply(401, "", {"WWW-Authenticate: Basic realm=\"x\""});
  });
  auto session = session_to(server, me());
  ASSERT_TRUE(session.ask(kManifest));
  ASSERT_TRUE(session.ask(kManifest));
  EXPECT_EQ(server.asked().size(), 3u);  // known from then on
}

TEST(Session, GetsATokenForTheRepositoryAndSaysThat) {
  const FakeServer tokens(
      [](const Request&) { return FakeServer::reply(200, R"({"token":"t0ken"})"); });
  const FakeServer server([&](const Request& request) {
    if (request.header("authorization") == "Bearer t0ken") return FakeServer::reply(200, "in");
    return FakeServer::reply(401, "",
                             {fmt::format("WWW-Authenticate: Bearer realm=\"{}\",service=\"reg\"",
                                          tokens.url("/token?x=1"))});
  });
  auto session = session_to(server, me());
  const auto response = session.ask(kManifest);
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_TRUE(response->ok());
  ASSERT_EQ(tokens.asked().size(), 1u);
  EXPECT_EQ(tokens.asked()[0].path, "/token?x=1&service=reg&scope=repository%3Ateam%2Fecho%3Apull");
  EXPECT_EQ(tokens.asked()[0].header("authorization"), "Basic bWU6czNjcmV0");
}

TEST(Session, ExchangesAnIdentityTokenAndUsesABearerTokenAsItIs) {
  const FakeServer tokens(
      [](const Request&) { return FakeServer::reply(200, R"({"access_token":"t0ken"})"); });
  const FakeServer server([&](const Request& request) {
    if (request.header("authorization").starts_with("Bearer ")) return FakeServer::reply(200, "in");
    return FakeServer::reply(
        401, "", {fmt::format("WWW-Authenticate: Bearer realm=\"{}\"", tokens.url("/"))});
  });
  Credential identity;
  identity.identity_token = "id+1";
  auto session = session_to(server, identity);
  ASSERT_TRUE(session.ask(kManifest));
  ASSERT_EQ(tokens.asked().size(), 1u);
  EXPECT_EQ(tokens.asked()[0].method, "POST");
  EXPECT_NE(tokens.asked()[0].body.find("grant_type=refresh_token"), std::string::npos);
  EXPECT_NE(tokens.asked()[0].body.find("refresh_token=id%2B1"), std::string::npos);

  Credential bearer;
  bearer.bearer_token = "mine";
  auto other = session_to(server, bearer);
  ASSERT_TRUE(other.ask(kManifest));
  EXPECT_EQ(server.asked().back().header("authorization"), "Bearer mine");
  EXPECT_EQ(tokens.asked().size(), 1u);
}

TEST(Session, ARefusedPasswordIsSaidByWhereItCameFrom) {
  const FakeServer server([](const Request&) {
    return FakeServer::reply(401, "", {"WWW-Authenticate: Basic realm=\"x\""});
  });
  auto session = session_to(server, me());
  const auto refused = session.ask(kManifest);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_EQ(refused.error().detail, "reg.example.com refused the credential from the test");
  EXPECT_EQ(server.asked().size(), 2u);

  auto nobody = session_to(server);
  const auto unknown = nobody.ask(kManifest);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::unauthenticated);
  EXPECT_NE(unknown.error().detail.find("docker login reg.example.com"), std::string::npos);
}

TEST(Session, TokenServersThatRefuseAreNamed) {
  const FakeServer tokens([](const Request&) { return FakeServer::reply(401, ""); });
  const FakeServer server([&](const Request&) {
    return FakeServer::reply(
        401, "", {fmt::format("WWW-Authenticate: Bearer realm=\"{}\"", tokens.url("/"))});
  });
  auto session = session_to(server, me());
  const auto refused = session.ask(kManifest);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_NE(refused.error().detail.find(tokens.host()), std::string::npos);
  EXPECT_EQ(refused.error().detail.find(kPassword), std::string::npos);
}

TEST(Session, APasswordIsNotSentInTheClearBecauseARegistrySaysSo) {
  HttpClient http({.deadline = runtime::Deadline::in(5s)});
  const TokenRequest request{{"bearer", {{"realm", "http://127.0.0.1:1/token"}}}, "", false};
  const auto token = fetch_token(http, request, me());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, Errc::invalid);
  EXPECT_NE(token.error().detail.find("without TLS"), std::string::npos);
}

TEST(Session, CredentialsDoNotFollowARedirectToAnotherHost) {
  const FakeServer storage([](const Request&) { return FakeServer::reply(200, "blob"); });
  const FakeServer server([&](const Request& request) {
    if (request.header("authorization").empty()) {
      return FakeServer::reply(401, "", {"WWW-Authenticate: Basic realm=\"x\""});
    }
    return FakeServer::reply(307, "", {"Location: " + storage.url("/blob?signature=1")});
  });
  auto session = session_to(server, me());
  const auto response = session.ask({.path = "blobs/x"});
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(as_text(response->body), "blob");
  const auto asked = storage.asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].path, "/blob?signature=1");
  for (const auto& [name, value] : asked[0].headers) {
    EXPECT_NE(name, "authorization");
    EXPECT_EQ(value.find("czNjcmV0"), std::string::npos) << name;
  }
}

TEST(Session, APasswordIsNotAskedForByAnotherHost) {
  const FakeServer thief([](const Request&) {
    return FakeServer::reply(401, "", {"WWW-Authenticate: Basic realm=\"reg.example.com\""});
  });
  const FakeServer server(
      [&](const Request&) { return FakeServer::reply(307, "", {"Location: " + thief.url("/")}); });
  auto session = session_to(server, me());
  const auto response = session.ask(kManifest);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 401);
  EXPECT_EQ(thief.asked().size(), 1u);
  EXPECT_EQ(thief.asked()[0].header("authorization"), "");
}

TEST(Session, RedirectsEnd) {
  const FakeServer server(
      [](const Request&) { return FakeServer::reply(302, "", {"Location: /again"}); });
  auto session = session_to(server);
  EXPECT_NE(session.ask(kManifest).error().detail.find("redirects more than 5 times"),
            std::string::npos);
  EXPECT_EQ(server.asked().size(), 6u);
  auto pushing = session_to(server);
  EXPECT_NE(pushing.ask({.method = "PUT", .path = "x"}).error().detail.find("name that registry"),
            std::string::npos);
}

TEST(Session, TriesAgainWhatMayPass) {
  std::atomic<int> asked = 0;
  const FakeServer server([&](const Request&) {
    switch (asked++) {
      case 0:
        return FakeServer::reply(503, "");
      case 1:
        return std::string();  // hangs up
      default:
        return FakeServer::reply(200, "well");
    }
  });
  auto session = session_to(server);
  const auto response = session.ask(kManifest);
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(asked, 3);
}

TEST(Session, GivesUpInTheEndAndSaysHowOftenItTried) {
  const FakeServer server([](const Request&) {
    return FakeServer::reply(503,
                             R"({"errors":[{"code":"UNAVAILABLE","message":"mending\u001b[2J"}]})");
  });
  auto session = session_to(server);
  const auto response = session.ask(kManifest);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::unavailable);
  EXPECT_EQ(response.error().detail, "reg.example.com answers 503: mending?[2J (tried 4 times)");
  EXPECT_EQ(server.asked().size(), 4u);
}

TEST(Session, DoesNotWaitLongerThanItHasTime) {
  const FakeServer server(
      [](const Request&) { return FakeServer::reply(429, "", {"Retry-After: 3600"}); });
  auto session = session_to(server);
  EXPECT_EQ(session.ask(kManifest).error().code, Errc::unavailable);
  EXPECT_EQ(server.asked().size(), 1u);
}

TEST(Session, ABodyThatBreaksOffIsTriedFromItsBeginning) {
  std::atomic<int> asked = 0;
  const FakeServer server([&](const Request&) {
    return asked++ == 0 ? std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
                        : FakeServer::reply(200, "0123456789");
  });
  auto session = session_to(server);
  std::string got;
  Session::Request request{.path = "blobs/x"};
  request.receiver = [&]() -> Receiver {
    got.clear();
    return [&](BytesView piece) -> Result<void> {
      got += as_text(piece);
      return {};
    };
  };
  ASSERT_TRUE(session.ask(request));
  EXPECT_EQ(got, "0123456789");
}

TEST(Session, WhatTheReceiverRefusesIsTheResult) {
  const FakeServer server([](const Request&) { return FakeServer::reply(200, "too much"); });
  auto session = session_to(server);
  Session::Request request{.path = "blobs/x"};
  request.receiver = [] {
    return [](BytesView) -> Result<void> { return fail(Errc::corrupt, "test", "no"); };
  };
  EXPECT_EQ(session.ask(request).error().code, Errc::corrupt);
  EXPECT_EQ(server.asked().size(), 1u);
}

TEST(Session, AWebPageIsNoAnswer) {
  const FakeServer server([](const Request&) {
    return FakeServer::reply(200, "<html>please log in</html>",
                             {"Content-Type: text/html; charset=utf-8"});
  });
  auto session = session_to(server);
  EXPECT_NE(session.ask(kManifest).error().detail.find("a web page"), std::string::npos);
}

TEST(Session, RefusalsSayWhatTheRegistrySaid) {
  const FakeServer server([](const Request& request) {
    if (request.path.ends_with("/403"))
      return FakeServer::reply(403, R"({"errors":[{"code":"DENIED"}]})");
    return FakeServer::reply(404, R"({"errors":[{"message":"manifest unknown"}]})");
  });
  auto session = session_to(server, me());
  const auto missing = session.refusal(*session.ask(kManifest), "team/echo:1");
  EXPECT_EQ(missing.code, Errc::not_found);
  EXPECT_EQ(missing.detail, "reg.example.com has no team/echo:1: manifest unknown");
  const auto denied = session.refusal(*session.ask({.path = "manifests/403"}), "team/echo:1");
  EXPECT_EQ(denied.code, Errc::denied);
  EXPECT_EQ(denied.detail,
            "reg.example.com does not allow team/echo:1 to the credential from the test: DENIED");
}

TEST(Session, ThisMachineIsAskedInTheClearOnlyIfItSpeaksThat) {
  const FakeServer plain([](const Request&) { return FakeServer::reply(200, "{}"); });
  auto endpoint = endpoint_of(plain);
  endpoint.transport = Endpoint::Transport::loopback;
  Session session(endpoint, {}, {.deadline = runtime::Deadline::in(10s)});
  EXPECT_TRUE(session.ask(kManifest));
  // As a TLS server answers who forgets TLS.
  const FakeServer tls([](const Request&) { return FakeServer::reply(400, "TLS, please"); });
  auto other = endpoint_of(tls);
  other.transport = Endpoint::Transport::loopback;
  Session strict(other, me(), {.deadline = runtime::Deadline::in(10s)});
  const auto refused = strict.ask(kManifest);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("https://"), std::string::npos);
  for (const auto& request : tls.asked()) EXPECT_EQ(request.header("authorization"), "");
}

TEST(Session, NobodyThereIsSaidAfterAFewTries) {
  std::string host;
  {
    const FakeServer gone([](const Request&) { return std::string(); });
    host = gone.host();
  }
  Endpoint endpoint;
  endpoint.host = endpoint.name = host;
  endpoint.transport = Endpoint::Transport::plain;
  Session session(endpoint, {}, {.deadline = runtime::Deadline::in(20s), .tries = 2});
  const auto refused = session.ask(kManifest);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_NE(refused.error().detail.find(host), std::string::npos);
  EXPECT_NE(refused.error().detail.find("tried 2 times"), std::string::npos);
}

// A server that does not answer until the test says so.
class Silent {
 public:
  Silent() : server_([this](const Request&) { return wait(); }) {}
  ~Silent() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }
  void wait_until_asked() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 10s, [this] { return asked_; });
  }
  const FakeServer& server() const { return server_; }

 private:
  std::string wait() {
    std::unique_lock lock(mutex_);
    asked_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, 30s, [this] { return over_; });
    return {};
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false, over_ = false;
  FakeServer server_;
};

TEST(Session, ASilentRegistryCostsNoMoreThanTheDeadline) {
  Silent silent;
  auto session = session_to(silent.server(), {}, 300ms);
  const auto late = session.ask(kManifest);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
}

TEST(Session, CanBeStoppedWhileItWaits) {
  Silent silent;
  std::stop_source stop;
  Session session(endpoint_of(silent.server()), {},
                  {.deadline = runtime::Deadline::in(30s), .stop = stop.get_token()});
  std::jthread stopper([&] {
    silent.wait_until_asked();
    stop.request_stop();
  });
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(session.ask(kManifest).error().code, Errc::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

}  // namespace
}  // namespace trellis::registry
