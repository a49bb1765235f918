// A value from every core, or nothing: for sums over what cores count by themselves. Unlike
// Cores::on_each() it waits for no core beyond its deadline; one that is late finds what it needs
// and is not heard any more. Called on a core.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/core.h"
#include "runtime/parking.h"

namespace trellis::runtime {

// `ask` runs on every core, and may refer to nothing that goes with the caller. The values are in
// the order of the cores. Errors: timeout, cancelled.
template <class T>
Task<std::vector<T>> ask_each(Cores& cores, std::function<T()> ask, Deadline deadline) {
  struct Asked {
    explicit Asked(std::size_t count) : values(count), missing(count), done(Core::current()) {}
    std::vector<T> values;  // each written by its core before that is told here
    std::size_t missing;
    Parking done;
  };
  Core& here = Core::current();
  const auto asked = std::make_shared<Asked>(cores.size());
  for (std::size_t i = 0; i < cores.size(); ++i) {
    // The last to hold it is this core, where the parking belongs.
    cores[i].post([i, ask, &here, asked = asked]() mutable {
      asked->values[i] = ask();
      here.post([back = std::move(asked)] {
        if (--back->missing == 0) back->done.wake();
      });
    });
  }
  const Wake how = co_await asked->done.wait(deadline);
  if (how == Wake::cancelled)
    co_return fail(Errc::cancelled, "runtime.ask_each", "no longer wanted");
  if (how == Wake::expired)
    co_return fail(Errc::timeout, "runtime.ask_each",
                   fmt::format("{} of {} cores did not answer in time: they are too busy",
                               asked->missing, cores.size()));
  co_return std::move(asked->values);
}

}  // namespace trellis::runtime
