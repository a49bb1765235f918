// Any text: what parses as JSON is written so that an independent parser reads it, and stays the
// same from then on; events and the strict text codings refuse or come back.
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "codec/base32.h"
#include "codec/base64.h"
#include "codec/cloud_event.h"
#include "codec/json.h"
#include "codec/utf8.h"

namespace {

using namespace trellis;
using namespace trellis::codec;

void json_round_trip(std::string_view text) {
  const auto value = json_parse(text);
  if (!value) return;
  const std::string compact = json_write(*value);
  CHECK(nlohmann::json::accept(compact));
  CHECK(nlohmann::json::accept(json_pretty(*value)));
  CHECK(json_parse(compact).has_value());
}

void text_codings(std::string_view text) {
  CHECK(is_utf8(utf8_lossy(text)));
  if (is_utf8(text)) CHECK(utf8_lossy(text) == text);
  for (const Base64 form : {Base64::url, Base64::url_padded}) {
    if (const auto bytes = base64_decode(text, form)) CHECK(base64_encode(*bytes, form) == text);
  }
  if (const auto bytes = base64_decode(text, Base64::standard)) {
    CHECK(base64_decode(base64_encode(*bytes, Base64::standard), Base64::standard).value() ==
          *bytes);
  }
  if (const auto bytes = base32_decode(text)) CHECK(base32_encode(*bytes) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  json_round_trip(text);
  text_codings(text);
  if (const auto event = parse_cloud_event(text)) {
    CHECK(parse_cloud_event(write(*event)).has_value());
  }
  return 0;
}
