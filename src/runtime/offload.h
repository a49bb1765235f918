// A few threads for what would block a core: compiling, disk, DNS of libraries. Bounded queue; when it
// is full the newest work is refused (`exhausted`).
#pragma once

#include <functional>

#include "runtime/task.h"

namespace trellis::runtime {

class Offload {
 public:
  explicit Offload(unsigned threads = 2, std::size_t queued_max = 1024);
  ~Offload();  // finishes what runs, drops what is queued (their callers get `cancelled`)

  // Runs `work` on one of the threads; resumes on the calling core.
  template <class T>
  Task<T> run(std::function<Result<T>()> work);
};

}  // namespace trellis::runtime
