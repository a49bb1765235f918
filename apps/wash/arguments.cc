#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "claims/nkey.h"

namespace trellis::wash {
namespace {

constexpr std::size_t kKeySize = 56;
constexpr std::size_t kSeedSize = 58;

bool is_seed_prefix(std::string_view prefix) { return prefix.size() == 2; }

}  // namespace

std::string key_mistake(std::string_view key, std::string_view prefix) {
  std::size_t size = is_seed_prefix(prefix) ? kSeedSize : kKeySize;
  if (key.size() != size)
    return fmt::format("the key should be {} characters, but was {} characters", size, key.size());
  if (!key.starts_with(prefix))
    return fmt::format("found the prefix \"{}\", but expected \"{}\"", key.substr(0, prefix.size()),
                       prefix);
  bool whole = is_seed_prefix(prefix) ? claims::KeyPair::from_seed(key).has_value()
                                      : claims::key_type_of(key).has_value();
  if (!whole) return "the key is damaged: its checksum does not match. Was it copied whole?";
  return {};
}

CLI::Option* add_key(CLI::App& app, const std::string& name, std::string& into, std::string prefix,
                     const std::string& about) {
  CLI::Option* option = app.add_option(name, into, about);
  std::string shown = option->get_positional()
                          ? fmt::format("<{}>", name)
                          : fmt::format("{} <KEY>", name.substr(name.find("--")));
  return option->check(
      [prefix = std::move(prefix), shown](const std::string& value) -> std::string {
        std::string mistake = key_mistake(value, prefix);
        if (mistake.empty()) return {};
        // A secret is not repeated on the screen.
        std::string_view named =
            is_seed_prefix(prefix) ? std::string_view("…") : std::string_view(value);
        return fmt::format("Invalid value '{}' for '{}': {}", named, shown, mistake);
      });
}

Result<control::StringMap> parse_pairs(const std::vector<std::string>& pairs) {
  control::StringMap map;
  for (const std::string& pair : pairs) {
    std::size_t equals = pair.find('=');
    if (equals == std::string::npos)
      return fail(
          Errc::invalid, "wash.pairs",
          fmt::format("Constraints were not properly formatted. Ensure they are formatted as "
                      "label=value (found '{}')",
                      pair));
    map[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return map;
}

Result<void> check_contract(std::string_view contract_id) {
  bool key_like = contract_id.size() == kKeySize && std::ranges::all_of(contract_id, [](char c) {
                    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                  });
  if (!key_like) return {};
  return fail(
      Errc::invalid, "wash.contract",
      "It looks like you used an Actor or Provider ID (e.g. VABC...) instead of a contract ID "
      "(e.g. wasmcloud:httpserver)");
}

}  // namespace trellis::wash
