// Result<T>: a value or an Error. Not an exception: an error through two frames costs 0.1 µs
// instead of 6, shows in the signature, and may cross the Wasm engine's C frames. Ignoring one is a
// compile error.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "base/error.h"

namespace trellis {

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> fail(Errc code, const char* site, std::string detail = {}) {
  return tl::unexpected<Error>(Error{code, site, std::move(detail)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace trellis

// TRY(auto x, f());     in a function:  x, or return f's error
// TRY_OK(f());          the same where there is no value
// CO_TRY / CO_TRY_OK    the same in a coroutine; the expression may hold co_await
#define TRELLIS_CAT2(a, b) a##b
#define TRELLIS_CAT(a, b) TRELLIS_CAT2(a, b)
#define TRELLIS_TRY(ret, tmp, lhs, ...)                           \
  auto tmp = (__VA_ARGS__);                                       \
  if (!tmp) [[unlikely]]                                          \
    ret tl::unexpected<::trellis::Error>(std::move(tmp).error()); \
  lhs = *std::move(tmp)
#define TRELLIS_TRY_OK(ret, tmp, ...)              \
  if (auto tmp = (__VA_ARGS__); !tmp) [[unlikely]] \
  ret tl::unexpected<::trellis::Error>(std::move(tmp).error())
#define TRY(lhs, ...) TRELLIS_TRY(return, TRELLIS_CAT(try_, __LINE__), lhs, __VA_ARGS__)
#define TRY_OK(...) TRELLIS_TRY_OK(return, TRELLIS_CAT(try_, __LINE__), __VA_ARGS__)
#define CO_TRY(lhs, ...) TRELLIS_TRY(co_return, TRELLIS_CAT(try_, __LINE__), lhs, __VA_ARGS__)
#define CO_TRY_OK(...) TRELLIS_TRY_OK(co_return, TRELLIS_CAT(try_, __LINE__), __VA_ARGS__)
