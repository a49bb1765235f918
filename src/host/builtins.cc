#include "host/builtins.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstdint>

#include "base/log.h"
#include "codec/cloud_event.h"
#include "codec/msgpack.h"
#include "host/guest_text.h"

namespace trellis::host {
namespace {

constexpr std::size_t kLogTextMax = 8192;

Result<Bytes> write_log(BytesView payload, std::string_view actor_key) {
  std::string_view level, text;
  codec::MsgpackReader in(payload);
  TRY(std::size_t fields, in.map());
  for (; fields > 0; --fields) {
    TRY(const std::string_view name, in.text());
    if (name == "level") {
      TRY(level, in.text());
    } else if (name == "text") {
      TRY(text, in.text());
    } else {
      TRY_OK(in.skip());
    }
  }
  log::Level at = log::Level::debug;  // also for a level nobody knows
  if (level == "error") at = log::Level::error;
  if (level == "warn") at = log::Level::warn;
  if (level == "info") at = log::Level::info;
  if (log::enabled(at))
    log::write_of(at, {"actor", actor_key}, as_log_line(text.substr(0, kLogTextMax)));
  return Bytes{};
}

// A uniform number in [min, max], both ends possible.
std::uint32_t random_in(std::uint32_t min, std::uint32_t max) {
  if (min > max) std::swap(min, max);
  const std::uint64_t span = std::uint64_t{max} - min + 1;
  if (span > UINT32_MAX) return randombytes_random();
  return min + randombytes_uniform(static_cast<std::uint32_t>(span));
}

Result<Bytes> random_in_range(BytesView payload) {
  std::int64_t min = 0, max = UINT32_MAX;
  codec::MsgpackReader in(payload);
  TRY(std::size_t fields, in.map());
  for (; fields > 0; --fields) {
    TRY(const std::string_view name, in.text());
    if (name == "min") {
      TRY(min, in.sint());
    } else if (name == "max") {
      TRY(max, in.sint());
    } else {
      TRY_OK(in.skip());
    }
  }
  const auto clamp = [](std::int64_t v) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(v, 0, UINT32_MAX));
  };
  Bytes out;
  codec::MsgpackWriter(out).uint(random_in(clamp(min), clamp(max)));
  return out;
}

}  // namespace

Result<Bytes> call_builtin(std::string_view contract, std::string_view operation, BytesView payload,
                           std::string_view actor_key) {
  if (contract == kLoggingContract && operation == "Logging.WriteLog")
    return write_log(payload, actor_key);
  if (contract == kNumberGenContract) {
    Bytes out;
    if (operation == "NumberGen.GenerateGuid") {
      codec::MsgpackWriter(out).str(codec::uuid4());
      return out;
    }
    if (operation == "NumberGen.Random32") {
      codec::MsgpackWriter(out).uint(randombytes_random());
      return out;
    }
    if (operation == "NumberGen.RandomInRange") return random_in_range(payload);
  }
  return fail(Errc::not_found, "host.builtin",
              fmt::format("method not handled {}: {} has no such operation", operation, contract));
}

}  // namespace trellis::host
