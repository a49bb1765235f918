// What can go wrong, as a value. Every fallible function in Trellis returns Result<T> (result.h),
// whose error is this. The code says what the caller can do; the site is a stable name of the place
// that refused, shown to users and counted in metrics; the detail is a sentence for a person: what,
// where, and how to mend it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace trellis {

enum class Errc {
  invalid,          // the input is wrong; trying again will not help
  not_found,        // no such thing here
  denied,           // known who asks; not allowed
  unauthenticated,  // not known who asks: no, forged or expired credentials
  timeout,          // the deadline passed
  cancelled,        // whoever asked no longer wants it
  unavailable,      // cannot be reached now; trying again may help
  exhausted,        // a limit was reached
  trapped,          // guest code failed
  corrupt,          // stored or received bytes are damaged
  internal,         // our own fault, or the system's
};

std::string_view to_string(Errc code);

struct [[nodiscard]] Error {
  Errc code = Errc::internal;
  const char* site = "";
  std::string detail;

  // "<detail> [<site>]": what logs show. Users of compatible commands see detail alone.
  std::string describe() const;
};

}  // namespace trellis
