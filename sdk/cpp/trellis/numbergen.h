// wasmcloud:builtin:numbergen: random numbers and names. Needs the capability claim, no link.
// docs/protocol.md §2.10.
#pragma once

#include <cstdint>
#include <string>

#include "trellis/host_call.h"

namespace trellis::sdk {

class NumberGen {
 public:
  Result<std::uint32_t> random_32() const {
    return typed_call(kLink, kContract, "NumberGen.Random32", {}, number);
  }

  // Both ends inclusive.
  Result<std::uint32_t> random_in_range(std::uint32_t min, std::uint32_t max) const {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(2);
    writer.str("min");
    writer.uint(min);
    writer.str("max");
    writer.uint(max);
    return typed_call(kLink, kContract, "NumberGen.RandomInRange", payload, number);
  }
  // A UUID, version 4, with hyphens.
  Result<std::string> guid() const {
    return typed_call(kLink, kContract, "NumberGen.GenerateGuid", {},
                      [](MsgpackReader& reader) { return std::string(reader.text()); });
  }

 private:
  static constexpr std::string_view kContract = "wasmcloud:builtin:numbergen";
  static constexpr std::string_view kLink = "default";
  static std::uint32_t number(MsgpackReader& reader) {
    return static_cast<std::uint32_t>(reader.uint(UINT32_MAX));
  }
};

}  // namespace trellis::sdk
