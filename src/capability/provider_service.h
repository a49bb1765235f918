// The half of docs/protocol.md §4 that a provider's process has to do: serves one
// capability::Provider over the bus, as a provider of 2022 would be served, so that any host can
// run it. The counterpart of host/provider_run.h. Used by trellis-provider; core 0.
//
// Beyond 2022: a link that is put with a reply subject is answered with {"accepted", "error",
// "may_pass"}, for the host to know what became of it; the health answer says that it is
// (docs/protocol.md §3.8, §4.3).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capability/host_data.h"
#include "capability/provider.h"
#include "lattice/bus.h"
#include "lattice/invocation.h"
#include "lattice/invocation_exchange.h"
#include "lattice/subjects.h"
#include "runtime/admission.h"
#include "runtime/parking.h"
#include "runtime/task_group.h"

namespace trellis::capability {

// The member of the health answer that says that links are answered.
inline constexpr std::string_view kLinkAnswers = "link_answers";
// The member of the answer to a link that says that it may be taken another time.
inline constexpr std::string_view kMayPass = "may_pass";

class ProviderService {
 public:
  ProviderService(lattice::Bus& bus, lattice::LargeMessages& large, HostData data,
                  std::shared_ptr<Provider> provider);
  ~ProviderService();  // stop() has been awaited

  // Puts the links it was given, then listens; to questions about its health last.
  runtime::Task<void> start();
  // Waits until the host asks it to shut down; stop() is what follows.
  runtime::Task<void> shutdown_asked();
  // Everything in flight is answered, until the deadline; the host is told.
  runtime::Task<void> stop(runtime::Deadline deadline);

 private:
  Result<void> listen();
  runtime::Task<void> put(lattice::Link link, std::string reply);
  runtime::Task<void> take_back(lattice::Link link);
  runtime::Task<void> answer_health(std::string reply);
  runtime::Task<void> answer_call(lattice::Message message);
  runtime::Task<Bytes> handle(lattice::Invocation& invocation, std::string subject);
  void hear_shutdown(const lattice::Message& message);
  void say(const std::string& subject, Bytes data);
  void say_of_link(const std::string& subject, const lattice::Link& link,
                   const Result<void>& outcome);

  lattice::Bus& bus_;
  lattice::InvocationExchange exchange_;
  const HostData data_;
  const lattice::Subjects subjects_;
  std::shared_ptr<Provider> provider_;
  lattice::InvocationVerifier verifier_;
  // Of those that do not work the provider may go on trying, so it has them all the same.
  struct Held {
    lattice::Link link;
    bool works = false;
  };
  std::map<std::string, Held> links_;           // by actor
  std::map<std::string, std::string> refused_;  // by actor, why: so that it is logged once
  runtime::TaskGroup tasks_;
  runtime::Admission turn_;  // one link change at a time, in the order they came
  std::vector<lattice::Subscription> subscriptions_;
  runtime::Parking asked_;
  std::string shutdown_reply_;
  std::size_t running_ = 0;  // calls
};

}  // namespace trellis::capability
