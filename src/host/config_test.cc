// Goal: the environment means what docs/configuration.md says; a wrong value names its variable.
#include "host/config.h"

#include <gtest/gtest.h>

#include "claims/nkey.h"

namespace trellis::host {
namespace {

using Variables = std::map<std::string, std::string>;

Result<Config> read(const Variables& variables) {
  std::vector<std::string> all;
  for (const auto& [name, value] : variables) all.push_back(name + "=" + value);
  return read_config(
      [&](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
      },
      all);
}

TEST(HostConfig, DefaultsNeedNoEnvironment) {
  auto config = read({});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->lattice, "default");
  EXPECT_EQ(config->rpc.port, 4222);
  EXPECT_EQ(config->dashboard_port, 4000);
  EXPECT_EQ(config->rpc_timeout, std::chrono::milliseconds(2000));
  EXPECT_EQ(config->labels.at("hostcore.osfamily"), "unix");
}

TEST(HostConfig, LabelsComeFromHostVariablesInLowerCase) {
  auto config = read({{"HOST_Zone", "Eu"}, {"HOST_", "x"}, {"HOST_hostcore.os", "amiga"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->labels.at("zone"), "Eu");
  EXPECT_EQ(config->labels.at("hostcore.os"), "linux");
  EXPECT_FALSE(config->labels.contains(""));
}

TEST(HostConfig, NumbersAreChecked) {
  auto config = read({{"WASMCLOUD_RPC_TIMEOUT_MS", "soon"}});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().detail,
            "WASMCLOUD_RPC_TIMEOUT_MS='soon' is not a number from 1 to 3600000");
  EXPECT_FALSE(read({{"WASMCLOUD_RPC_PORT", "70000"}}));
  EXPECT_FALSE(read({{"WASMCLOUD_RPC_PORT", "42 "}}));
}

TEST(HostConfig, LogLevelsAreThoseThatThereAre) {
  EXPECT_EQ(read({})->log.level, log::Level::info);
  EXPECT_EQ(read({{"WASMCLOUD_STRUCTURED_LOG_LEVEL", "warn"}})->log.level, log::Level::warn);
  const auto loud = read({{"WASMCLOUD_STRUCTURED_LOG_LEVEL", "loud"}});
  ASSERT_FALSE(loud);
  EXPECT_EQ(loud.error().detail,
            "WASMCLOUD_STRUCTURED_LOG_LEVEL='loud' is none of debug, info, warn, error");
}

TEST(HostConfig, SeedsForNatsNameTheVariableTheyCameFrom) {
  const auto user = claims::KeyPair::generate(claims::KeyType::user).seed();
  EXPECT_EQ(read({{"WASMCLOUD_RPC_SEED", user}})->rpc.seed, user);
  for (const char* name : {"WASMCLOUD_RPC_SEED", "WASMCLOUD_CTL_SEED", "WASMCLOUD_PROV_RPC_SEED"}) {
    for (const auto& seed :
         {std::string("SUwrong"), claims::KeyPair::generate(claims::KeyType::cluster).seed()}) {
      const auto wrong = read({{name, seed}});
      ASSERT_FALSE(wrong) << name;
      EXPECT_TRUE(wrong.error().detail.starts_with(std::string(name) + " is not the seed of"))
          << wrong.error().detail;
      EXPECT_EQ(wrong.error().detail.find(seed), std::string::npos);  // it is a secret
    }
  }
}

TEST(HostConfig, TheDashboardPortHasAnOlderName) {
  EXPECT_EQ(read({{"PORT", "4001"}})->dashboard_port, 4001);
  EXPECT_EQ(read({{"PORT", "4001"}, {"WASMCLOUD_DASHBOARD_PORT", "4002"}})->dashboard_port, 4002);
}

TEST(HostConfig, LatticePrefixIsOneWord) {
  EXPECT_FALSE(read({{"WASMCLOUD_LATTICE_PREFIX", "a.b"}}));
  EXPECT_EQ(read({{"WASMCLOUD_LATTICE_PREFIX", "prod"}})->lattice, "prod");
}

TEST(HostConfig, ListsAreSplitAndTrimmed) {
  auto config = read({{"WASMCLOUD_CLUSTER_ISSUERS", " CA , CB,"}, {"TRELLIS_ARTIFACTS", "/a:/b"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->cluster_issuers, (std::vector<std::string>{"CA", "CB"}));
  EXPECT_EQ(config->artifact_layouts, (std::vector<std::string>{"/a", "/b"}));
}

TEST(HostConfig, MemoryIsGivenInMib) {
  auto config = read({{"TRELLIS_ACTOR_MEMORY_MIB", "16"}, {"TRELLIS_GUEST_MEMORY_MIB", "64"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->actor_memory_bytes_max, 16u << 20);
  EXPECT_EQ(config->guest_memory_bytes_max, 64u << 20);
  EXPECT_EQ(read({})->guest_memory_bytes_max, 0u);
  EXPECT_FALSE(read({{"TRELLIS_GUEST_MEMORY_MIB", "0"}}));
}

TEST(HostConfig, TheConfigurationServiceIsOnForTheWordsOf2022AndForWhatWashSets) {
  constexpr const char* kName = "WASMCLOUD_CONFIG_SERVICE";
  for (const char* yes : {"TRUE", "yes", "Y", "You Betcha", "yuppers", "totes", "Enabled", "1"})
    EXPECT_TRUE(read({{kName, yes}})->config_service) << yes;
  for (const char* no : {"", "0", "false", "no", "you"})
    EXPECT_FALSE(read({{kName, no}})->config_service) << no;
  EXPECT_FALSE(read({})->config_service);
}

TEST(HostConfig, PolicyTopicsAreSubjects) {
  auto config = read({{"WASMCLOUD_POLICY_TOPIC", "policy.ask"},
                      {"WASMCLOUD_POLICY_CHANGES_TOPIC", "policy.changes"},
                      {"WASMCLOUD_POLICY_TIMEOUT", "250"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->policy_topic, "policy.ask");
  EXPECT_EQ(config->policy_changes_topic, "policy.changes");
  EXPECT_EQ(config->policy_timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(read({})->policy_topic, "");
  EXPECT_EQ(read({})->policy_timeout, std::chrono::milliseconds(1000));
  for (const char* name : {"WASMCLOUD_POLICY_TOPIC", "WASMCLOUD_POLICY_CHANGES_TOPIC"}) {
    auto wrong = read({{name, "policy.>"}});
    ASSERT_FALSE(wrong);
    EXPECT_TRUE(wrong.error().detail.starts_with(std::string(name) + "='policy.>'"));
  }
}

TEST(HostConfig, TheDrainHasADelayAndALimit) {
  auto config = read({});
  EXPECT_EQ(config->drain_delay, std::chrono::milliseconds(0));
  EXPECT_EQ(config->drain_timeout, std::chrono::seconds(20));
  config = read({{"TRELLIS_DRAIN_DELAY_MS", "5000"}, {"TRELLIS_DRAIN_TIMEOUT_MS", "1000"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->drain_delay, std::chrono::seconds(5));
  EXPECT_EQ(config->drain_timeout, std::chrono::seconds(1));
  EXPECT_FALSE(read({{"TRELLIS_DRAIN_DELAY_MS", "5s"}}));
}

TEST(HostConfig, ARelayLeadsToAServerThatIsElsewhere) {
  const auto why = [](Variables variables) {
    const auto config = read(variables);
    return config ? std::string() : config.error().detail;
  };
  EXPECT_EQ(why({{"TRELLIS_NATS_RELAY", "0.0.0.0:4222"}, {"WASMCLOUD_RPC_HOST", "nats"}}), "");
  EXPECT_NE(why({{"TRELLIS_NATS_RELAY", "0.0.0.0:4222"}}).find("own bus"), std::string::npos);
  EXPECT_NE(why({{"TRELLIS_NATS_RELAY", "0.0.0.0:4222"}, {"TRELLIS_BUS", "nats"}})
                .find("where the NATS server itself is"),
            std::string::npos);
  EXPECT_EQ(why({{"TRELLIS_NATS_RELAY", "0.0.0.0:4223"}, {"TRELLIS_BUS", "nats"}}), "");
  EXPECT_NE(why({{"TRELLIS_NATS_RELAY", "nats"}, {"WASMCLOUD_RPC_HOST", "nats"}}).find("ip:port"),
            std::string::npos);
}

TEST(HostConfig, IssuersAreReadIntoTheListOfTheirKind) {
  const std::string key = "ACOJJN6WUP4ODD75XEBKKTCCUJJCY5ZKQ56XVKYK4BEJWGVAOOQHZMCW";
  auto config = read({{"TRELLIS_ALLOWED_ACTOR_ISSUERS", key}});
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_TRUE(config->actor_issuers.check("actor", key));
  EXPECT_FALSE(config->actor_issuers.check("actor", "A"));
  EXPECT_TRUE(config->provider_issuers.check("provider", "A"));
  EXPECT_FALSE(read({{"TRELLIS_ALLOWED_PROVIDER_ISSUERS", key + ",M"}}));
}

}  // namespace
}  // namespace trellis::host
