// Goal: however many requests fail, the log has a line a second for each kind of failure, and no
// failure is left out of the count.
#include "httpserver/failure_log.h"

#include <gtest/gtest.h>

namespace trellis::httpserver {
namespace {

using namespace std::chrono_literals;

TEST(FailureLog, WritesOneLineASecondForEachKind) {
  FailureLog log;
  const auto start = FailureLog::TimePoint{} + 1h;
  EXPECT_EQ(log.due(Errc::trapped, start), 1u);
  for (int i = 0; i < 99; ++i) EXPECT_EQ(log.due(Errc::trapped, start + 10ms * i), 0u);
  EXPECT_EQ(log.due(Errc::timeout, start + 10ms), 1u) << "another kind";
  EXPECT_EQ(log.due(Errc::trapped, start + 1s), 100u);
  EXPECT_EQ(log.due(Errc::trapped, start + 5s), 1u);
  EXPECT_EQ(log.due(Errc::internal, start + 5s), 1u);
}

}  // namespace
}  // namespace trellis::httpserver
