// Reads the structs of contracts as the readers of 2022 do: a map from member names in any order,
// or an array of the members in declared order; unknown members are skipped, nil and absent ones
// keep their default. docs/protocol.md §2.2. Used by the contracts of this room.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/msgpack.h"

namespace trellis::capability {

// `member(i)` reads the value of names[i] and returns a Result<void>.
template <std::size_t N, class Member>
Result<void> read_struct(codec::MsgpackReader& in, const std::string_view (&names)[N],
                         Member member) {
  TRY(const auto type, in.peek());
  const bool positional = type == codec::MsgpackType::array;
  TRY(const std::size_t count, positional ? in.array() : in.map());
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t index = i;
    if (!positional) {
      TRY(const std::string_view name, in.text());
      for (index = 0; index < N && names[index] != name; ++index) continue;
    }
    TRY(const bool absent, in.try_nil());
    if (absent) continue;
    TRY_OK(index < N ? member(index) : in.skip());
  }
  return {};
}

// Bytes that may have come as an array of integers, which has no bytes to borrow: those are put in
// `storage`.
inline Result<BytesView> read_bytes(codec::MsgpackReader& in, Bytes& storage) {
  TRY(const auto type, in.peek());
  if (type != codec::MsgpackType::array) return in.bytes_view();
  TRY(storage, in.bytes());
  return BytesView(storage);
}

}  // namespace trellis::capability
