// Goal: a process knows from its host's data and environment which provider it is, where the
// lattice is and where its own files are: those of the host's provider of the same name.
#include "settings.h"

#include <gtest/gtest.h>

#include <map>

namespace trellis::provider_app {
namespace {

using Variables = std::map<std::string, std::string>;

Environment of(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

const builtin::BuiltinProvider& store() { return *builtin::find_by_name("keyvalue"); }

capability::HostData data() {
  capability::HostData data;
  data.lattice = "main";
  data.bus_url = "nats.example:4333";
  return data;
}

TEST(Settings, DataLiesWhereTheHostKeepsIt) {
  const auto folder = [](const Variables& variables) {
    return settings_from(data(), store(), of(variables)).value().data_dir;
  };
  EXPECT_EQ(folder({{"TRELLIS_DATA_DIR", "/d"}, {"HOME", "/h"}, {"XDG_STATE_HOME", "/x"}}),
            "/d/main/keyvalue");
  EXPECT_EQ(folder({{"HOME", "/h"}, {"XDG_STATE_HOME", "/x"}}), "/x/trellis/main/keyvalue");
  EXPECT_EQ(folder({{"HOME", "/h"}}), "/h/.local/state/trellis/main/keyvalue");
}

TEST(Settings, WhatTheHostSaysCountsBeforeTheEnvironment) {
  auto told = data();
  told.env_values = {{"TRELLIS_DATA_DIR", "/told"}};
  EXPECT_EQ(settings_from(told, store(), of({{"TRELLIS_DATA_DIR", "/d"}})).value().data_dir,
            "/told/main/keyvalue");
}

TEST(Settings, TheLatticesServerIsTheProvidersToo) {
  auto told = data();
  told.user_jwt = "jwt";
  told.user_seed = "SU";
  const auto plain = settings_from(told, store(), of({})).value();
  EXPECT_EQ(plain.server.address(), "nats.example:4333");
  EXPECT_FALSE(plain.tls.required);
  EXPECT_EQ(plain.bus.url, "nats://nats.example:4333");
  EXPECT_EQ(plain.bus.jwt, "jwt");
  EXPECT_EQ(plain.bus.seed, "SU");
  told.tls = true;
  const auto secure = settings_from(told, store(), of({{"TRELLIS_NATS_CA", "/ca"}})).value();
  EXPECT_TRUE(secure.tls.required);
  EXPECT_EQ(secure.tls.ca_file, "/ca");
  EXPECT_EQ(secure.bus.url, "tls://nats.example:4333");
  EXPECT_EQ(secure.bus.ca_file, "/ca");
}

TEST(Settings, NoServerIsTheOneOfThisMachine) {
  auto told = data();
  told.bus_url = "";
  EXPECT_EQ(settings_from(told, store(), of({})).value().server.address(), "127.0.0.1:4222");
}

TEST(Settings, MistakesAreNamed) {
  const auto cores = settings_from(data(), store(), of({{"TRELLIS_CORES", "many"}}));
  ASSERT_FALSE(cores);
  EXPECT_NE(cores.error().detail.find("TRELLIS_CORES='many'"), std::string::npos);
  auto told = data();
  told.bus_url = "x:99999";
  const auto server = settings_from(told, store(), of({}));
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().detail.find("lattice_rpc_url"), std::string::npos);
}

TEST(ChooseProvider, ByItsPackedNameThenByItsKey) {
  auto told = data();
  told.provider_key = builtin::find_by_name("kvredis")->info.public_key;
  EXPECT_EQ(choose_provider("keyvalue", told).value()->name, "keyvalue");
  EXPECT_EQ(choose_provider(std::nullopt, told).value()->name, "kvredis");
}

TEST(ChooseProvider, SaysWhichThereAre) {
  const auto old = choose_provider("blobstore", data());
  ASSERT_FALSE(old);
  EXPECT_NE(old.error().detail.find("'blobstore'"), std::string::npos);
  auto told = data();
  told.provider_key = "VOTHER";
  const auto neither = choose_provider(std::nullopt, told);
  ASSERT_FALSE(neither);
  for (const auto* error : {&old.error(), &neither.error()})
    EXPECT_NE(error->detail.find("httpserver, httpclient"), std::string::npos) << error->detail;
  EXPECT_NE(neither.error().detail.find("VOTHER"), std::string::npos);
}

}  // namespace
}  // namespace trellis::provider_app
