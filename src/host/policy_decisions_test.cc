// Goal: a decision is found by its call, changed by its request, forgotten with its claims, and
// never more are kept than there is room for.
#include "host/policy_decisions.h"

#include <gtest/gtest.h>

namespace trellis::host {
namespace {

const PolicyDecision kYes{true, ""}, kNo{false, "no"};

CallKey call(const std::string& source, const std::string& target) {
  return {source, "a:b", "default", target};
}

TEST(PolicyDecisions, AreFoundByWhoCallsWhom) {
  PolicyDecisions decisions;
  EXPECT_EQ(decisions.find(call("V", "M").view()), nullptr);
  decisions.put(call("V", "M"), "r1", kYes);
  ASSERT_NE(decisions.find(call("V", "M").view()), nullptr);
  EXPECT_EQ(*decisions.find(call("V", "M").view()), kYes);
  for (const auto& other : {CallKey{"M", "a:b", "default", "V"}, CallKey{"V", "", "default", "M"},
                            CallKey{"V", "a:b", "", "M"}, CallKey{"V", "a:bd", "efault", "M"}})
    EXPECT_EQ(decisions.find(other.view()), nullptr);
}

TEST(PolicyDecisions, AreChangedByTheirRequest) {
  PolicyDecisions decisions;
  decisions.put(call("V", "M"), "r1", kYes);
  decisions.put(call("V", "M2"), "r2", kYes);
  EXPECT_TRUE(decisions.change("r1", kNo));
  EXPECT_EQ(*decisions.find(call("V", "M").view()), kNo);
  EXPECT_EQ(*decisions.find(call("V", "M2").view()), kYes);
  EXPECT_FALSE(decisions.change("r3", kNo));
}

TEST(PolicyDecisions, ANewerOneTakesThePlaceOfTheOlder) {
  PolicyDecisions decisions;
  decisions.put(call("V", "M"), "r1", kYes);
  decisions.put(call("V", "M"), "r2", kNo);
  EXPECT_EQ(decisions.size(), 1U);
  EXPECT_EQ(*decisions.find(call("V", "M").view()), kNo);
  EXPECT_FALSE(decisions.change("r1", kYes)) << "of a decision that is no longer kept";
  EXPECT_TRUE(decisions.change("r2", kYes));
}

TEST(PolicyDecisions, OneRequestDecidesOneCall) {
  PolicyDecisions decisions;
  decisions.put(call("V", "M"), "r1", kYes);
  decisions.put(call("V", "M2"), "r1", kYes);
  EXPECT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions.find(call("V", "M").view()), nullptr);
  EXPECT_TRUE(decisions.change("r1", kNo));
}

TEST(PolicyDecisions, GoWithTheClaimsOfEitherSide) {
  PolicyDecisions decisions;
  decisions.put(call("V", "M1"), "r1", kYes);
  decisions.put(call("M1", "M2"), "r2", kYes);
  decisions.put(call("V", "M2"), "r3", kYes);
  decisions.forget("M1");
  EXPECT_EQ(decisions.size(), 1U);
  EXPECT_NE(decisions.find(call("V", "M2").view()), nullptr);
  EXPECT_FALSE(decisions.change("r1", kNo));
}

TEST(PolicyDecisions, TheOldestGoesWhenThereIsNoRoom) {
  PolicyDecisions decisions(3);
  for (int i = 0; i < 5; ++i)
    decisions.put(call("V", "M" + std::to_string(i)), "r" + std::to_string(i), kYes);
  EXPECT_EQ(decisions.size(), 3U);
  EXPECT_EQ(decisions.find(call("V", "M1").view()), nullptr);
  EXPECT_NE(decisions.find(call("V", "M2").view()), nullptr);
  EXPECT_FALSE(decisions.change("r1", kNo));
  EXPECT_TRUE(decisions.change("r4", kNo));
}

}  // namespace
}  // namespace trellis::host
