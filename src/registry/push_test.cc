// Goal: what is pushed is what a pull finds, and an upload that breaks off is begun anew.
#include "registry/push.h"

#include <gtest/gtest.h>

#include <atomic>

#include "artifact/digest.h"
#include "artifact/manifest.h"
#include "codec/json.h"
#include "registry/fake_server.h"

namespace trellis::registry {
namespace {

using namespace std::chrono_literals;
using Request = FakeServer::Request;

Session session_to(const FakeServer& server) {
  Endpoint endpoint;
  endpoint.host = endpoint.name = server.host();
  endpoint.repository = "team/echo";
  endpoint.transport = Endpoint::Transport::plain;
  return Session(endpoint, {},
                 {.access = Session::Access::push, .deadline = runtime::Deadline::in(20s)});
}

const Push kPush{.artifact = as_bytes("module"),
                 .layer_type = "application/wasm",
                 .config_type = "application/vnd.wasm.config.v0+json",
                 .config = as_bytes("{}"),
                 .annotations = {{"a", "b"}}};

TEST(Push, SendsBlobsWhereTheRegistryWantsThemAndThenTheManifest) {
  const FakeServer server([](const Request& request) {
    if (request.method == "HEAD") return FakeServer::reply(404, "");
    if (request.method == "POST")
      return FakeServer::reply(202, "", {"Location: /up/load?_state=x"});
    return FakeServer::reply(201, "");
  });
  auto session = session_to(server);
  const auto digest = push(session, "1", kPush);
  ASSERT_TRUE(digest) << digest.error().detail;
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 7u);
  EXPECT_EQ(asked[5].method, "PUT");
  EXPECT_EQ(asked[5].body, "module");
  EXPECT_EQ(asked[5].path,
            "/up/load?_state=x&digest=" + percent_encoded(artifact::digest_of(as_bytes("module"))));
  const auto& manifest = asked[6];
  EXPECT_EQ(manifest.path, "/v2/team/echo/manifests/1");
  EXPECT_EQ(manifest.header("content-type"), "application/vnd.oci.image.manifest.v1+json");
  EXPECT_EQ(artifact::digest_of(as_bytes(manifest.body)), *digest);
  const auto parsed = artifact::parse_manifest(manifest.body);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->layers.front().media_type, "application/wasm");
  EXPECT_EQ(parsed->config.media_type, "application/vnd.wasm.config.v0+json");
  EXPECT_EQ(parsed->annotations.at("a"), "b");
}

TEST(Push, DoesNotSendWhatIsThere) {
  const FakeServer server([](const Request& request) {
    return FakeServer::reply(request.method == "HEAD" ? 200 : 201, "");
  });
  auto session = session_to(server);
  EXPECT_TRUE(push(session, "1", kPush));
  EXPECT_EQ(server.asked().size(), 3u);
}

TEST(Push, BeginsAnUploadAnewWhenItBreaksOff) {
  std::atomic<int> uploads = 0;
  std::atomic<int> puts = 0;
  const FakeServer server([&](const Request& request) {
    if (request.method == "HEAD") return FakeServer::reply(404, "");
    if (request.method == "POST") {
      return FakeServer::reply(202, "", {fmt::format("Location: /up/{}", uploads++)});
    }
    return puts++ == 0 ? std::string() : FakeServer::reply(201, "");
  });
  auto session = session_to(server);
  ASSERT_TRUE(push(session, "1", kPush));
  EXPECT_EQ(uploads, 3);  // the first blob twice
}

TEST(Push, CredentialsDoNotFollowAnUploadToAnotherHost) {
  const FakeServer tokens(
      [](const Request&) { return FakeServer::reply(200, R"({"token":"t"})"); });
  const FakeServer thief([&](const Request&) {
    return FakeServer::reply(
        401, "", {fmt::format("WWW-Authenticate: Bearer realm=\"{}\"", tokens.url("/"))});
  });
  const FakeServer server([&](const Request& request) {
    if (request.method == "HEAD") return FakeServer::reply(404, "");
    return FakeServer::reply(202, "", {"Location: " + thief.url("/up")});
  });
  Endpoint endpoint;
  endpoint.host = endpoint.name = server.host();
  endpoint.repository = "team/echo";
  endpoint.transport = Endpoint::Transport::plain;
  Credential me;
  me.user = "me";
  me.password = "s3cret";
  Session session(endpoint, me,
                  {.access = Session::Access::push, .deadline = runtime::Deadline::in(20s)});
  EXPECT_FALSE(push(session, "1", kPush));
  const auto asked = thief.asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].header("authorization"), "");
  EXPECT_TRUE(tokens.asked().empty());
}

TEST(Push, ARegistryThatKeepsSomethingElseIsFoundOut) {
  const FakeServer server([](const Request& request) {
    if (request.method == "HEAD") return FakeServer::reply(200, "");
    return FakeServer::reply(201, "", {"Docker-Content-Digest: sha256:" + std::string(64, '0')});
  });
  auto session = session_to(server);
  EXPECT_EQ(push(session, "1", kPush).error().code, Errc::corrupt);
}

TEST(Push, RefusalsSayWhatWasRefused) {
  const FakeServer server([](const Request& request) {
    if (request.method == "HEAD") return FakeServer::reply(404, "");
    return FakeServer::reply(403, R"({"errors":[{"code":"DENIED","message":"no"}]})");
  });
  auto session = session_to(server);
  const auto refused = push(session, "1", kPush);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_NE(refused.error().detail.find("an upload to team/echo: no"), std::string::npos);
}

}  // namespace
}  // namespace trellis::registry
