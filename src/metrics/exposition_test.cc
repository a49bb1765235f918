#include "metrics/exposition.h"

#include <gtest/gtest.h>

namespace trellis::metrics {
namespace {

using namespace std::chrono_literals;

bool contains(const std::string& text, std::string_view line) {
  return text.find(line) != std::string::npos;
}

TEST(Exposition, WritesFamiliesAsPrometheusReadsThem) {
  Exposition out(100);
  out.counter("cats_total", "Cats that passed");
  out.add({{"colour", "black"}, {"town", "Ulm"}}, std::uint64_t{3});
  out.gauge("cats", "Cats that are here");
  out.add({}, 1.5);
  const auto text = out.text();
  EXPECT_TRUE(
      text.starts_with("# HELP cats_total Cats that passed\n"
                       "# TYPE cats_total counter\n"
                       "cats_total{colour=\"black\",town=\"Ulm\"} 3\n"
                       "# HELP cats Cats that are here\n"
                       "# TYPE cats gauge\n"
                       "cats 1.5\n"))
      << text;
}

TEST(Exposition, CountsHistogramsUpInSeconds) {
  Durations durations;
  durations.add(60us);
  durations.add(1ms);
  durations.add(20s);
  Exposition out(100);
  out.histogram("nap_seconds", "Naps");
  out.add({{"cat", "a"}}, durations);
  const auto text = out.text();
  EXPECT_TRUE(contains(text, "nap_seconds_bucket{cat=\"a\",le=\"5e-05\"} 0\n"));
  EXPECT_TRUE(contains(text, "nap_seconds_bucket{cat=\"a\",le=\"0.0001\"} 1\n"));
  EXPECT_TRUE(contains(text, "nap_seconds_bucket{cat=\"a\",le=\"0.001\"} 2\n"));
  EXPECT_TRUE(contains(text, "nap_seconds_bucket{cat=\"a\",le=\"10\"} 2\n"));
  EXPECT_TRUE(contains(text, "nap_seconds_bucket{cat=\"a\",le=\"+Inf\"} 3\n"));
  EXPECT_TRUE(contains(text, "nap_seconds_count{cat=\"a\"} 3\n"));
  EXPECT_TRUE(contains(text, "nap_seconds_sum{cat=\"a\"} 20.00106\n")) << text;
}

TEST(Exposition, LetsNoLabelOutOfItsQuotes) {
  Exposition out(100);
  out.counter("x_total", "x");
  out.add({{"a", "1\"} 9\nevil_total 7\\\xff"}}, 1.0);
  const auto text = out.text();
  EXPECT_TRUE(contains(text, "x_total{a=\"1\\\"} 9\\nevil_total 7\\\\\uFFFD\"} 1\n")) << text;
}

TEST(Exposition, CutsLongLabels) {
  Exposition out(100);
  out.counter("x_total", "x");
  out.add({{"a", std::string(10'000, 'y')}}, 1.0);
  EXPECT_LT(out.text().size(), 1'000u);
}

TEST(Exposition, ShowsNoFamilyWithoutSeries) {
  Exposition out(100);
  out.counter("nothing_total", "n");
  out.counter("x_total", "x");
  out.add({}, 1.0);
  EXPECT_FALSE(contains(out.text(), "nothing"));
}

TEST(Exposition, LeavesOutWhatIsTooMuchAndSaysSo) {
  Exposition out(3);
  out.counter("x_total", "x");
  for (int i = 0; i < 5; ++i) out.add({{"i", std::to_string(i)}}, 1.0);
  out.histogram("h_seconds", "h");
  out.add({}, Durations());
  const auto text = out.text();
  EXPECT_TRUE(contains(text, "x_total{i=\"2\"}"));
  EXPECT_FALSE(contains(text, "x_total{i=\"3\"}"));
  EXPECT_FALSE(contains(text, "h_seconds"));
  EXPECT_TRUE(contains(text, "trellis_metrics_dropped_series 21\n")) << text;  // 2 + 19
}

TEST(Exposition, SaysThatNothingWasLeftOut) {
  Exposition out(3);
  EXPECT_TRUE(contains(out.text(), "trellis_metrics_dropped_series 0\n"));
}

}  // namespace
}  // namespace trellis::metrics
