// Goal: whatever append() said is done is there after a kill at any byte, damage costs only the
// damaged line, and two processes never write one file. Method: real files; a kill is a file cut at
// every length.
#include "lattice/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>

#include "lattice/journal_file.h"
#include "lattice/temporary_folder.h"

namespace trellis::lattice {
namespace {

std::string content_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

std::vector<JournalRecord> records_of(const std::string& file) {
  auto opened = Journal::open(file);
  EXPECT_TRUE(opened) << opened.error().describe();
  return opened ? opened->records : std::vector<JournalRecord>();
}

std::size_t files_with(const std::filesystem::path& folder, std::string_view part) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    count += entry.path().filename().string().find(part) != std::string::npos;
  return count;
}

TEST(Journal, RemembersTheLastValueOfEachKeyInOrderOfFirstAppearance) {
  const TemporaryFolder folder;
  const auto file = folder.file("sub/deeper/state");
  {
    auto opened = Journal::open(file);
    ASSERT_TRUE(opened) << opened.error().describe();
    ASSERT_TRUE(opened->journal->append({{"b", "1"}, {"a", "two words"}}));
    ASSERT_TRUE(opened->journal->append({{"c", ""}, {"b", "3"}, {"a", std::nullopt}}));
  }
  const std::vector<JournalRecord> expected{{"b", "3"}, {"c", ""}};
  EXPECT_EQ(records_of(file), expected);
}

TEST(Journal, CutAtAnyByteKeepsEveryWholeLineAndWritesOn) {
  const TemporaryFolder folder;
  const auto whole = folder.file("whole");
  {
    auto opened = Journal::open(whole);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->journal->append({{"a", "1"}}));
    ASSERT_TRUE(opened->journal->append({{"b", "2"}}));
  }
  const auto bytes = content_of(whole);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto cut = folder.file("cut");
    write_file(cut, bytes.substr(0, size));
    const auto lines = static_cast<std::size_t>(std::ranges::count(bytes.substr(0, size), '\n'));
    {
      auto opened = Journal::open(cut);
      ASSERT_TRUE(opened) << size << " " << opened.error().describe();
      EXPECT_EQ(opened->records.size(), lines == 0 ? 0 : lines - 1) << size;
      ASSERT_TRUE(opened->journal->append({{"later", "3"}}));
    }
    EXPECT_EQ(records_of(cut).back(), (JournalRecord{"later", "3"})) << size;
    EXPECT_EQ(files_with(folder.path(), "damaged"), 0u) << "a torn line is no damage, at " << size;
  }
}

TEST(Journal, FlippedByteLosesThatLineOnlyAndSetsTheFileAside) {
  const TemporaryFolder folder;
  const auto file = folder.file("state");
  {
    auto opened = Journal::open(file);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->journal->append({{"a", "1"}, {"b", "value"}, {"c", "3"}}));
  }
  auto bytes = content_of(file);
  bytes[bytes.find("value")] ^= 1;
  write_file(file, bytes);
  const std::vector<JournalRecord> expected{{"a", "1"}, {"c", "3"}};
  EXPECT_EQ(records_of(file), expected);
  EXPECT_EQ(files_with(folder.path(), "damaged"), 1u);
  EXPECT_EQ(records_of(file), expected) << "the mended file is clean";
  EXPECT_EQ(files_with(folder.path(), "damaged"), 1u);
}

TEST(Journal, ForeignFileIsSetAsideNotOverwritten) {
  const TemporaryFolder folder;
  const auto file = folder.file("state");
  write_file(file, "my shopping list\nmilk\n");
  EXPECT_TRUE(records_of(file).empty());
  std::string kept;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    if (entry.path().string().find("damaged") != std::string::npos) kept = content_of(entry.path());
  EXPECT_EQ(kept, "my shopping list\nmilk\n");
}

TEST(Journal, OutdatedLinesAreRewrittenAway) {
  const TemporaryFolder folder;
  const auto file = folder.file("state");
  auto opened = Journal::open(file);
  ASSERT_TRUE(opened);
  auto& journal = *opened->journal;
  for (int i = 0; i < 5; ++i) {
    std::vector<JournalRecord> batch(500, JournalRecord{"key", std::to_string(i)});
    ASSERT_TRUE(journal.append(batch));
  }
  EXPECT_LE(journal.lines(), 1'001u);
  ASSERT_TRUE(journal.append({{"other", "1"}}));
  opened->journal.reset();
  const std::vector<JournalRecord> expected{{"key", "4"}, {"other", "1"}};
  EXPECT_EQ(records_of(file), expected);
}

TEST(Journal, SecondOwnerIsRefusedAndToldWhoHasIt) {
  const TemporaryFolder folder;
  const auto file = folder.file("state");
  auto first = Journal::open(file);
  ASSERT_TRUE(first);
  const auto second = Journal::open(file);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::unavailable);
  EXPECT_NE(
      second.error().detail.find("in use by another host (process " + std::to_string(::getpid())),
      std::string::npos)
      << second.error().detail;
  first->journal.reset();
  EXPECT_TRUE(Journal::open(file));
}

TEST(Journal, UnwritableFolderIsNamed) {
  const auto refused = Journal::open("/proc/trellis/state");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("/proc/trellis"), std::string::npos);
}

// A file size limit stands for a full disk: the write comes back short, then fails.
TEST(Journal, FullDiskFailsTheAppendAndLeavesTheRestWhole) {
  const TemporaryFolder folder;
  const auto file = folder.file("state");
  auto opened = Journal::open(file);
  ASSERT_TRUE(opened);
  ASSERT_TRUE(opened->journal->append({{"a", "1"}}));
  const auto before = content_of(file);
  rlimit saved{};
  ::getrlimit(RLIMIT_FSIZE, &saved);
  const auto former = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{before.size() + 20, saved.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto refused = opened->journal->append({{"b", std::string(100, 'x')}});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &saved), 0);
  std::signal(SIGXFSZ, former);
  ASSERT_FALSE(refused);
  EXPECT_EQ(content_of(file), before);
  EXPECT_TRUE(opened->journal->append({{"c", "3"}}));
  opened->journal.reset();
  const std::vector<JournalRecord> expected{{"a", "1"}, {"c", "3"}};
  EXPECT_EQ(records_of(file), expected);
}

}  // namespace
}  // namespace trellis::lattice
