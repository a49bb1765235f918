#include "host/metrics_text.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

bool contains(const std::string& text, std::string_view line) {
  return text.find(line) != std::string::npos;
}

std::size_t series_in(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    if (text[at] != '#') ++count;
  return count;
}

TEST(MetricsText, ShowsCallsByOutcomeAndAlwaysThoseThatWentWell) {
  MetricsSnapshot now;
  now.actors.push_back({.key = "MA", .name = "echo", .cells = {}});
  now.actors[0].cells.calls.add("Get", Outcome::of(Errc::denied), 1ms);
  const auto text = metrics_text(now);
  constexpr std::string_view kCalls =
      "trellis_actor_calls_total{actor=\"MA\",name=\"echo\",operation=\"Get\",outcome=";
  EXPECT_TRUE(contains(text, std::string(kCalls) + "\"denied\"} 1\n")) << text;
  EXPECT_TRUE(contains(text, std::string(kCalls) + "\"ok\"} 0\n"));
  EXPECT_FALSE(contains(text, std::string(kCalls) + "\"timeout\"}"));
  EXPECT_TRUE(contains(
      text, "trellis_actor_call_duration_seconds_count{actor=\"MA\",operation=\"Get\"} 1\n"));
}

TEST(MetricsText, ShowsNoOperationThatIsOnlyRemembered) {
  MetricsSnapshot now;
  now.actors.push_back({.key = "MA", .name = "echo", .cells = {}});
  now.actors[0].cells.calls.add("Get", Outcome::ok(), 1ms);
  now.actors[0].cells.clear();
  EXPECT_FALSE(contains(metrics_text(now), "\"Get\""));
}

TEST(MetricsText, TellsAboutLinksListenersAndProviders) {
  MetricsSnapshot now;
  now.links_by_state = {{"active", 2}};
  now.providers.push_back({.key = "VP",
                           .name = "kv",
                           .link_name = "default",
                           .contract_id = "wasmcloud:keyvalue",
                           .up = true,
                           .restarts = 3});
  now.listeners.push_back(
      {.actor_id = "MA", .link_name = "default", .address = "127.0.0.1:80", .cells = {}});
  now.listeners[0].cells.answered(503);
  now.links.push_back(
      {.actor_id = "MA", .contract_id = "wasmcloud:keyvalue", .link_name = "default", .calls = {}});
  now.links[0].calls.add("Set", Outcome::ok(), 1ms);
  const auto text = metrics_text(now);
  EXPECT_TRUE(contains(text, "trellis_links{state=\"active\"} 2\n"));
  EXPECT_TRUE(contains(text, "contract=\"wasmcloud:keyvalue\"} 3\n"));
  EXPECT_TRUE(contains(text, "address=\"127.0.0.1:80\",status=\"5xx\"} 1\n")) << text;
  EXPECT_TRUE(contains(text, "address=\"127.0.0.1:80\",status=\"2xx\"} 0\n"));
  EXPECT_TRUE(
      contains(text, "contract=\"wasmcloud:keyvalue\",operation=\"Set\",outcome=\"ok\"} 1"));
}

TEST(MetricsText, StaysWithinItsBoundAndKeepsWhatIsOfTheHost) {
  MetricsSnapshot now;
  now.version = "1.2.3";
  now.restarts = 3;
  for (int i = 0; i < 2'000; ++i) {
    now.actors.push_back({.key = "M" + std::to_string(i), .name = "n", .cells = {}});
    now.actors.back().cells.calls.add("Get", Outcome::ok(), 1ms);
  }
  const auto text = metrics_text(now);
  EXPECT_LE(series_in(text), kMetricsSeriesMax + 1);
  EXPECT_TRUE(contains(text, "trellis_build_info{version=\"1.2.3\""));
  EXPECT_TRUE(contains(text, "trellis_host_restarts_total 3\n"));
  EXPECT_TRUE(contains(text, "process_open_fds"));
  EXPECT_FALSE(contains(text, "trellis_metrics_dropped_series 0\n"));
}

}  // namespace
}  // namespace trellis::host
