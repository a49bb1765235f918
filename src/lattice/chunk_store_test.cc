// Goal: it is decided by size alone which payloads go through the store, and they are found under
// the names that clients of 2022 use. What the store does is tried on a real server
// (chunk_store_real_test.cc).
#include "lattice/chunk_store.h"

#include <gtest/gtest.h>

namespace trellis::lattice {
namespace {

TEST(Chunks, AreForWhatIsLargerThanTheThreshold) {
  EXPECT_FALSE(needs_chunks(716'800, kRequestBytesUnchunkedMax, 1_MiB));
  EXPECT_TRUE(needs_chunks(716'801, kRequestBytesUnchunkedMax, 1_MiB));
  EXPECT_FALSE(needs_chunks(921'600, kResponseBytesUnchunkedMax, 1_MiB));
  EXPECT_TRUE(needs_chunks(921'601, kResponseBytesUnchunkedMax, 1_MiB));
}

TEST(Chunks, AreForWhatTheBusDoesNotTake) {
  EXPECT_FALSE(needs_chunks(56 * 1024, kRequestBytesUnchunkedMax, 64_KiB));
  EXPECT_TRUE(needs_chunks(56 * 1024 + 1, kRequestBytesUnchunkedMax, 64_KiB));
  EXPECT_FALSE(needs_chunks(512, kRequestBytesUnchunkedMax, 1_KiB));
  EXPECT_TRUE(needs_chunks(513, kRequestBytesUnchunkedMax, 1_KiB));
}

TEST(Chunks, AreNamedByTheirInvocation) {
  EXPECT_EQ(request_object("4f0f1bd4"), "4f0f1bd4");
  EXPECT_EQ(response_object("4f0f1bd4"), "4f0f1bd4-r");
}

}  // namespace
}  // namespace trellis::lattice
