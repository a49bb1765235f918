// SIGTERM and its kind. By main(), once; asio's handlers are reset by exec, so child processes get
// the default ones.
#pragma once

#include <memory>
#include <vector>

#include <boost/asio/signal_set.hpp>

#include "runtime/core.h"

namespace trellis::runtime {

// On a core: the number of the first of `signals` that arrives; `cancelled` when told to end. They
// have their default effect again when this returns.
Task<int> wait_signal(std::vector<int> signals);

// SIGTERM and SIGINT for as long as the process has something to stop. The first asks for the stop,
// whenever it comes; those after it end nothing: who waits for them may, and the stop is bounded.
// Nor does one end the process once this object is gone: what follows then is its end. On main()'s
// own thread.
class StopSignals {
 public:
  static Result<std::unique_ptr<StopSignals>> own(Cores& cores);
  ~StopSignals();  // before the cores
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  Result<int> wait();                  // blocks until the next
  Result<bool> wait(Deadline latest);  // the same, or until then; whether there was one

 private:
  explicit StopSignals(Cores& cores);
  Cores& cores_;
  asio::basic_signal_set<Executor> set_;
};

}  // namespace trellis::runtime
