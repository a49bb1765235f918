// An independent opinion on msgpack, for tests and fuzzing only: what nlohmann-json makes of the
// bytes, and where our reader must agree with it.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "codec/json.h"
#include "codec/msgpack.h"
#include "codec/utf8.h"

namespace trellis::codec::oracle {

using Foreign = nlohmann::json;

// Whether JSON has a form for it that both sides agree on: no extension types, no broken text (of
// which only ours makes U+FFFD).
inline bool comparable(const Foreign& value) {
  if (value.is_binary()) return !value.get_binary().has_subtype();
  if (value.is_string()) return is_utf8(value.get_ref<const std::string&>());
  if (value.is_array()) {
    for (const auto& element : value) {
      if (!comparable(element)) return false;
    }
  }
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      if (!is_utf8(key) || !comparable(member)) return false;
    }
  }
  return true;
}

inline json::value to_ours(const Foreign& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_string()) return json::value(value.get_ref<const std::string&>());
  if (value.is_binary()) {
    return json::array(value.get_binary().begin(), value.get_binary().end());
  }
  if (value.is_array()) {
    json::array out;
    for (const auto& element : value) out.push_back(to_ours(element));
    return out;
  }
  if (value.is_object()) {
    json::object out;
    for (const auto& [key, member] : value.items()) out[key] = to_ours(member);
    return out;
  }
  return nullptr;
}

// Empty when our reader and nlohmann-json read the same out of the bytes, else what they differ in.
inline std::string disagreement(BytesView bytes) {
  const auto strict = [&](bool whole) {
    return Foreign::from_msgpack(bytes.begin(), bytes.end(), whole, /*allow_exceptions=*/false);
  };
  const Foreign theirs = strict(false);
  const bool they_accept = !theirs.is_discarded();

  MsgpackReader reader(bytes);
  const auto skipped = reader.skip();
  if (!skipped && skipped.error().code == Errc::exhausted) return {};  // deeper than we read
  if (they_accept && !skipped) return "skip() refuses: " + skipped.error().detail;
  if (they_accept && reader.at_end() == strict(true).is_discarded()) return "skip() ends elsewhere";

  const auto ours = msgpack_to_json(bytes, BinaryAs::array);
  if (ours && !skipped) return "read, but not skipped: " + skipped.error().detail;
  if (!they_accept || !comparable(theirs)) return {};  // keys that are not text: only we read them
  if (!ours) return "reading refuses: " + ours.error().detail;
  if (json_to_msgpack(*ours) != json_to_msgpack(to_ours(theirs))) return "the values differ";
  return {};
}

}  // namespace trellis::codec::oracle
