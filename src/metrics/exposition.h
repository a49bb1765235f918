// One answer to a scrape, put together: families of series, then the text of them in Prometheus'
// format 0.0.4. Made and used on one thread, whichever; forgotten after that. Histograms are
// Durations, in seconds. Values of labels may come from anywhere.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/durations.h"

namespace trellis::metrics {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::size_t kLabelBytesMax = 256;

class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Beyond `series_max` series none is added any more; they are counted and the count is shown, as
  // `trellis_metrics_dropped_series`.
  explicit Exposition(std::size_t series_max);
  ~Exposition();

  // The family that is added to from here on. One without series does not show.
  void counter(std::string_view name, std::string_view help);
  void gauge(std::string_view name, std::string_view help);
  void histogram(std::string_view name, std::string_view help);

  void add(Labels labels, double value);
  void add(Labels labels, std::uint64_t value) { add(labels, static_cast<double>(value)); }
  void add(Labels labels, const Durations& durations);  // of a histogram

  // The whole text; nothing is added after that.
  std::string text();

 private:
  struct Families;
  bool has_room(std::size_t series);

  std::size_t series_left_, dropped_ = 0;
  std::unique_ptr<Families> families_;
};

}  // namespace trellis::metrics
