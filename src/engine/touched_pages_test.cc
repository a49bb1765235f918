// Which pages count as written, and that none is missed when the kernel is not asked again.
#include "engine/touched_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <random>

#include "engine/instance_image.h"

namespace trellis::engine {
namespace {

class TouchedPagesTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kPages = 600;  // more than one read of the page map

  TouchedPagesTest() : bytes_(kPages * page_bytes()) {
    at_ = static_cast<std::uint8_t*>(
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
  ~TouchedPagesTest() override { ::munmap(at_, bytes_); }
  void SetUp() override {
    if (!map_) GTEST_SKIP() << "this kernel does not tell";
  }
  std::vector<std::uint32_t> touched() {
    EXPECT_TRUE(touched_.refresh(*map_, {at_, bytes_}));
    return {touched_.pages().begin(), touched_.pages().end()};
  }

  const std::unique_ptr<PageMap> map_ = PageMap::open();
  const std::size_t bytes_;
  std::uint8_t* at_;
  TouchedPages touched_;
};

TEST_F(TouchedPagesTest, AreThoseThatWereWritten) {
  EXPECT_TRUE(touched().empty());
  std::vector<std::uint32_t> expected;
  for (std::uint32_t page : {0u, 3u, 255u, 256u, 511u, 599u}) {
    at_[page * page_bytes() + page] = 1;
    expected.push_back(page);
    EXPECT_EQ(touched(), expected);
  }
}

TEST_F(TouchedPagesTest, AreNeverMissedHoweverTheyCome) {
  std::mt19937 random(7);
  std::vector<bool> written(kPages);
  for (int round = 0; round < 300; ++round) {
    const auto page = random() % kPages;
    at_[page * page_bytes() + random() % page_bytes()] = static_cast<std::uint8_t>(round);
    written[page] = true;
    std::vector<bool> seen(kPages);
    for (auto number : touched()) seen[number] = true;
    ASSERT_EQ(seen, written);
  }
}

}  // namespace
}  // namespace trellis::engine
