// How claims are spoken of: aliases, capability names, times. Declared in claims/claims.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "claims/claims.h"

namespace trellis::claims {
namespace {

bool looks_like_public_key(std::string_view text) {
  return text.size() == 56 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
         });
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The length of a span in its largest unit: "3days", "8h", "20m", "5s".
std::string span_human(std::uint64_t seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 60 * kMinute;
  constexpr std::uint64_t kDay = 24 * kHour;
  if (seconds >= kDay) return fmt::format("{}day{}", seconds / kDay, seconds < 2 * kDay ? "" : "s");
  if (seconds >= kHour) return fmt::format("{}h", seconds / kHour);
  if (seconds >= kMinute) return fmt::format("{}m", seconds / kMinute);
  return fmt::format("{}s", seconds);
}

std::string stamp_human(std::uint64_t stamp, std::uint64_t now) {
  return stamp < now ? span_human(now - stamp) + " ago" : "in " + span_human(stamp - now);
}

// One word for a shell.
std::string shell_word(std::string_view word) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+:@%").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return std::string(word);
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

Result<std::string> normalize_call_alias(std::string_view alias) {
  const auto refused = [](std::string why) {
    return fail(Errc::invalid, "claims.call_alias", std::move(why));
  };
  alias = trimmed(alias);
  if (alias.empty()) return refused("Call alias cannot be empty");
  if (looks_like_public_key(alias)) return refused("Public key cannot be used as a call alias");
  std::string out;
  for (const char c : alias) {
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (c == ' ' || c == '-') {
      out += '_';
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '/') {
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x80) {
      return refused(
          "Call alias contained invalid characters.\nValid aliases are lowercase alphanumeric and "
          "can contain underscores and slashes");
    }
  }
  if (out.empty()) return refused("Call alias cannot be empty");
  return out;
}

std::string_view friendly_capability_name(std::string_view contract_id) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kNames = {{
      {"wasmcloud:messaging", "Messaging"},
      {"wasmcloud:keyvalue", "K/V Store"},
      {"wasmcloud:httpserver", "HTTP Server"},
      {"wasmcloud:httpclient", "HTTP Client"},
      {"wasmcloud:blobstore", "Blob Store"},
      {"wasmcloud:eventstreams", "Event Streams"},
      {"wasmcloud:builtin:numbergen", "Number Generation"},
      {"wasmcloud:builtin:logging", "Logging"},
  }};
  for (const auto& [id, name] : kNames) {
    if (id == contract_id) return name;
  }
  return contract_id;
}

std::string signed_path(std::string_view path) {
  const std::filesystem::path source(path);
  const auto parent = source.parent_path().empty() ? "." : source.parent_path().string();
  return fmt::format("{}/{}_s.wasm", parent, source.stem().string());
}

std::string how_to_sign(std::string_view path) {
  const auto file = path.empty() ? "<module>.wasm" : shell_word(path);
  const auto name =
      path.empty() ? "<name>" : shell_word(std::filesystem::path(path).stem().string());
  return fmt::format(
      "It is not signed. To sign it: wash claims sign {} --name {} -q (-q if it serves HTTP; "
      "-c <contract> for each other capability it uses)",
      file, name);
}

std::string expires_human(const Validity& validity, std::uint64_t now) {
  return validity.expires ? stamp_human(*validity.expires, now) : "never";
}

std::string not_before_human(const Validity& validity, std::uint64_t now) {
  return validity.not_before ? stamp_human(*validity.not_before, now) : "immediately";
}

}  // namespace trellis::claims
