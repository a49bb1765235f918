#include "metrics/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <vector>

#include "codec/utf8.h"

namespace trellis::metrics {
namespace {

constexpr std::size_t kSeriesOfHistogram = Durations::kBounds.size() + 3;  // +Inf, sum, count

double seconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

std::string label_value(std::string_view text) {
  return codec::utf8_lossy(text.substr(0, kLabelBytesMax));
}

prometheus::ClientMetric with_labels(Exposition::Labels labels) {
  prometheus::ClientMetric series;
  series.label.reserve(labels.size());
  for (const auto& [name, value] : labels)
    series.label.push_back({std::string(name), label_value(value)});
  return series;
}

}  // namespace

struct Exposition::Families {
  std::vector<prometheus::MetricFamily> all;

  void begin(std::string_view name, std::string_view help, prometheus::MetricType type) {
    if (!all.empty() && all.back().metric.empty()) all.pop_back();
    all.push_back({std::string(name), std::string(help), type, {}});
  }
};

Exposition::Exposition(std::size_t series_max)
    : series_left_(series_max), families_(std::make_unique<Families>()) {}
Exposition::~Exposition() = default;

void Exposition::counter(std::string_view name, std::string_view help) {
  families_->begin(name, help, prometheus::MetricType::Counter);
}
void Exposition::gauge(std::string_view name, std::string_view help) {
  families_->begin(name, help, prometheus::MetricType::Gauge);
}
void Exposition::histogram(std::string_view name, std::string_view help) {
  families_->begin(name, help, prometheus::MetricType::Histogram);
}

bool Exposition::has_room(std::size_t series) {
  if (series <= series_left_) {
    series_left_ -= series;
    return true;
  }
  dropped_ += series;
  return false;
}

void Exposition::add(Labels labels, double value) {
  if (!has_room(1)) return;
  auto& family = families_->all.back();
  auto series = with_labels(labels);
  if (family.type == prometheus::MetricType::Counter)
    series.counter.value = value;
  else
    series.gauge.value = value;
  family.metric.push_back(std::move(series));
}

void Exposition::add(Labels labels, const Durations& durations) {
  if (!has_room(kSeriesOfHistogram)) return;
  auto series = with_labels(labels);
  auto& histogram = series.histogram;
  histogram.bucket.reserve(Durations::kBounds.size());
  for (std::size_t i = 0; i < Durations::kBounds.size(); ++i) {
    histogram.sample_count += durations.counts()[i];
    histogram.bucket.push_back({histogram.sample_count, seconds(static_cast<std::uint64_t>(
                                                            Durations::kBounds[i].count()))});
  }
  histogram.sample_count += durations.counts().back();
  histogram.sample_sum = seconds(durations.sum_ns());
  families_->all.back().metric.push_back(std::move(series));
}

std::string Exposition::text() {
  series_left_ += 1;  // this one is always there
  gauge("trellis_metrics_dropped_series",
        "Series that this answer leaves out because there were too many");
  add({}, static_cast<double>(dropped_));
  return prometheus::TextSerializer().Serialize(families_->all);
}

}  // namespace trellis::metrics
