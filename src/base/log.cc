#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <memory>

namespace trellis::log {
namespace {

constexpr std::size_t kQueuedLinesMax =
    8192;  // then the oldest are dropped: a log never blocks a call

std::shared_ptr<spdlog::logger> g_logger;  // set in start(), cleared in stop(); both from main()
std::atomic<Level> g_level{Level::info};
std::atomic<bool> g_json{false};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string json_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
          out += c;
        }
    }
  }
  return out;
}

std::string json_member(std::string_view name, std::string_view text) {
  return fmt::format("\"{}\":\"{}\"", name, json_escape(text));
}

}  // namespace

void start(const Options& options) {
  g_level = options.level;
  g_json = options.json;
  spdlog::init_thread_pool(kQueuedLinesMax, 1);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  g_logger = std::make_shared<spdlog::async_logger>("trellis", sink, spdlog::thread_pool(),
                                                    spdlog::async_overflow_policy::overrun_oldest);
  g_logger->set_level(spdlog::level::debug);
  g_logger->flush_on(spdlog::level::info);
  g_logger->set_pattern(
      options.json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%H:%M:%S.%e [%l] %v",
      options.json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local);
}

void stop() {
  if (g_logger) {
    g_logger->flush();
    g_logger.reset();
    spdlog::shutdown();
  }
}

bool enabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view line) {
  if (!g_logger) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  } else if (g_json) {
    g_logger->log(to_spdlog(level), json_member("message", line));
  } else {
    g_logger->log(to_spdlog(level), line);
  }
}

void write_of(Level level, const Speaker& speaker, std::string_view line) {
  if (!g_logger || !g_json) {
    return write(level, fmt::format("[{}{}{}] {}", speaker.name, speaker.name.empty() ? "" : " ",
                                    speaker.key, line));
  }
  auto members = json_member("message", line) + "," + json_member(speaker.role, speaker.key);
  if (!speaker.name.empty())
    members += "," + json_member(fmt::format("{}_name", speaker.role), speaker.name);
  g_logger->log(to_spdlog(level), members);
}

std::optional<Level> parse_level(std::string_view name) {
  if (name == "debug" || name == "trace") return Level::debug;
  if (name == "info") return Level::info;
  if (name == "warn" || name == "warning") return Level::warn;
  if (name == "error") return Level::error;
  return std::nullopt;
}

}  // namespace trellis::log
