// The policy service of a lattice (docs/policy.md, docs/protocol.md §9.4): asked before an actor or
// a provider starts, and before a call reaches an actor of this host, whatever way it comes. Made
// by Host when WASMCLOUD_POLICY_TOPIC is set; where it is not there is no Policy, and a call pays a
// comparison with null.
//
// Questions go out from core 0, one at a time for the same call; what the service decides about a
// call is then known on every core, where finding it takes no lock. A service that is not there,
// too slow or not to be understood permits nothing; such a refusal is not kept, so that calls pass
// as soon as it answers again.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "claims/claims.h"
#include "host/identity.h"
#include "host/policy_decisions.h"
#include "lattice/bus.h"
#include "runtime/core.h"
#include "runtime/task_group.h"

namespace trellis::host {

class Policy {
 public:
  struct Claims {                      // what the lattice knows of who calls
    std::string issuer, capabilities;  // capability claims, with commas between
  };
  struct Setup {
    runtime::Cores& cores;
    lattice::Bus& bus;
    runtime::TaskGroup& tasks;  // of core 0
    std::string topic, changes_topic;
    std::chrono::milliseconds timeout;
    PolicyHost host;
    // Core 0. By public key; nothing when neither this host nor the lattice knows it.
    std::function<std::optional<Claims>(const std::string& key)> claims_of;
  };
  explicit Policy(Setup setup);
  ~Policy();  // the tasks have ended

  Result<void> subscribe();  // core 0: hears of changes from now on

  // Any core: is this call known to be permitted? Allocates nothing.
  bool permits(const lattice::Entity& source, std::string_view target_key) const;
  // Any core: what is known, else what the service says. Errors: denied, with the text of 2022 for
  // the caller; timeout when `deadline` comes before the answer; exhausted.
  runtime::Task<void> ask_for_call(const lattice::Entity& source, const claims::ActorClaims& target,
                                   runtime::Deadline deadline);

  // Core 0. Asked anew each time, as in 2022. The error is denied, with the text of 2022.
  runtime::Task<void> ask_for_start(PolicyStart start);
  // Core 0: the claims behind this key have changed.
  void forget(const std::string& public_key);

 private:
  struct Question;
  struct Answer {
    PolicyDecision decision;
    bool lasts = false;  // the service decided it; else it could not be asked
  };
  using QuestionPtr = std::shared_ptr<Question>;

  runtime::Task<PolicyDecision> decide(PolicyCall call, runtime::Deadline deadline);
  runtime::Task<void> ask(QuestionPtr question);
  runtime::Task<Answer> request(std::string body);
  void note_service(bool answers, const std::string& why);
  void change(const lattice::Message& message);
  void on_each_core(std::function<void(PolicyDecisions&)> work);

  const Setup setup_;
  std::shared_ptr<std::vector<PolicyDecisions>>
      decisions_;  // one per core; outlives posted changes
  boost::unordered_flat_map<CallView, QuestionPtr, CallHash> questions_;  // open; core 0
  lattice::Subscription changes_;
  bool service_answers_ = true;  // so that its silence is told once
};

}  // namespace trellis::host
