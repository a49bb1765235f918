// The numbers as Prometheus reads them: names, help texts, labels of every family. Pure; called on
// a thread that is no core's, for it takes milliseconds where there is much to show. What each
// family means for whoever runs a host: docs/metrics.md.
#pragma once

#include <cstddef>
#include <string>

#include "host/metrics_snapshot.h"

namespace trellis::host {

inline constexpr std::size_t kMetricsSeriesMax = 10'000;

std::string metrics_text(const MetricsSnapshot& snapshot,
                         std::size_t series_max = kMetricsSeriesMax);

}  // namespace trellis::host
