// Goal: link values of 2022 mean what they meant, and its traps are told instead of sprung.
#include "messaging/settings.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "capability/link_values.h"
#include "claims/nkey.h"
#include "codec/base64.h"

namespace trellis::messaging {
namespace {

using namespace std::chrono_literals;
using Values = std::map<std::string, std::string>;

lattice::Link link_with(Values values) {
  lattice::Link link;
  link.values = std::move(values);
  return link;
}
Result<Settings> parsed(Values values, std::string_view defaults = "") {
  return parse_settings(capability::provider_config(defaults).value(),
                        link_with(std::move(values)));
}
std::string refusal(Values values) {
  const auto settings = parsed(std::move(values));
  return settings ? "accepted" : settings.error().detail;
}
std::string warning(Values values) {
  const auto link = link_with(std::move(values));
  return oddities_of(parsed(link.values).value(), link);
}

TEST(MessagingSettings, ReadsSubscriptionsAndServers) {
  const auto settings =
      parsed({{"SUBSCRIPTION", "a.b, c.*|workers,d.>"}, {"URI", "h:4222,tls://nats.test"}});
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->subscriptions,
            (std::vector<Subscription>{{"a.b", ""}, {"c.*", "workers"}, {"d.>", ""}}));
  EXPECT_EQ(settings->servers, (std::vector<std::string>{"nats://h:4222", "tls://nats.test"}));
  EXPECT_TRUE(parsed({})->servers.empty());
  EXPECT_TRUE(parsed({{"SUBSCRIPTION", ""}})->subscriptions.empty());
  EXPECT_EQ(parsed({{"subscription", "a,a"}})->subscriptions.size(), 1u);
}

TEST(MessagingSettings, TheLinkWinsOverItsJsonOverTheConfiguration) {
  const auto defaults = R"({"subscriptions":["p"],"cluster_uris":["p:1"],"ping_interval_sec":7})";
  auto settings = parsed({}, defaults);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->subscriptions, (std::vector<Subscription>{{"p", ""}}));
  EXPECT_EQ(settings->ping_interval, 7s);
  const auto b64 =
      codec::base64_encode(as_bytes(R"({"subscriptions":["l|q"]})"), codec::Base64::standard);
  settings = parsed({{"config_b64", b64}, {"SUBSCRIPTION", "m"}, {"URI", "n:2"}}, defaults);
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->subscriptions, (std::vector<Subscription>{{"l", "q"}, {"m", ""}}));
  EXPECT_EQ(settings->servers, std::vector<std::string>{"nats://n:2"});
}

TEST(MessagingSettings, CredentialsComeInPairs) {
  const auto seed = claims::KeyPair::generate(claims::KeyType::user).seed();
  EXPECT_TRUE(parsed({{"CLIENT_JWT", "x"}, {"CLIENT_SEED", seed}}));
  EXPECT_NE(refusal({{"CLIENT_JWT", "x"}}).find("CLIENT_SEED is missing"), std::string::npos);
  EXPECT_NE(refusal({{"CLIENT_SEED", seed}}).find("CLIENT_JWT is missing"), std::string::npos);
  const auto wrong = refusal({{"CLIENT_JWT", "x"}, {"CLIENT_SEED", "SUSECRET"}});
  EXPECT_NE(wrong.find("is not a seed"), std::string::npos);
  EXPECT_EQ(wrong.find("SUSECRET"), std::string::npos);
}

TEST(MessagingSettings, MistakesAreNamed) {
  EXPECT_NE(refusal({{"SUBSCRIPTION", "a..b"}}).find("'a..b' is not a NATS subject"),
            std::string::npos);
  EXPECT_NE(refusal({{"SUBSCRIPTION", "a|b|c"}}), "accepted");
  EXPECT_NE(refusal({{"SUBSCRIPTION", "a|"}}).find("queue group"), std::string::npos);
  EXPECT_NE(refusal({{"SUBSCRIPTION", "a b"}}), "accepted");
  EXPECT_NE(refusal({{"URI", "http://h"}}).find("nats://"), std::string::npos);
  EXPECT_NE(refusal({{"URI", "nats://"}}), "accepted");
  EXPECT_NE(refusal({{"LATTICE", "yes"}}).find("LATTICE"), std::string::npos);
  EXPECT_NE(refusal({{"config_json", R"({"ping_interval_sec":0})"}}).find("ping_interval_sec"),
            std::string::npos);
  std::string many;
  for (int i = 0; i < 65; ++i) many += "s" + std::to_string(i) + ",";
  EXPECT_NE(refusal({{"SUBSCRIPTION", many}}).find("64"), std::string::npos);
}

TEST(MessagingSettings, TwoValuesInOneArgumentAreNoSubject) {
  const auto why = refusal({{"SUBSCRIPTION", "a.b,URI=nats://localhost:4222"}});
  EXPECT_NE(why.find("'URI=nats://localhost:4222' is another link value"), std::string::npos);
}

TEST(MessagingSettings, WhoHearsALatticesEventsMayAskForItsLinks) {
  const auto may = [](const char* pattern, const char* subject) {
    return asks_for_known_links(subject, {{"other", ""}, {pattern, ""}});
  };
  constexpr auto kAsk = "wasmbus.ctl.a.get.links";
  for (const char* good : {"wasmbus.evt.a", "wasmbus.evt.*", "wasmbus.>", ">", "*.evt.a", "*.*.a"})
    EXPECT_TRUE(may(good, kAsk)) << good;
  for (const char* bad : {"wasmbus.evt.b", "wasmbus.evt", "wasmbus.evt.a.>", "wasmbus.evt.a.*",
                          "wasmbus.*", "wasmbus.rpcevt.a"})
    EXPECT_FALSE(may(bad, kAsk)) << bad;
  for (const char* other :
       {"wasmbus.ctl.a.get.claims", "wasmbus.ctl.get.links", "wasmbus.ctl.a.b.get.links",
        "wasmbus.ctl..get.links", "wasmbus.ctl.a.linkdefs.put", "lc.a.get.links"})
    EXPECT_FALSE(may(">", other)) << other;
}

TEST(MessagingSettings, OddValuesAreWarnedAbout) {
  EXPECT_EQ(warning({{"SUBSCRIPTION", "a.>,wasmbus.evt.default"}}), "");
  EXPECT_NE(warning({{"SUBSRIPTION", "a"}}).find("'SUBSRIPTION'"), std::string::npos);
  for (const char* loop : {">", "wasmbus.>", "wasmbus.rpcevt.default", "*.rpcevt.>"})
    EXPECT_NE(warning({{"SUBSCRIPTION", loop}}).find("without end"), std::string::npos) << loop;
}

}  // namespace
}  // namespace trellis::messaging
