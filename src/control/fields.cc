#include "control/fields.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include <boost/json/array.hpp>

#include "codec/json.h"

namespace trellis::control {
namespace {

// A whole number that is not negative, also when it was written as 3.0.
std::optional<std::uint64_t> as_uint(const boost::json::value& value) {
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_int64() && value.get_int64() >= 0)
    return static_cast<std::uint64_t>(value.get_int64());
  if (!value.is_double()) return std::nullopt;
  double number = value.get_double();
  if (!(number >= 0 && number < 9.0e15) || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::uint64_t>(number);
}

}  // namespace

const boost::json::value* Fields::find(std::string_view key) const {
  const boost::json::value* value = object_.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Fields::wrong(std::string_view key, std::string_view expected) {
  if (problem_.empty()) problem_ = fmt::format("`{}` must be {}", key, expected);
}

void Fields::text(std::string_view key, std::string& into) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return;
  if (!value->is_string()) return wrong(key, "a string");
  into.assign(value->get_string().data(), value->get_string().size());
}

void Fields::need(std::string_view key, std::string& into) {
  if (find(key) == nullptr) return wrong(key, "present");
  text(key, into);
}

void Fields::text(std::string_view key, std::optional<std::string>& into) {
  if (find(key) == nullptr) return;
  std::string value;
  text(key, value);
  into = std::move(value);
}

void Fields::number(std::string_view key, std::uint64_t& into) {
  std::optional<std::uint64_t> value;
  number(key, value);
  if (value) into = *value;
}

void Fields::number(std::string_view key, std::optional<std::uint64_t>& into) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return;
  std::optional<std::uint64_t> number = as_uint(*value);
  if (!number) return wrong(key, "a whole number that is not negative");
  into = number;
}

void Fields::number(std::string_view key, std::int32_t& into) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return;
  bool fits = value->is_int64() && value->get_int64() >= std::numeric_limits<std::int32_t>::min() &&
              value->get_int64() <= std::numeric_limits<std::int32_t>::max();
  if (!fits) return wrong(key, "a 32-bit whole number");
  into = static_cast<std::int32_t>(value->get_int64());
}

bool Fields::flag(std::string_view key, bool& into) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return false;
  if (!value->is_bool()) {
    wrong(key, "true or false");
    return false;
  }
  into = value->get_bool();
  return true;
}

bool Fields::count(std::string_view key, std::uint16_t& into) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return false;
  std::optional<std::uint64_t> number = as_uint(*value);
  if (!number || *number > std::numeric_limits<std::uint16_t>::max()) {
    wrong(key, "a whole number from 0 to 65535");
    return false;
  }
  into = static_cast<std::uint16_t>(*number);
  return true;
}

void Fields::map(std::string_view key, StringMap& into) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return;
  if (!value->is_object()) return wrong(key, "an object");
  for (const auto& [name, member] : value->get_object()) {
    if (member.is_object() || member.is_array()) return wrong(key, "an object of strings");
    // A null in a claims record stands for "not said"; numbers and flags are kept as they were
    // written.
    std::string text;
    if (member.is_string()) {
      text.assign(member.get_string().data(), member.get_string().size());
    } else if (!member.is_null()) {
      text = codec::json_write(member);
    }
    into[std::string(name)] = std::move(text);
  }
}

}  // namespace trellis::control
