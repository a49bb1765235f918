// A provider whose program runs in processes of its own, one after the other: when one ends,
// however, the next is started, after a while that grows with each failure, and told of its links.
// Calls to such a provider take the bus. Owned by ProviderTable; core 0. What happens while one
// process runs: provider_run.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "host/backoff.h"
#include "host/provider_links.h"
#include "host/provider_loader.h"
#include "host/provider_run.h"
#include "host/running_provider.h"
#include "runtime/parking.h"

namespace trellis::host {

class ProviderProcess final : public RunningProvider {
 public:
  struct Setup {
    std::string reference, link_name, config_json;
    LoadedProvider loaded;
  };
  struct Change {
    enum class Kind { up, down, well, unwell };
    Kind kind;
    std::string reason;  // of down and unwell
  };
  // `changed` is told after the state has changed, and only takes note.
  ProviderProcess(Parts& parts, ProviderLoader& loader, Setup setup,
                  std::function<void(const Change&)> changed);
  ~ProviderProcess() override;

  runtime::Task<void> start() override;
  runtime::Task<void> link_put(lattice::Link link) override;
  runtime::Task<void> link_delete(lattice::Link link) override;
  runtime::Task<void> try_links_again() override;
  std::string trouble_with(const lattice::Link& link) const override {
    return links_.trouble(link);
  }
  bool was_told(const lattice::Link& link) const override { return links_.was_told(link); }
  runtime::Task<void> health() override;
  runtime::Task<void> stop(runtime::Deadline deadline) override;
  ProviderState state() const override { return state_; }
  std::uint64_t restarts() const override { return restarts_; }
  const std::string& instance_id() const override { return instance_id_; }
  std::shared_ptr<capability::Provider> here() const override { return nullptr; }

 private:
  runtime::Task<void> supervise();
  runtime::Task<std::string> run_once();  // how it ended; an error: it could not be started
  runtime::Task<void> check_program();
  runtime::Task<void> pause(const std::string& why);
  void health_changed(bool well, const std::string& why);
  void start_ends(Result<void> outcome);
  void change_to(ProviderState::Kind kind, std::string reason, Change::Kind told);
  capability::HostData host_data() const;

  Parts& parts_;
  ProviderLoader& loader_;
  Setup setup_;
  const std::function<void(const Change&)> changed_;
  const ProviderRun::Provider provider_;

  runtime::TaskGroup group_;        // supervise()
  runtime::Parking wake_;           // ends a pause early
  runtime::Parking first_outcome_;  // where start() waits
  std::optional<Result<void>> outcome_;
  bool stopping_ = false;
  Backoff backoff_;
  std::minstd_rand random_{std::random_device{}()};

  ProviderLinks links_;
  bool one_by_one_ = false;           // how the next process is told of its links
  std::shared_ptr<ProviderRun> run_;  // null between two processes; shared with who speaks to it
  ProviderState state_;
  std::string why_down_;  // how the last run ended, until one is up again
  std::string instance_id_;
  std::uint64_t restarts_ = 0;
  std::optional<std::chrono::steady_clock::time_point> up_since_;  // of the present or last process
};

}  // namespace trellis::host
