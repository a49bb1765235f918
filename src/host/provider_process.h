// A provider in a process of its own: a foreign program that speaks docs/protocol.md §4. Started
// with the host's data, watched by health checks, started again when it ends or hangs, told of its
// links each time anew; calls to it take the bus. Owned by ProviderTable; core 0.
//
// One run of the program is run_once(): it ends when the process does, whatever the reason.
// supervise() makes one run after the other, until stop().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "capability/host_data.h"
#include "host/backoff.h"
#include "host/parts.h"
#include "host/provider_links.h"
#include "host/provider_loader.h"
#include "host/running_provider.h"
#include "runtime/admission.h"
#include "runtime/child_process.h"
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
  std::string why_withheld(const lattice::Link& link) const override;
  bool was_told(const lattice::Link& link) const override { return links_.was_told(link); }
  runtime::Task<void> health() override;
  runtime::Task<void> stop(runtime::Deadline deadline) override;
  ProviderState state() const override { return state_; }
  const std::string& instance_id() const override { return instance_id_; }
  std::shared_ptr<capability::Provider> here() const override { return nullptr; }

 private:
  using Child = std::shared_ptr<runtime::ChildProcess>;
  enum class Answer { well, unwell, silence, nobody, bus_away };

  // One run after the other.
  runtime::Task<void> supervise();
  runtime::Task<std::string> run_once();  // how it ended; an error: it could not be started
  runtime::Task<Child> spawn();
  runtime::Task<void> check_program();
  runtime::Task<void> pause(const std::string& why);
  void started(Result<void> outcome);
  std::string how_it_ended(const runtime::ChildExit& exit) const;

  // While it runs.
  runtime::Task<void> give_host_data(Child child, std::string line);
  runtime::Task<void> log_output(Child child, runtime::ChildProcess::Stream stream);
  runtime::Task<void> watch(Child child);
  runtime::Task<bool> answers_for_the_first_time();
  runtime::Task<void> watch_health(const Child& child);
  runtime::Task<Answer> ask_health(std::string* complaint);
  void note_health(bool well, std::string why);
  void give_up_on(const Child& child, std::string why);

  // Links.
  std::vector<lattice::Link> wanted_links() const;
  runtime::Task<void> hand_over_links();
  runtime::Task<bool> still_answers();
  void tell(const ProviderLinks::Step& step);
  void tell_again();

  runtime::Task<void> shut_down(Child child, runtime::Deadline deadline);
  void change_to(ProviderState::Kind kind, std::string reason, Change::Kind told);
  capability::HostData host_data() const;

  Parts& parts_;
  ProviderLoader& loader_;
  Setup setup_;
  const std::function<void(const Change&)> changed_;
  const std::string key_, name_;  // as the log shows it

  runtime::TaskGroup group_;        // supervise()
  runtime::Parking wake_;           // a pause that is over early
  runtime::Parking first_outcome_;  // where start() waits
  std::optional<Result<void>> outcome_;
  bool stopping_ = false;
  Backoff backoff_;
  std::minstd_rand random_{std::random_device{}()};

  // Of the present run, or the last.
  Child child_;  // null between two runs
  ProviderState state_;
  std::string instance_id_, given_up_because_, last_words_;
  std::chrono::steady_clock::time_point up_since_{};
  bool was_up_ = false;

  ProviderLinks links_;
  runtime::Admission handing_over_{1, 1'000};
  bool confirmed_ = false;                  // it has answered twice: it hears what it is told
  std::vector<lattice::Link> early_links_;  // told before that, to be told again
  bool one_by_one_ = false;                 // links are handed over with a check after each
  std::optional<lattice::Link> handing_;    // then: the one it has just been told
  unsigned failed_starts_ = 0;              // in a row
};

}  // namespace trellis::host
