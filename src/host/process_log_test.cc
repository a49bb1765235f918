#include "host/process_log.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/limits.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

class ProcessLogTest : public testing::Test {
 protected:
  ProcessLog::Time now_{1h};
  std::vector<std::string> lines_;
  ProcessLog log_{[this](std::string_view line) { lines_.emplace_back(line); }};
  using Lines = std::vector<std::string>;
};

TEST_F(ProcessLogTest, CutsPiecesIntoLines) {
  log_.write("one\ntw", now_);
  log_.write("o\n\n", now_);
  log_.write("three", now_);
  EXPECT_EQ(lines_, (Lines{"one", "two"}));
  log_.end(now_);
  EXPECT_EQ(lines_, (Lines{"one", "two", "three"}));
  EXPECT_EQ(log_.last_line(), "three");
}

TEST_F(ProcessLogTest, TakesColoursAwayAndShowsWhatWouldForgeALine) {
  log_.write("\r\x1b[2m2022-11-28\x1b[0m \x1b[32m INFO\x1b[0m hello\r\n", now_);
  log_.write("a\r[error] host is down\n", now_);
  log_.write("\x1b[2Jclear\n", now_);
  log_.write("\xff\xfe\n", now_);
  EXPECT_EQ(lines_, (Lines{"2022-11-28  INFO hello", "a\\x0d[error] host is down", "\\x1b[2Jclear",
                           "\\xff\\xfe"}));
}

TEST_F(ProcessLogTest, CutsALineThatDoesNotEnd) {
  log_.write(std::string(2 * limits::kGuestLogBytesMax + 10, 'x'), now_);
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_EQ(lines_.front().size(), limits::kGuestLogBytesMax);
  log_.end(now_);
  EXPECT_EQ(lines_.back(), std::string(10, 'x'));
}

TEST_F(ProcessLogTest, CountsWhatIsTooMuchForASecond) {
  for (std::size_t i = 0; i < limits::kProviderLogLinesPerSecond + 7; ++i) log_.write("x\n", now_);
  EXPECT_EQ(lines_.size(), limits::kProviderLogLinesPerSecond);
  lines_.clear();
  log_.write("next\n", now_ + 1s);
  EXPECT_EQ(lines_, (Lines{"(7 more lines within a second are not shown)", "next"}));
}

TEST_F(ProcessLogTest, SaysAtTheEndWhatWasDropped) {
  for (std::size_t i = 0; i < limits::kProviderLogLinesPerSecond + 1; ++i) log_.write("x\n", now_);
  log_.end(now_);
  EXPECT_EQ(lines_.back(), "(1 more lines within a second are not shown)");
}

TEST_F(ProcessLogTest, WaitsWhenFarTooMuchIsWritten) {
  const std::string much(limits::kProviderLogBytesPerSecond, 'x');
  EXPECT_EQ(log_.pause(now_), 0ms);
  log_.write(much, now_);
  EXPECT_GT(log_.pause(now_ + 300ms), 600ms);
  EXPECT_LE(log_.pause(now_ + 300ms), 701ms);
  EXPECT_EQ(log_.pause(now_ + 1s), 0ms);
}

}  // namespace
}  // namespace trellis::host
