// Goal: sentences that come from several places read as one text.
#include "base/sentences.h"

#include <gtest/gtest.h>

namespace trellis {
namespace {

TEST(Sentences, HaveOneMarkBetweenThem) {
  EXPECT_EQ(and_then("It is gone", "Look there"), "It is gone. Look there");
  EXPECT_EQ(and_then("Did you mean a?", "Look there"), "Did you mean a? Look there");
  EXPECT_EQ(and_then("It is gone.", "Look there"), "It is gone. Look there");
}

TEST(Sentences, NothingIsAddedToNothing) {
  EXPECT_EQ(and_then("", "Look there"), "Look there");
  EXPECT_EQ(and_then("It is gone", ""), "It is gone");
}

}  // namespace
}  // namespace trellis
