// The log. One line per event, to stderr, in text or JSON. LOG(info, "actor {} started", name);
// Safe from any thread; the line is formatted on the caller's thread and written by a background
// one.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

namespace trellis::log {

enum class Level { debug, info, warn, error };

struct Options {
  Level level = Level::info;
  bool json = false;
};

void start(const Options& options);  // once, from main(); before it lines go to stderr unbuffered
void stop();                         // flushes; call before exit
bool enabled(Level level);
void write(Level level, std::string_view line);
// What somebody else said: in text the line begins with who, "[name key] "; in JSON who it was is
// a member of its own, named by the role.
struct Speaker {
  std::string_view role;  // "actor", "provider"
  std::string_view key;
  std::string_view name{};  // "" when not known
};
void write_of(Level level, const Speaker& speaker, std::string_view line);
// "debug", "info", "warn", "error", and the "trace" and "warning" of other programs.
std::optional<Level> parse_level(std::string_view name);

}  // namespace trellis::log

#define LOG(level, ...)                                                                \
  do {                                                                                 \
    if (::trellis::log::enabled(::trellis::log::Level::level))                         \
      ::trellis::log::write(::trellis::log::Level::level, ::fmt::format(__VA_ARGS__)); \
  } while (0)
