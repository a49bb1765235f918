// One run of a provider's program in a process of its own, from its start to its end, whatever ends
// it. Speaks docs/protocol.md §4 with it: host data, health, links, shutdown; writes what it says
// into the log. A process that does not answer is killed. Made anew for each run by
// ProviderProcess; core 0.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capability/host_data.h"
#include "host/parts.h"
#include "host/provider_links.h"
#include "runtime/admission.h"
#include "runtime/child_process.h"

namespace trellis::host {

class ProviderRun {
 public:
  struct Provider {
    std::string key, link_name, contract_id;
    std::string name;  // fit for the log
  };
  struct Options {
    // Links are told after the start, each with a look whether the process bears it: for one that
    // may have died of a link.
    bool one_by_one = false;
    // Told whether it is well, when that is first known and whenever it changes; only takes note.
    std::function<void(bool well, const std::string& why)> health_changed;
  };
  ProviderRun(Parts& parts, const Provider& provider, ProviderLinks& links, Options options);
  ~ProviderRun();

  // Starts the program, gives it the data and its links, and returns how it ended: "it exited with
  // status 1: <its last words>". An error: it could not be started.
  runtime::Task<std::string> run(std::string program, capability::HostData data);

  bool up() const { return up_; }  // it answers and knows its links
  // It ended before it had answered after it was told of links: perhaps it ended of one.
  bool ended_after_a_link() const { return told_ != answered_; }

  // Tells it of the links that changed. Nothing before it is up: it will be told then.
  runtime::Task<void> tell_links();
  // Asks once more about the links it refused for a reason that may pass.
  runtime::Task<void> try_links_again();
  // Asks it to end, and sees to it that it does.
  runtime::Task<void> shut_down(runtime::Deadline deadline);

 private:
  using Child = std::shared_ptr<runtime::ChildProcess>;
  enum class Answer { well, unwell, silence, nobody, bus_away };
  enum class Health { unknown, well, unwell };

  runtime::Task<void> spawn(std::string program);
  std::string how_it_ended(const runtime::ChildExit& exit);
  void blame_the_link_in_hand(const std::string& how);

  runtime::Task<void> give_host_data(Child child, std::string line);
  runtime::Task<void> log_output(Child child, runtime::ChildProcess::Stream stream);

  runtime::Task<void> watch();
  runtime::Task<bool> answers_for_the_first_time();
  runtime::Task<void> watch_health();
  runtime::Task<Answer> ask_health(std::string* complaint);
  void note_health(bool well, const std::string& why);
  void give_up(std::string why);

  std::vector<lattice::Link> wanted_links() const;
  runtime::Task<void> hand_over_links();
  runtime::Task<bool> bears_it();
  runtime::Task<void> let_settle(const std::string& actor);
  bool runs() const;
  void tell(const ProviderLinks::Step& step);
  runtime::Task<void> ask_about(std::vector<lattice::Link> links);
  runtime::Task<void> ask_about(lattice::Link link);
  runtime::Task<void> tell_again();

  Parts& parts_;
  const Provider provider_;
  ProviderLinks& links_;
  const Options options_;

  Child child_;
  bool up_ = false;
  Health health_ = Health::unknown;
  bool stopping_ = false;
  std::string given_up_because_, last_words_;

  runtime::Admission handing_over_{1, 1'000};
  std::optional<lattice::Link> in_hand_;    // one by one: the link it was just told of
  std::uint64_t told_ = 0, answered_ = 0;   // links told; of these, before its last answer
  bool answers_links_ = false;              // as ours do (docs/protocol.md §4.3)
  bool hears_ = false;                      // it has answered twice, so its subscriptions stand
  std::vector<lattice::Link> early_links_;  // told before that, to be told again
  std::map<std::string, runtime::Deadline>
      settling_;  // by actor: nothing more is told of it until then
};

}  // namespace trellis::host
