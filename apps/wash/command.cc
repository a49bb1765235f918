#include "command.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "report.h"

namespace trellis::wash {

void Context::on(CLI::App& command, std::string_view example, Action action) {
  command.footer(fmt::format("Example:\n  {}", example));
  command.callback([this, act = std::move(action)] { action_ = act; });
}

void Context::note(std::string_view line) const {
  if (!json()) fmt::print(stderr, "{}\n", line);
}

Spinner Context::spinner(std::string message) const { return Spinner(std::move(message), !json()); }

int Context::run() {
  if (!action_) return 0;
  Result<Output> result = action_();
  if (!result) {
    const std::string& detail = result.error().detail;
    std::string text = detail.empty() ? std::string(to_string(result.error().code)) : detail;
    fmt::print(stderr, "{}", json() ? json_error(text) : text_error(text));
    return 1;
  }
  if (json()) {
    fmt::print("{}", json_success(std::move(result->json)));
  } else if (!result->silent) {
    fmt::print("{}", text_success(result->text));
  }
  std::fflush(stdout);
  return 0;
}

}  // namespace trellis::wash
