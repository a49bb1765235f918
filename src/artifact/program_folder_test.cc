#include "artifact/program_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "claims/wasm_file.h"

namespace trellis::artifact {
namespace {

namespace fs = std::filesystem;

const Bytes kProgram = to_bytes("#!/bin/sh\nexit 0\n");

class ProgramFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/programs.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(dir_); }

  static unsigned mode(const std::string& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }

  std::string dir_;
};

TEST_F(ProgramFolderTest, AProgramLiesUnderItsDigestForItsOwnerAlone) {
  const ProgramFolder folder(dir_ + "/a/providers");
  const auto installed = folder.install(kProgram, "wasmcloud:keyvalue");
  ASSERT_TRUE(installed) << installed.error().describe();
  EXPECT_EQ(installed->hash, claims::sha256_hex_upper(kProgram));
  EXPECT_TRUE(installed->path.ends_with("/wasmcloud_keyvalue")) << installed->path;
  EXPECT_EQ(mode(installed->path), 0500U);
  EXPECT_EQ(mode(dir_ + "/a/providers"), 0700U);
  EXPECT_TRUE(ProgramFolder::check(*installed));
  EXPECT_EQ(std::system(installed->path.c_str()), 0);
}

TEST_F(ProgramFolderTest, OtherBytesHaveAnotherPlace) {
  const ProgramFolder folder(dir_ + "/p");
  const auto one = folder.install(kProgram, "x");
  const auto two = folder.install(to_bytes("#!/bin/sh\nexit 1\n"), "x");
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->path, two->path);
  EXPECT_TRUE(ProgramFolder::check(*one));
}

TEST_F(ProgramFolderTest, WhatWasChangedIsNoticedAndPutRight) {
  const ProgramFolder folder(dir_ + "/p");
  const auto installed = folder.install(kProgram, "x");
  ASSERT_TRUE(installed);
  ::chmod(installed->path.c_str(), 0700);
  std::ofstream(installed->path) << "something else";
  EXPECT_EQ(ProgramFolder::check(*installed).error().code, Errc::corrupt);
  ASSERT_TRUE(folder.install(kProgram, "x"));
  EXPECT_TRUE(ProgramFolder::check(*installed));

  ::chmod(installed->path.c_str(), 0777);  // the right bytes, but anybody could change them
  EXPECT_EQ(ProgramFolder::check(*installed).error().code, Errc::corrupt);

  fs::remove(installed->path);
  EXPECT_EQ(ProgramFolder::check(*installed).error().code, Errc::not_found);
  fs::create_symlink("/bin/true", installed->path);
  EXPECT_FALSE(ProgramFolder::check(*installed));
  ASSERT_TRUE(folder.install(kProgram, "x"));
  EXPECT_TRUE(ProgramFolder::check(*installed));
}

TEST_F(ProgramFolderTest, AFolderThatOthersCanWriteToIsNotUsed) {
  ::mkdir((dir_ + "/p").c_str(), 0700);
  ::chmod((dir_ + "/p").c_str(), 0777);
  const auto installed = ProgramFolder(dir_ + "/p").install(kProgram, "x");
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().code, Errc::denied);
  EXPECT_NE(installed.error().detail.find("TRELLIS_PROVIDERS_DIR"), std::string::npos);
}

TEST_F(ProgramFolderTest, ALinkInItsPlaceIsNotFollowed) {
  ::mkdir((dir_ + "/elsewhere").c_str(), 0700);
  fs::create_symlink(dir_ + "/elsewhere", dir_ + "/p");
  EXPECT_FALSE(ProgramFolder(dir_ + "/p").install(kProgram, "x"));
  EXPECT_TRUE(fs::is_empty(dir_ + "/elsewhere"));
}

TEST_F(ProgramFolderTest, NamesAreLettersAndDigits) {
  const ProgramFolder folder(dir_ + "/p");
  const auto installed = folder.install(kProgram, "../../etc/passwd");
  ASSERT_TRUE(installed) << installed.error().describe();
  EXPECT_TRUE(installed->path.ends_with("/______etc_passwd")) << installed->path;
  EXPECT_TRUE(folder.install(kProgram, ""));
}

}  // namespace
}  // namespace trellis::artifact
