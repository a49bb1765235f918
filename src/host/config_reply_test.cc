// Goal: what is well formed is taken, what is not is said and costs nothing else.
#include "host/config_reply.h"

#include <gtest/gtest.h>

namespace trellis::host {
namespace {

TEST(ConfigReply, NamesProvidersActorsAndCredentials) {
  const auto reply = parse_config_reply(R"({
    "autoStartProviders": [{"imageReference": "reg.example/p:1", "linkName": "default"}],
    "autoStartActors": ["reg.example/a:1", "reg.example/b:1"],
    "registryCredentials": {"reg.example":
        {"registryType": "oci", "username": "u", "password": "secret"}}})");
  ASSERT_TRUE(reply) << reply.error().detail;
  ASSERT_EQ(reply->providers.size(), 1U);
  EXPECT_EQ(reply->providers[0].reference, "reg.example/p:1");
  EXPECT_EQ(reply->providers[0].link_name, "default");
  EXPECT_EQ(reply->actors, (std::vector<std::string>{"reg.example/a:1", "reg.example/b:1"}));
  EXPECT_EQ(reply->credentials.registries.at("reg.example").password, "secret");
  EXPECT_TRUE(reply->passed_over.empty());
}

TEST(ConfigReply, EveryPartMayBeMissing) {
  for (const char* body : {"{}", R"({"autoStartActors": null})", R"({"somethingElse": 1})"}) {
    const auto reply = parse_config_reply(body);
    ASSERT_TRUE(reply) << body;
    EXPECT_TRUE(reply->providers.empty() && reply->actors.empty() && reply->passed_over.empty());
  }
}

TEST(ConfigReply, EntriesThatMeanNothingArePassedOverAndTheOthersTaken) {
  const auto reply = parse_config_reply(R"({
    "autoStartProviders": [{"imageReference": "p"}, {"linkName": "default"}, "p", 7,
                           {"imageReference": 7, "linkName": "default"},
                           {"imageReference": "p", "linkName": "a.b"},
                           {"imageReference": "good", "linkName": "default"}],
    "autoStartActors": ["", 7, {"ref": "a"}, "good"]})");
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->providers.size(), 1U);
  EXPECT_EQ(reply->providers[0].reference, "good");
  EXPECT_EQ(reply->actors, std::vector<std::string>{"good"});
  EXPECT_EQ(reply->passed_over.size(), 9U);
  EXPECT_EQ(reply->passed_over[1],
            R"({"linkName":"default"} in autoStartProviders: it has no imageReference)");
}

TEST(ConfigReply, AWrongPartCostsOnlyItself) {
  const auto reply = parse_config_reply(
      R"({"autoStartProviders": "p", "autoStartActors": ["a"], "registryCredentials": []})");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->actors, std::vector<std::string>{"a"});
  EXPECT_EQ(reply->passed_over.size(), 2U);
}

TEST(ConfigReply, CredentialsOfNoUseAreNamedWithoutTheirSecrets) {
  const auto reply = parse_config_reply(
      R"({"registryCredentials": {"reg": {"username": "u", "password": "secret"}}})");
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->credentials.registries.empty());
  EXPECT_EQ(reply->credentials.passed_over.at("reg").find("secret"), std::string::npos);
}

TEST(ConfigReply, WhatIsNoObjectIsAnError) {
  for (const char* body : {"", "[]", "null", "{", "start everything"})
    EXPECT_FALSE(parse_config_reply(body)) << body;
}

TEST(ConfigReply, IsAskedForWithTheLabels) {
  EXPECT_EQ(config_request({{"zone", "eu"}}), R"({"labels":{"zone":"eu"}})");
}

}  // namespace
}  // namespace trellis::host
