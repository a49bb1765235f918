// The two capabilities every host has within itself: logging and random numbers. No link is needed,
// only the claim, which the caller of these functions has checked. docs/protocol.md §2.10.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::host {

inline constexpr std::string_view kLoggingContract = "wasmcloud:builtin:logging";
inline constexpr std::string_view kNumberGenContract = "wasmcloud:builtin:numbergen";

inline bool is_builtin(std::string_view contract) {
  return contract == kLoggingContract || contract == kNumberGenContract;
}

// Errors become the guest's host error text.
Result<Bytes> call_builtin(std::string_view contract, std::string_view operation, BytesView payload,
                           std::string_view actor_key);

}  // namespace trellis::host
