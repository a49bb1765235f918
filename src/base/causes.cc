#include "base/causes.h"

#include <fmt/format.h>

namespace trellis {
namespace {

constexpr std::string_view kCausedBy = "\n\nCaused by:\n";
constexpr std::string_view kIndent = "    ";

// The size of "3: " at the line's beginning, 0 if there is none.
std::size_t number_size(std::string_view line) {
  std::size_t digits = line.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || line.substr(digits, 2) != ": ") return 0;
  return digits + 2;
}

// A cause of several lines is set in as a whole.
std::string indented(std::string_view text) {
  std::string lines;
  for (char c : text) {
    lines += c;
    if (c == '\n') lines += kIndent;
  }
  return lines;
}

}  // namespace

std::string with_cause(std::string message, std::string_view cause) {
  if (cause.empty()) return message;
  std::vector<std::string> causes = split_causes(cause);
  message += kCausedBy;
  for (std::size_t i = 0; i < causes.size(); ++i) {
    if (i > 0) message += '\n';
    message += kIndent;
    if (causes.size() > 1) message += fmt::format("{}: ", i);
    message += indented(causes[i]);
  }
  return message;
}

std::vector<std::string> split_causes(std::string_view text) {
  std::size_t at = text.find(kCausedBy);
  std::vector<std::string> chain{std::string(text.substr(0, at))};
  if (at == std::string_view::npos) return chain;
  std::string_view rest = text.substr(at + kCausedBy.size());
  bool numbered = rest.substr(0, kIndent.size() + 3) == "    0: ";
  while (!rest.empty()) {
    std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (line.starts_with(kIndent)) line.remove_prefix(kIndent.size());
    std::size_t number = numbered ? number_size(line) : 0;
    if (number > 0 || (!numbered && chain.size() == 1)) {
      chain.emplace_back(line.substr(number));
    } else {
      chain.back().append("\n").append(line);
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return chain;
}

Error caused_by(std::string message, const Error& cause) {
  return Error{cause.code, cause.site, with_cause(std::move(message), cause.detail)};
}

}  // namespace trellis
