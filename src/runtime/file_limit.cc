#include "runtime/file_limit.h"

namespace trellis::runtime {
namespace {

rlimit now() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit;
}

const rlimit kAtStart = now();  // before main()

}  // namespace

void raise_file_limit() {
  rlimit limit = now();
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

rlimit file_limit_at_start() { return kAtStart; }

}  // namespace trellis::runtime
