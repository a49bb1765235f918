// JSON in and out through Boost.JSON, with our errors and limits; and the conversions between JSON
// and msgpack that `wash call` makes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::codec {

namespace json = boost::json;

Result<json::value> json_parse(std::string_view text);  // depth ≤ 32; floats to within 1 ulp
std::string json_write(const json::value& value);       // compact
std::string json_pretty(const json::value& value);      // two spaces, as serde_json prints

// Members of an object by name; a member that is absent or null is nullopt, one of the wrong type
// an error that names it.
Result<std::optional<std::string>> json_string(const json::object& object, std::string_view key);
Result<std::optional<std::uint64_t>> json_uint(const json::object& object, std::string_view key);
Result<std::optional<bool>> json_bool(const json::object& object, std::string_view key);

// JSON → msgpack as a generic map, keys in alphabetical order as serde_json has them.
Bytes json_to_msgpack(const json::value& value);
enum class BinaryAs {
  array,
  string,
  both
};  // how `bin` is shown: [1,2], "..", {"str":…,"bin":[…]}
Result<json::value> msgpack_to_json(BytesView bytes, BinaryAs binary);

}  // namespace trellis::codec
