// Notices that the host is gone without having stopped this process: one that was killed cannot say
// so, and no provider may be left over. Trellis' own hosts have the kernel see to that; others do
// not. Core 0.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "runtime/core.h"

namespace trellis::provider_app {

// A process whose end can be waited for; closes itself. Made as early as possible, while the parent
// is known to be the host.
class Parent {
 public:
  static Parent of_this_process();
  explicit Parent(pid_t pid);
  Parent(Parent&& other) noexcept;
  Parent& operator=(Parent&&) = delete;
  ~Parent();

  int release();  // its pidfd, or -1 when it cannot be watched; the caller closes it

 private:
  int pidfd_ = -1;
};

// Returns when both have ended, the process that started this one and the stream it writes to: a
// host may close the stream and live, and may start its providers through another process that
// ends. `input` stays the caller's. A parent that cannot be watched never ends.
runtime::Task<void> host_gone(Parent parent, int input);

}  // namespace trellis::provider_app
