// Goal: an archive lands where it was asked for, under the name that says what it is, and can be
// read back as signed now by the account that signed it.
#include "signing/archive_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <ctime>
#include <filesystem>

#include "artifact/archive_files.h"
#include "artifact/file_io.h"
#include "artifact/provider_archive.h"

namespace trellis::signing {
namespace {

TEST(ArchivePath, IsNamedAfterTheProgramUnlessTold) {
  EXPECT_EQ(archive_path("", "store", false), "store.par");
  EXPECT_EQ(archive_path("", "store", true), "store.par.gz");
  EXPECT_EQ(archive_path("to/x.par", "store", false), "to/x.par");
  EXPECT_EQ(archive_path("to/x.par", "store", true), "to/x.par.gz");
  EXPECT_EQ(archive_path("to/x.par.gz", "store", true), "to/x.par.gz");
}

class ArchiveFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "archiveXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  claims::ProviderClaims claims() const {
    claims::ProviderClaims claims;
    claims.subject = service_.public_key();
    claims.name = "Store";
    claims.contract_id = "a:b";
    claims.vendor = "Test";
    return claims;
  }

  std::filesystem::path folder_;
  const claims::KeyPair account_ = claims::KeyPair::generate(claims::KeyType::account);
  const claims::KeyPair service_ = claims::KeyPair::generate(claims::KeyType::service);
};

TEST_F(ArchiveFile, CanBeReadBackAsSignedNow) {
  const std::string path = folder_ / "x.par.gz";
  const auto now = static_cast<std::uint64_t>(std::time(nullptr));
  ASSERT_TRUE(
      write_archive(path, claims(), {{"x86_64-linux", to_bytes("program")}}, account_, true));
  const auto bytes = artifact::read_file(path, 1'000'000).value();
  EXPECT_TRUE(artifact::is_gzip(bytes));
  const auto archive = artifact::read_provider_archive(bytes).value();
  EXPECT_EQ(archive.claims.issuer, account_.public_key());
  EXPECT_EQ(archive.claims.subject, service_.public_key());
  EXPECT_GE(archive.claims.issued_at, now);
  EXPECT_EQ(as_text(archive.programs.at("x86_64-linux")), "program");
}

TEST_F(ArchiveFile, SaysWhichFolderIsMissing) {
  const auto written = write_archive(folder_ / "absent" / "x.par", claims(),
                                     {{"x86_64-linux", to_bytes("program")}}, account_, false);
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().detail.starts_with("Error writing PAR. Please ensure directory \"" +
                                                 (folder_ / "absent").string() + "\" exists"))
      << written.error().detail;
}

}  // namespace
}  // namespace trellis::signing
