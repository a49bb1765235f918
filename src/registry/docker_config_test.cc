// Goal: whoever is logged in with docker or podman is logged in here, and a file that is wrong is
// said to be without a secret in the sentence.
#include "registry/docker_config.h"

#include <gtest/gtest.h>

namespace trellis::registry {
namespace {

TEST(DockerConfig, ReadsUserAndPasswordFromBase64) {
  const auto config =
      parse_docker_config(R"({"auths":{"reg.example.com:5000":{"auth":"dXNlcjpwYTpzcw=="}}})");
  ASSERT_TRUE(config) << config.error().detail;
  const auto credential = config->find("reg.example.com:5000", "a/b");
  EXPECT_EQ(credential.user, "user");
  EXPECT_EQ(credential.password, "pa:ss");  // a password may hold colons
  EXPECT_TRUE(config->find("reg.example.com", "a/b").empty());
  EXPECT_TRUE(config->find("evil.reg.example.com:5000", "a/b").empty());
}

TEST(DockerConfig, KnowsARegistryByItsUrlToo) {
  const auto config = parse_docker_config(
      R"({"auths":{"https://index.docker.io/v1/":{"auth":"aDpo"},"https://Reg.io/v2/":{"auth":"cjpy"}}})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->find("docker.io", "library/echo").user, "h");
  EXPECT_EQ(config->find("reg.io", "echo").user, "r");
}

TEST(DockerConfig, TakesTheNearestEntryForARepository) {
  const auto config = parse_docker_config(
      R"({"auths":{"reg.io":{"auth":"YTph"},"reg.io/team":{"auth":"Yjpi"},"reg.io/team/x":{"auth":"Yzpj"}}})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->find("reg.io", "other").user, "a");
  EXPECT_EQ(config->find("reg.io", "teams/y").user, "a");
  EXPECT_EQ(config->find("reg.io", "team/y").user, "b");
  EXPECT_EQ(config->find("reg.io", "team/x").user, "c");
}

TEST(DockerConfig, ReadsTokensAndHelpers) {
  const auto config = parse_docker_config(R"({
    "auths": {"a.io": {"auth": "PHRva2VuPjo=", "identitytoken": "id"}, "b.io": {"registrytoken": "bearer"}, "c.io": {}},
    "credHelpers": {"https://c.io": "ecr-login"}, "credsStore": "pass"})");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->find("a.io", "x").identity_token, "id");
  EXPECT_EQ(config->find("b.io", "x").bearer_token, "bearer");
  EXPECT_TRUE(config->find("c.io", "x").empty());
  EXPECT_EQ(config->helper_for("c.io"), "ecr-login");
  EXPECT_EQ(config->helper_for("d.io"), "pass");
  EXPECT_EQ(helper_key("docker.io"), "https://index.docker.io/v1/");
  EXPECT_EQ(helper_key("c.io"), "c.io");
}

TEST(DockerConfig, RefusesWhatIsWrongAndKeepsSecretsToItself) {
  for (const auto* text :
       {"", "[]", R"({"auths":[]})", R"({"auths":{"a":1}})", R"({"auths":{"a":{"auth":3}}})",
        R"({"auths":{"a":{"auth":"c2VjcmV0"}}})", R"({"auths":{"a":{"auth":"s3cr3t!"}}})",
        R"({"credHelpers":{"a":1}})", R"({"credsStore":1})"}) {
    const auto config = parse_docker_config(text);
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, Errc::invalid) << text;
    EXPECT_EQ(config.error().detail.find("c2VjcmV0"), std::string::npos);
    EXPECT_EQ(config.error().detail.find("s3cr3t"), std::string::npos);
    EXPECT_EQ(config.error().detail.find("secret"), std::string::npos);
  }
}

TEST(DockerConfig, LiesWhereDockerPutsIt) {
  std::map<std::string, std::string> variables = {{"HOME", "/home/me"}};
  const Environment get = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  EXPECT_EQ(default_docker_config(get), "/home/me/.docker/config.json");
  variables["DOCKER_CONFIG"] = "/somewhere";
  EXPECT_EQ(default_docker_config(get), "/somewhere/config.json");
  variables.clear();
  EXPECT_EQ(default_docker_config(get), "");
}

}  // namespace
}  // namespace trellis::registry
