// The wasmcloud:keyvalue contract as bytes: what an actor asks of a store and what it is answered.
// Views in; nothing is copied. Pure. Format: docs/protocol.md §2.6.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::capability {

inline constexpr std::string_view kKeyValueContract = "wasmcloud:keyvalue";

enum class KeyValueOp {
  get,
  set,
  del,
  contains,
  increment,
  list_add,
  list_del,
  list_clear,
  list_range,
  set_add,
  set_del,
  set_intersection,
  set_union,
  set_query,
  set_clear
};

// What is asked. Which members count follows from `op`; the views point into the payload.
struct KeyValueCall {
  KeyValueOp op = KeyValueOp::get;
  std::string_view key;                 // the key, list or set
  std::string_view value;               // to be stored, added or removed
  std::uint32_t expires = 0;            // set: seconds; 0 is never
  std::int32_t by = 0;                  // increment
  std::int32_t start = 0, stop = 0;     // list_range: both inclusive, -1 is the last
  std::vector<std::string_view> names;  // set_intersection, set_union
};

// Errors: not_found for an operation that the contract does not have; invalid with the words of
// 2022's readers for a payload that is not its argument.
Result<KeyValueCall> decode_key_value_call(std::string_view operation, BytesView payload);

// The answers: of get; of del, contains, list_del and the clears; of increment; of the adds and
// set_del; of list_range and the other set operations. set answers with no bytes at all.
Bytes encode_get_response(std::optional<std::string_view> value);
Bytes encode_flag(bool flag);
Bytes encode_number(std::int64_t number);
Bytes encode_strings(std::span<const std::string_view> values);

}  // namespace trellis::capability
