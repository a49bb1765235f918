// What the image keeps of a memory, and what it puts back.
#include "engine/instance_image.h"

#include <gtest/gtest.h>

namespace trellis::engine {
namespace {

TEST(InstanceImage, PutsBackEveryPageAndZeroesWhatCameLater) {
  const std::size_t page = page_bytes();
  Bytes memory(3 * page, 0);
  memory[page + 7] = 42;  // the first and the last page are all zeroes
  const InstanceImage image(memory, 1, {});
  EXPECT_EQ(image.memory_bytes(), 3 * page);

  Bytes used(5 * page, 0xee);  // grown by two
  for (std::uint32_t i = 0; i < 5; ++i) image.restore_page(used.data(), i);
  memory.resize(5 * page, 0);
  EXPECT_EQ(used, memory);
}

}  // namespace
}  // namespace trellis::engine
