// CHECK: our own invariants, always on, in release too. A failed one is a bug of ours: it prints
// where and aborts. Guest, file or network input never reaches a CHECK; it gets an Error.
#pragma once

namespace trellis {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

#define CHECK(expression) \
  ((expression) ? (void)0 : ::trellis::check_failed(#expression, __FILE__, __LINE__))
