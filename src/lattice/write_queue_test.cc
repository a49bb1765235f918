// Goal: what goes in comes out, in order and once, however much the socket takes at a time.
#include "lattice/write_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace trellis::lattice {
namespace {

TEST(WriteQueue, GivesBackWhatWentInInAnyPortions) {
  std::mt19937 random(3);
  WriteQueue queue;
  std::string expected, got;
  for (int i = 0; i < 3'000; ++i) {
    std::string piece(random() % 300, static_cast<char>('a' + i % 26));
    expected += piece;
    if (random() % 5 == 0) {
      const auto owner = std::make_shared<Bytes>(to_bytes(piece));
      queue.append_shared(owner, *owner);
    } else if (random() % 2) {
      queue.append(piece);
    } else {
      queue.begin_append() += piece;
      queue.appended();
    }
    if (random() % 3) continue;
    std::array<iovec, 4> parts;
    const auto count = queue.peek(parts);
    std::string seen;
    for (std::size_t p = 0; p < count; ++p)
      seen.append(static_cast<const char*>(parts[p].iov_base), parts[p].iov_len);
    const auto taken = seen.empty() ? 0 : random() % (seen.size() + 1);
    got += seen.substr(0, taken);
    queue.consume(taken);
    ASSERT_EQ(queue.size(), expected.size() - got.size());
  }
  while (!queue.empty()) {
    std::array<iovec, 4> parts;
    const auto count = queue.peek(parts);
    ASSERT_GT(count, 0u);
    for (std::size_t p = 0; p < count; ++p) {
      got.append(static_cast<const char*>(parts[p].iov_base), parts[p].iov_len);
      queue.consume(parts[p].iov_len);
    }
  }
  EXPECT_EQ(got, expected);
}

TEST(WriteQueue, KeepsSharedBytesAliveUntilTheyAreWritten) {
  WriteQueue queue;
  auto owner = std::make_shared<Bytes>(to_bytes("shared"));
  const std::weak_ptr<Bytes> watch = owner;
  queue.append_shared(owner, *owner);
  owner.reset();
  EXPECT_FALSE(watch.expired());
  queue.consume(6);
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace trellis::lattice
