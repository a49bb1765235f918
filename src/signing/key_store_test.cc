// Keys on disk: found by name, made when missing, never readable by others, never replaced.
#include "signing/key_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

namespace trellis::signing {
namespace {

namespace fs = std::filesystem;
using claims::KeyPair;
using claims::KeyType;

class KeyStore : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "keysXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    ::setenv("USER", "jo", 1);
  }
  void TearDown() override { fs::remove_all(folder_); }

  KeyRequest request(KeyType type, std::string subject = "build/echo.wasm") const {
    return {.type = type, .given = {}, .subject = std::move(subject), .directory = keys().string()};
  }
  fs::path keys() const { return folder_ / "keys"; }
  static mode_t mode_of(const fs::path& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }

  fs::path folder_;
};

TEST_F(KeyStore, MakesAMissingKeyOnceAndForItsOwnerOnly) {
  std::string announced;
  KeyRequest wanted = request(KeyType::module);
  wanted.on_missing = [&](const std::string& path) { announced = path; };
  const KeyPair made = find_key(wanted).value();
  EXPECT_EQ(announced, keys() / "echo_module.nk");
  EXPECT_EQ(mode_of(keys()), 0700U);
  EXPECT_EQ(mode_of(keys() / "echo_module.nk"), 0600U);
  announced.clear();
  EXPECT_EQ(find_key(wanted).value().public_key(), made.public_key());
  EXPECT_EQ(announced, "");
}

TEST_F(KeyStore, NamesKeysByUserFileAndType) {
  ASSERT_TRUE(find_key(request(KeyType::account)));
  ASSERT_TRUE(find_key(request(KeyType::service)));
  ASSERT_TRUE(find_key(request(KeyType::operator_, "acme")));
  EXPECT_EQ(stored_names(keys()).value(),
            (std::vector<std::string>{"acme_operator.nk", "echo_service.nk", "jo_account.nk"}));
}

TEST_F(KeyStore, MakesNothingWhenToldNotTo) {
  KeyRequest wanted = request(KeyType::module);
  wanted.may_generate = false;
  EXPECT_EQ(find_key(wanted).error().detail,
            "No keypair found in " + (keys() / "echo_module.nk").string() +
                ", please ensure key exists or supply one as a flag");
  EXPECT_FALSE(fs::exists(keys()));
}

TEST_F(KeyStore, TakesASeedOrAFile) {
  const KeyPair pair = KeyPair::generate(KeyType::account);
  KeyRequest wanted = request(KeyType::account);
  wanted.given = pair.seed();
  EXPECT_EQ(find_key(wanted).value().public_key(), pair.public_key());
  std::ofstream(folder_ / "mine.nk") << pair.seed() << "\n";
  wanted.given = folder_ / "mine.nk";
  EXPECT_EQ(find_key(wanted).value().public_key(), pair.public_key());
  EXPECT_FALSE(fs::exists(keys())) << "nothing is stored";
}

TEST_F(KeyStore, RefusesAKeyOfAnotherTypeWithoutShowingIt) {
  const KeyPair pair = KeyPair::generate(KeyType::user);
  KeyRequest wanted = request(KeyType::account);
  wanted.given = pair.seed();
  const std::string detail = find_key(wanted).error().detail;
  EXPECT_NE(detail.find("type 'user'"), std::string::npos);
  EXPECT_NE(detail.find("wash keys gen account"), std::string::npos);
  EXPECT_EQ(detail.find(pair.seed()), std::string::npos);
}

TEST_F(KeyStore, RefusesWhatIsNeitherSeedNorFile) {
  KeyRequest wanted = request(KeyType::account);
  wanted.given = folder_ / "absent.nk";
  EXPECT_FALSE(find_key(wanted));
  fs::create_directories(keys());
  std::ofstream(keys() / "echo_module.nk") << "rubbish";
  EXPECT_NE(find_key(request(KeyType::module)).error().detail.find("echo_module.nk"),
            std::string::npos);
}

TEST_F(KeyStore, ShowsASeedByNameWithOrWithoutItsEnding) {
  const KeyPair made = find_key(request(KeyType::module)).value();
  EXPECT_EQ(stored_seed(keys(), "echo_module.nk").value(), made.seed());
  EXPECT_EQ(stored_seed(keys(), "echo_module").value(), made.seed());
  EXPECT_TRUE(stored_seed(keys(), "other")
                  .error()
                  .detail.starts_with("Please ensure " + (keys() / "other").string() + " exists."));
}

TEST_F(KeyStore, SaysWhichFolderIsMissing) {
  EXPECT_TRUE(stored_names(keys()).error().detail.starts_with("please ensure directory " +
                                                              keys().string() + " exists"));
}

TEST(KeyTypeWord, IsReadInAnyCase) {
  EXPECT_EQ(parse_key_type("Account").value(), KeyType::account);
  EXPECT_EQ(parse_key_type("ACTOR").value(), KeyType::module);
  EXPECT_EQ(parse_key_type("provider").value(), KeyType::service);
  EXPECT_EQ(parse_key_type("cluster").value(), KeyType::cluster);
}

TEST(KeyTypeWord, IsRefusedWhenUnknownAndTheTypesAreNamed) {
  for (const char* word : {"", "acount", "curve"}) {
    const std::string detail = parse_key_type(word).error().detail;
    for (const char* type :
         {"account", "user", "module", "service", "server", "operator", "cluster"})
      EXPECT_NE(detail.find(type), std::string::npos);
  }
}

}  // namespace
}  // namespace trellis::signing
