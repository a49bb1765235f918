// Goal: a program says which provider it is, whatever stands before the name, and a damaged name is
// not taken for none.
#include "packed_name.h"

#include <gtest/gtest.h>

namespace trellis::provider_app {
namespace {

const Bytes kProgram = to_bytes(
    "\x7f"
    "ELF and more");

TEST(PackedName, IsReadBack) {
  EXPECT_EQ(name_in(with_name(kProgram, "keyvalue")).value(), "keyvalue");
  EXPECT_EQ(name_in(with_name({}, "nats_messaging")).value(), "nats_messaging");
  const Bytes large(100'000, 'x');
  EXPECT_EQ(name_in(with_name(large, "kvredis")).value(), "kvredis");
}

TEST(PackedName, LeavesTheProgramAsItIs) {
  const auto named = with_name(kProgram, "keyvalue");
  EXPECT_EQ(Bytes(named.begin(), named.begin() + static_cast<long>(kProgram.size())), kProgram);
  EXPECT_EQ(with_name(named, "kvredis"), with_name(kProgram, "kvredis"));
}

TEST(PackedName, IsNotThereUnlessItWasPacked) {
  for (const char* program : {"", "x",
                              "\x7f"
                              "ELF and more",
                              "[trellis-provider: keyvalue]\n"})
    EXPECT_EQ(name_in(to_bytes(program)).value(), std::nullopt) << program;
  // Only the end counts.
  auto inside = with_name({}, "keyvalue");
  inside.resize(inside.size() + kTrailerBytesMax, 'x');
  EXPECT_EQ(name_in(inside).value(), std::nullopt);
}

TEST(PackedName, ThatIsDamagedIsAnError) {
  const auto named = with_name(kProgram, "keyvalue");
  for (std::size_t cut = 1; cut <= 10; ++cut) {
    const auto read = name_in(BytesView(named).first(named.size() - cut));
    ASSERT_FALSE(read) << cut;
    EXPECT_EQ(read.error().code, Errc::corrupt);
    EXPECT_NE(read.error().detail.find("trellis-provider pack"), std::string::npos);
  }
  EXPECT_FALSE(name_in(with_name(kProgram, "Key Value")));
  EXPECT_FALSE(name_in(with_name(kProgram, "")));
  auto more = named;
  more.push_back('x');
  EXPECT_FALSE(name_in(more));
}

TEST(PackedName, ThisTestHasNone) {
  EXPECT_EQ(own_name().value(), std::nullopt);
  EXPECT_GT(own_program().value().size(), kTrailerBytesMax);
}

}  // namespace
}  // namespace trellis::provider_app
