#include "codec/cloud_event.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cstdint>

#include "base/check.h"
#include "codec/json.h"

namespace trellis::codec {
namespace {

Result<std::string> required(const json::object& object, std::string_view key) {
  TRY(auto text, json_string(object, key));
  if (text) return *std::move(text);
  return fail(Errc::invalid, "codec.cloud_event",
              fmt::format("not a CloudEvent: '{}' is missing", key));
}

}  // namespace

std::string write(const CloudEvent& event) {
  return json_write(json::object{{"specversion", "1.0"},
                                 {"id", event.id},
                                 {"source", event.source},
                                 {"type", event.type},
                                 {"time", event.time},
                                 {"datacontenttype", "application/json"},
                                 {"data", event.data}});
}

Result<CloudEvent> parse_cloud_event(std::string_view text) {
  TRY(json::value value, json_parse(text));
  json::object* object = value.if_object();
  if (object == nullptr) {
    return fail(Errc::invalid, "codec.cloud_event", "not a CloudEvent: it is not a JSON object");
  }
  TRY(std::string version, required(*object, "specversion"));
  if (version != "1.0") {
    return fail(Errc::invalid, "codec.cloud_event",
                fmt::format("CloudEvents {} is not understood, only 1.0", version));
  }
  CloudEvent event;
  TRY(event.id, required(*object, "id"));
  TRY(event.source, required(*object, "source"));
  TRY(event.type, required(*object, "type"));
  TRY(auto time, json_string(*object, "time"));
  event.time = std::move(time).value_or("");
  if (json::value* data = object->if_contains("data"); data != nullptr && !data->is_null()) {
    if (!data->is_object()) {
      return fail(Errc::invalid, "codec.cloud_event", "the CloudEvent's 'data' is not an object");
    }
    event.data = std::move(data->get_object());
  }
  return event;
}

std::string uuid4() {
  std::array<std::uint8_t, 16> raw{};
  CHECK(getentropy(raw.data(), raw.size()) == 0);
  raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0f) | 0x40);
  raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3f) | 0x80);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kHex[raw[i] >> 4];
    out += kHex[raw[i] & 15];
  }
  return out;
}

std::string rfc3339(std::chrono::system_clock::time_point when) {
  using namespace std::chrono;
  const auto micros = floor<microseconds>(when);
  const auto day = floor<days>(micros);
  const year_month_day date(day);
  const hh_mm_ss time(micros - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace trellis::codec
