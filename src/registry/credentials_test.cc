// Goal: a credential goes to the registry it is for, from the first place that has one.
#include "registry/credentials.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/limits.h"

namespace trellis::registry {
namespace {

using namespace std::chrono_literals;

Credential pair(const std::string& user, const std::string& password) {
  Credential credential;
  credential.user = user;
  credential.password = password;
  return credential;
}

std::string user_of(const Credentials& credentials, const std::string& registry,
                    const std::string& repository = "a/b", bool named = true) {
  return credentials.find(registry, repository, named, runtime::Deadline::in(5s)).user;
}

class CredentialsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/credentials.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string docker(const std::string& text) const {
    const auto path = dir_ + "/config.json";
    std::ofstream(path) << text;
    return path;
  }
  std::string dir_;
};

TEST_F(CredentialsTest, OfTheLatticeAreKnownByHostHoweverItWasWritten) {
  Credentials credentials(Credentials::Options{});
  ASSERT_TRUE(
      credentials.put({{"https://Reg.io/", pair("a", "x")}, {"localhost:5000", pair("b", "x")}}));
  EXPECT_EQ(user_of(credentials, "reg.io"), "a");
  EXPECT_EQ(user_of(credentials, "localhost:5000"), "b");
  EXPECT_EQ(user_of(credentials, "localhost"), "");
  ASSERT_TRUE(credentials.put({{"reg.io", pair("c", "x")}}));
  EXPECT_EQ(user_of(credentials, "reg.io"), "c");
  EXPECT_EQ(user_of(credentials, "localhost:5000"), "b");  // added to, not replaced
}

TEST_F(CredentialsTest, OfTheEnvironmentGoToTheirRegistryOnly) {
  const Credentials whole(
      {.registry = "https://reg.io/", .user = "u", .password = "p", .docker_config = ""});
  EXPECT_EQ(user_of(whole, "reg.io"), "u");
  EXPECT_EQ(user_of(whole, "reg.io.example.com"), "");
  EXPECT_EQ(user_of(whole, "reg.io:444"), "");
  const Credentials folder(
      {.registry = "reg.io/team", .user = "u", .password = "p", .docker_config = ""});
  EXPECT_EQ(user_of(folder, "reg.io", "team/echo"), "u");
  EXPECT_EQ(user_of(folder, "reg.io", "teams/echo"), "");
  const Credentials half({.registry = "reg.io", .user = "u", .password = "", .docker_config = ""});
  EXPECT_EQ(user_of(half, "reg.io"), "");
}

TEST_F(CredentialsTest, AreLookedForInOrder) {
  const auto path = docker(R"({"auths":{"reg.io":{"auth":"ZDpk"},"other.io":{"auth":"ZTpl"}}})");
  Credentials::Options options{
      .registry = "reg.io", .user = "env", .password = "p", .docker_config = path};
  EXPECT_EQ(user_of(Credentials(options), "reg.io"), "env");
  EXPECT_EQ(user_of(Credentials(options), "other.io"), "e");
  Credentials with_lattice(options);
  ASSERT_TRUE(with_lattice.put({{"reg.io", pair("lattice", "p")}}));
  EXPECT_EQ(user_of(with_lattice, "reg.io"), "lattice");
  options.given = pair("given", "p");
  EXPECT_EQ(user_of(Credentials(options), "reg.io"), "given");
}

TEST_F(CredentialsTest, GivenForOneRegistryDoNotGoToItsMirrors) {
  Credentials::Options options{.registry = "", .user = "", .password = "", .docker_config = ""};
  options.given = pair("given", "p");
  EXPECT_EQ(user_of(Credentials(options), "mirror.io", "a", /*named=*/false), "");
}

TEST_F(CredentialsTest, ADamagedFileIsSaidAndTakenForNone) {
  Credentials::Options options{
      .registry = "", .user = "", .password = "", .docker_config = docker("{")};
  const auto none = Credentials(options).find("reg.io", "a", true, runtime::Deadline::in(5s));
  EXPECT_TRUE(none.empty());
  EXPECT_NE(none.source.find(options.docker_config), std::string::npos);
}

TEST_F(CredentialsTest, AreNotTooMany) {
  Credentials credentials(Credentials::Options{});
  std::map<std::string, Credential> many;
  for (std::size_t i = 0; i <= limits::kRegistryCredentialsMax; ++i)
    many["r" + std::to_string(i)] = pair("u", "p");
  EXPECT_EQ(credentials.put(many).error().code, Errc::exhausted);
  EXPECT_TRUE(credentials.put({{"r0", pair("again", "p")}}));  // what is known may change
}

}  // namespace
}  // namespace trellis::registry
