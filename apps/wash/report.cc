#include "report.h"

#include <fmt/format.h>

#include <utility>

#include "codec/json.h"

namespace trellis::wash {
namespace {

constexpr std::string_view kCausedBy = "\n\nCaused by:\n";
constexpr std::string_view kIndent = "    ";

std::string_view without_number(std::string_view line) {
  std::size_t digits = line.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || line.substr(digits, 2) != ": ")
    return line;
  return line.substr(digits + 2);
}

}  // namespace

std::string text_success(std::string_view text) { return fmt::format("\n{}\n", text); }

std::string json_success(boost::json::object fields) {
  fields["success"] = true;
  return fmt::format("\n{}\n", codec::json_pretty(fields));
}

std::string text_error(std::string_view text) { return fmt::format("\n{}\n", text); }

std::string json_error(std::string_view text) {
  std::vector<std::string> chain = split_causes(text);
  boost::json::object fields{{"success", false}, {"error", chain.front()}};
  if (chain.size() > 1) fields["error_chain"] = boost::json::array(chain.begin() + 1, chain.end());
  return fmt::format("\n{}\n", codec::json_pretty(fields));
}

std::string with_cause(std::string message, std::string_view cause) {
  if (cause.empty()) return message;
  std::vector<std::string> causes = split_causes(cause);
  message += kCausedBy;
  for (std::size_t i = 0; i < causes.size(); ++i) {
    if (i > 0) message += '\n';
    message += kIndent;
    if (causes.size() > 1) message += fmt::format("{}: ", i);
    message += causes[i];
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
    if (numbered) line = without_number(line);
    // A cause of several lines belongs together when nothing numbers them apart.
    if (!numbered && chain.size() > 1) {
      chain.back().append("\n").append(line);
    } else {
      chain.emplace_back(line);
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return chain;
}

}  // namespace trellis::wash
