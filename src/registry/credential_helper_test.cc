// Goal: credential helpers are asked as docker asks them, and one that hangs, fails or babbles
// costs a sentence. Method: helpers that are shell scripts in a folder on PATH.
#include "registry/credential_helper.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace trellis::registry {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class CredentialHelper : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/helper.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    path_ = std::getenv("PATH");
    ::setenv("PATH", (dir_ + ":" + path_).c_str(), 1);
  }
  void TearDown() override {
    ::setenv("PATH", path_.c_str(), 1);
    fs::remove_all(dir_);
  }
  void helper(const std::string& name, const std::string& script) const {
    const auto file = dir_ + "/docker-credential-" + name;
    std::ofstream(file) << "#!/bin/sh\n" << script;
    fs::permissions(file, fs::perms::owner_all);
  }
  static Result<Credential> ask(const std::string& name, std::chrono::milliseconds time = 10s) {
    return ask_credential_helper(name, "reg.io:5000", runtime::Deadline::in(time));
  }

  std::string dir_, path_;
};

TEST_F(CredentialHelper, GivesUserAndPasswordOfTheRegistryItIsAskedFor) {
  helper("good", R"([ "$1" = get ] || exit 9
read -r registry
printf '{"ServerURL":"%s","Username":"me at %s","Secret":"pw"}' "$registry" "$registry")");
  const auto credential = ask("good");
  ASSERT_TRUE(credential) << credential.error().detail;
  EXPECT_EQ(credential->user, "me at reg.io:5000");
  EXPECT_EQ(credential->password, "pw");
  EXPECT_EQ(credential->source, "docker-credential-good");
}

TEST_F(CredentialHelper, GivesAnIdentityTokenUnderItsOwnName) {
  helper("token", R"(echo '{"Username":"<token>","Secret":"id"}')");
  const auto credential = ask("token");
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->identity_token, "id");
  EXPECT_TRUE(credential->user.empty());
}

TEST_F(CredentialHelper, MayKnowNone) {
  helper("none", "echo 'credentials not found in native keychain'; exit 1");
  const auto credential = ask("none");
  ASSERT_TRUE(credential) << credential.error().detail;
  EXPECT_TRUE(credential->empty());
}

TEST_F(CredentialHelper, ThatFailsIsNamedWithWhatItSaid) {
  helper("fails", "echo 'keychain is locked'; exit 1");
  EXPECT_EQ(ask("fails").error().detail, "docker-credential-fails failed: keychain is locked ");
  helper("babbles", "echo hello");
  EXPECT_NE(ask("babbles").error().detail.find("JSON"), std::string::npos);
  EXPECT_NE(ask("missing").error().detail.find("cannot be run"), std::string::npos);
}

TEST_F(CredentialHelper, ThatHangsIsKilledWithItsChildren) {
  helper("hangs", "sleep 1000 & sleep 1000");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_NE(ask("hangs", 200ms).error().detail.find("in time"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_F(CredentialHelper, ThatNeverEndsItsAnswerIsKilled) {
  helper("flood", "yes");
  EXPECT_FALSE(ask("flood"));
}

TEST_F(CredentialHelper, NamesLeadNowhereElse) {
  for (const auto* name : {"", "../x", "a/b", "a b", "$(x)"}) EXPECT_FALSE(ask(name)) << name;
}

}  // namespace
}  // namespace trellis::registry
