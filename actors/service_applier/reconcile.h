// Makes all Services of a lattice what its table of links says. Nothing is deleted unless three
// answers in a row lack its links: a host that has just joined may not know all of them yet; one
// that does not answer, or knows no link at all, proves nothing.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "service.h"
#include "trellis/kubernetes.h"
#include "trellis/logging.h"
#include "trellis/messaging.h"

namespace service_applier {

using trellis::sdk::Error;
using trellis::sdk::KubernetesApplier;
using trellis::sdk::Messaging;
using trellis::sdk::Result;
namespace log = trellis::sdk::log;

inline constexpr std::uint32_t kAnswerWithinMs = 1000;
inline constexpr std::size_t kAtOnce = 50;  // Services in one call to the applier
inline constexpr int kMoreAnswers = 2;      // before something is deleted

// What the lattice says of its links of HTTP servers.
struct Answer {
  enum class What {
    known,
    not_asked,  // this link may not ask, or there is nobody who could know: as in 2022
    none,       // no answer in time, or one that proves nothing
  };
  What what = What::none;
  std::vector<Link> links;
};

// With another prefix of control subjects than wasmbus.ctl nobody listens where this asks.
inline bool may_not_ask(const Error& error) {
  for (const auto* words : {"LATTICE=allow", "no responders", "method not handled"})
    if (error.text.find(words) != std::string::npos) return true;
  return false;
}

inline Answer ask_for_links(std::string_view lattice) {
  if (lattice.empty()) return {Answer::What::not_asked, {}};
  const auto subject = "wasmbus.ctl." + std::string(lattice) + ".get.links";
  const auto answer = Messaging().request(subject, {}, kAnswerWithinMs);
  if (!answer) {
    log::debug("The table of links is not known: " + answer.error().text);
    return {may_not_ask(answer.error()) ? Answer::What::not_asked : Answer::What::none, {}};
  }
  auto links = read_links(answer->body);
  if (!links) return {Answer::What::none, {}};
  return {Answer::What::known, *std::move(links)};
}

inline Result<void> remove_service(const std::string& name) {
  const auto removed = KubernetesApplier().remove(
      {.group = "", .version = "v1", .kind = "Service", .name = name, .namespace_ = ""});
  if (!removed) return removed.error();
  if (!removed->succeeded) return Error{"Unable to delete kubernetes service: " + removed->error};
  return {};
}

// What went wrong, all of it; the rest is done nevertheless.
struct Failures {
  std::string text;
  void add(const std::string& sentence) {
    if (text.size() > 4000) return;
    if (!text.empty()) text += "; ";
    text += sentence;
  }
  Result<void> result() const {
    if (text.empty()) return {};
    return Error{text};
  }
};

struct Wanted {
  Services services;            // by name
  std::set<std::string> names;  // of all actors that have links, also those whose ports are unknown
};

inline Wanted wanted_by(const std::vector<Link>& links, std::string_view lattice) {
  std::map<std::string, std::vector<Link>> by_actor;
  Wanted wanted;
  for (const auto& link : links) {
    wanted.names.insert(lower(link.actor_id));
    if (const auto port = port_of(link.values); port) {
      by_actor[link.actor_id].push_back(link);
    } else {
      log::warn("The link '" + link.link_name + "' of actor " + link.actor_id +
                " gets no port in a Service: " + port.error().text);
    }
  }
  for (const auto& [actor, theirs] : by_actor) {
    auto service = service_of(theirs, lattice);
    auto name = service.name;
    wanted.services[std::move(name)] = std::move(service);
  }
  return wanted;
}

using Some = std::vector<const Service*>;

// Some at a time: by `repair`, or applied and, if that is refused, repaired.
inline void bring(const Some& services, bool repair, std::size_t at_once, Failures& failures) {
  for (std::size_t from = 0; from < services.size(); from += at_once) {
    const auto to = std::min(services.size(), from + at_once);
    const auto manifest = manifest_of(Some(services.begin() + static_cast<std::ptrdiff_t>(from),
                                           services.begin() + static_cast<std::ptrdiff_t>(to)));
    const KubernetesApplier applier;
    auto done = repair ? applier.repair(manifest) : applier.apply(manifest);
    if (done && !done->succeeded && !repair) {
      if (auto repaired = applier.repair(manifest); repaired) done = std::move(repaired);
    }
    if (!done) {
      failures.add(done.error().text);
    } else if (!done->succeeded) {
      failures.add("Unable to apply kubernetes service: " + done->error);
    }
  }
}

// Those whose links are in no answer.
inline void remove_gone(const Services& there, std::set<std::string> names,
                        std::string_view lattice, Failures& failures) {
  std::vector<std::string> gone;
  const auto look = [&] {
    gone.clear();
    for (const auto& [name, service] : there) {
      const auto contract = service.labels.find(kContractLabel);
      const bool ours = contract != service.labels.end() && contract->second == "httpserver";
      if (ours && names.find(name) == names.end()) gone.push_back(name);
    }
  };
  look();
  for (int i = 0; i < kMoreAnswers && !gone.empty(); ++i) {
    const auto answer = ask_for_links(lattice);
    if (answer.what != Answer::What::known) return;
    for (const auto& link : answer.links) names.insert(lower(link.actor_id));
    look();
  }
  for (const auto& name : gone) {
    log::info("Deleting the Service " + name + ", whose links are gone");
    if (const auto removed = remove_service(name); !removed) failures.add(removed.error().text);
  }
}

inline Result<void> reconcile(std::string_view lattice) {
  const auto answer = ask_for_links(lattice);
  if (answer.what != Answer::What::known) return {};
  const auto wanted = wanted_by(answer.links, lattice);
  Some missing, changed;
  for (const auto& [name, service] : wanted.services) missing.push_back(&service);
  Failures failures;
  const auto listed =
      KubernetesApplier().list({.version = "v1", .kind = "Service"},
                               std::string(kLatticeLabel) + "=" + as_name(lattice, true));
  if (!listed) {  // a provider of 2022 cannot list, and takes one Service at a time
    if (!KubernetesApplier::not_known(listed.error())) return listed.error();
    bring(missing, false, 1, failures);
    return failures.result();
  }
  if (!listed->succeeded) {
    failures.add("Unable to list kubernetes services: " + listed->error);
    bring(missing, false, kAtOnce, failures);
    return failures.result();
  }
  const auto there = read_services(listed->objects);
  if (!there) return Error{"the applier's list of Services cannot be read"};
  missing.clear();
  for (const auto& [name, service] : wanted.services) {
    const auto found = there->find(name);
    if (found == there->end()) {
      missing.push_back(&service);
    } else if (differs(found->second, service)) {
      changed.push_back(&service);
    }
  }
  bring(missing, false, kAtOnce, failures);
  bring(changed, true, kAtOnce, failures);
  remove_gone(*there, wanted.names, lattice, failures);
  return failures.result();
}

}  // namespace service_applier
