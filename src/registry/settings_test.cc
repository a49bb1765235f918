// Goal: which place is asked, how, and in which order; a mistake in the file is found by its line.
#include "registry/settings.h"

#include <gtest/gtest.h>

#include <string>

namespace trellis::registry {
namespace {

using Transport = Endpoint::Transport;

artifact::Reference reference(const std::string& text) { return *artifact::parse_reference(text); }

TEST(Settings, AskTheRegistryOfTheReferenceWithTlsWhenNothingIsSaid) {
  const auto all = Settings().endpoints(reference("Reg.io/team/echo:1"));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].host, "reg.io");
  EXPECT_EQ(all[0].repository, "team/echo");
  EXPECT_EQ(all[0].transport, Transport::tls);
  EXPECT_TRUE(Settings().endpoints(reference("echo:1")).empty());
}

TEST(Settings, MirrorsComeFirstWithTheirOwnSettings) {
  const auto settings = Settings::parse(R"(
[registry."reg.io"]
mirrors = ["localhost:5000", "mirror.io/copies/of"]
[registry."mirror.io"]
ca_file = "ours.pem"
)",
                                        "/etc/trellis");
  ASSERT_TRUE(settings) << settings.error().detail;
  const auto all = settings->endpoints(reference("reg.io/team/echo:1"));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].host, "localhost:5000");
  EXPECT_EQ(all[0].repository, "team/echo");
  EXPECT_EQ(all[0].transport, Transport::loopback);
  EXPECT_TRUE(all[0].is_mirror);
  EXPECT_EQ(all[1].host, "mirror.io");
  EXPECT_EQ(all[1].repository, "copies/of/team/echo");
  EXPECT_EQ(all[1].ca_file, "/etc/trellis/ours.pem");
  EXPECT_EQ(all[2].host, "reg.io");
  EXPECT_FALSE(all[2].is_mirror);
  EXPECT_EQ(settings->endpoint("reg.io", "a").host, "reg.io");
}

TEST(Settings, AStarStandsForTheRegistriesThatAreNotNamed) {
  const auto settings =
      Settings::parse("[registry.\"*\"]\nca_file='/all.pem'\n[registry.\"a.io\"]\n", "");
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->endpoint("b.io", "x").ca_file, "/all.pem");
  EXPECT_EQ(settings->endpoint("a.io", "x").ca_file, "");
}

TEST(Settings, PlainHttpOnlyWhereItIsSaidOrOnThisMachine) {
  auto settings = *Settings::parse(
      "[registry.\"a.io:5000\"]\nplain_http = true\n"
      "[registry.\"localhost:7\"]\nca_file = '/x.pem'\n",
      "");
  settings.allow_plain_http(" b.io:80 ");
  EXPECT_EQ(settings.endpoint("a.io:5000", "x").transport, Transport::plain);
  EXPECT_EQ(settings.endpoint("a.io", "x").transport, Transport::tls);
  EXPECT_EQ(settings.endpoint("b.io:80", "x").transport, Transport::plain);
  EXPECT_EQ(settings.endpoint("b.io", "x").transport, Transport::tls);
  EXPECT_EQ(settings.endpoint("127.0.0.1:5000", "x").transport, Transport::loopback);
  EXPECT_EQ(settings.endpoint("localhost", "x").transport, Transport::loopback);
  EXPECT_EQ(settings.endpoint("localhost:7", "x").transport,
            Transport::tls);  // a ca_file means TLS
}

TEST(Settings, DockerHubIsAskedUnderItsOtherName) {
  const auto hub = Settings().endpoint("docker.io", "echo");
  EXPECT_EQ(hub.host, "registry-1.docker.io");
  EXPECT_EQ(hub.name, "docker.io");
  EXPECT_EQ(hub.repository, "library/echo");
  EXPECT_EQ(Settings().endpoint("index.docker.io", "me/echo").repository, "me/echo");
}

TEST(Settings, SayWhatIsWrongAndWhere) {
  const struct {
    const char* text;
    const char* words[2];
  } cases[] = {
      {"[registry", {"line 1", ""}},
      {"x = 1", {"line 1", "'x' is not known"}},
      {"registry = 1", {"line 1", "registry"}},
      {"\n[registry.\"https://a.io\"]", {"line 2", "https://a.io"}},
      {"[registry.\"a.io/folder\"]", {"line 1", "must name a host"}},
      {"[registry.\"a.io\"]\ninsecure = true", {"line 2", "'insecure' is not known"}},
      {"[registry.\"a.io\"]\nplain_http = \"yes\"", {"line 2", "plain_http"}},
      {"[registry.\"a.io\"]\nmirrors = \"b.io\"", {"line 2", "must be a list"}},
      {"[registry.\"a.io\"]\nmirrors = [\"https://b.io\"]", {"line 2", "https://b.io"}},
      {"[registry.\"a.io\"]\nca_file = 1", {"line 2", "ca_file must be text"}},
      {"[registry.\"a.io\"]\nplain_http = true\nca_file = '/x'", {"line 1", "no use"}},
  };
  for (const auto& c : cases) {
    const auto settings = Settings::parse(c.text, "");
    ASSERT_FALSE(settings) << c.text;
    for (const auto* word : c.words) {
      EXPECT_NE(settings.error().detail.find(word), std::string::npos) << settings.error().detail;
    }
  }
  EXPECT_NE(Settings::read("/nowhere.toml").error().detail.find("/nowhere.toml"),
            std::string::npos);
}

}  // namespace
}  // namespace trellis::registry
