// InstancePool as engine.h promises it. Lives on the core it is first called on (or was made on).
#pragma once

#include <memory>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "engine/core_guests.h"
#include "engine/engine.h"
#include "engine/instance.h"
#include "runtime/parking.h"

namespace trellis::engine {

// Gives a pool the CoreGuests of the core that runs.
class GuestsOfCores {
 public:
  virtual ~GuestsOfCores() = default;
  virtual std::shared_ptr<CoreGuests> here() = 0;
};

class Pool final : public InstancePool, private WarmPlace {
 public:
  Pool(GuestsOfCores& cores, std::shared_ptr<const LoadedModule> module, HostCalls& host,
       PoolOptions options);
  ~Pool() override;

  runtime::Task<Bytes> call(std::string_view operation, BytesView payload,
                            runtime::Deadline deadline, std::uint32_t depth) override;
  std::uint32_t running() const override { return running_; }
  std::uint64_t instances_made() const override { return instances_made_; }
  void set_reuse_max(std::uint32_t count) override;

 private:
  using Clock = std::chrono::steady_clock;
  class Turn;  // of one call; in its frame
  struct Waiter : boost::intrusive::list_base_hook<> {
    explicit Waiter(runtime::Core& core) : parking(core) {}
    runtime::Parking parking;
  };

  runtime::Task<void> wait_for_turn(runtime::Deadline deadline);
  void end_turn();
  std::unique_ptr<Instance> ready_instance();
  std::unique_ptr<Instance> new_instance(runtime::Deadline deadline);
  runtime::Task<void> create(std::unique_ptr<Instance>& instance, runtime::Deadline deadline);
  void give_back(std::unique_ptr<Instance> instance);
  std::unique_ptr<Instance> restored();
  void kept_changed();
  void count_ready();
  Result<Bytes> answer(std::unique_ptr<Instance> instance, std::string_view operation);
  Error failure(Instance& instance, std::string_view during);
  Error refusal(const char* site, std::string text);
  Error timeout(std::string_view operation, Clock::duration limit) const;
  void warm_up() override;
  void cool_down() override;
  void trim() override;

  GuestsOfCores& cores_;
  const std::shared_ptr<const LoadedModule> module_;
  HostCalls& host_;
  const PoolOptions options_;
  std::shared_ptr<CoreGuests> guests_;
  std::uint32_t running_ = 0;
  std::uint64_t instances_made_ = 0;
  std::size_t ready_counted_ = 0;  // in the cells, which another pool may share

  // Kept between calls; the last is taken first.
  std::vector<std::unique_ptr<Instance>> ready_;

  // fresh
  std::vector<std::unique_ptr<Instance>> used_;  // as a call left them: restored before the next
  std::size_t unneeded_ = 0;  // of both: the fewest that were left since the last trim()
  // False when its start-up takes long or waits: then each call pays its own.
  bool can_warm_ = true;
  unsigned interrupted_ = 0;  // attempts in a row that did not get through in one go

  // reuse
  std::uint32_t reuse_max_;
  std::uint32_t turns_ = 0;
  boost::intrusive::list<Waiter> waiting_;
};

}  // namespace trellis::engine
