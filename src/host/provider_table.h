// The providers of this host: which run, from which reference, under which link name, with the true
// state of each and of every link. Starts and stops them, hands links over (in the order they were
// made), tells the lattice what becomes of them. Core 0.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/messages.h"
#include "host/builtin_references.h"
#include "host/delivery.h"
#include "host/parts.h"
#include "host/provider_loader.h"
#include "host/provider_process.h"
#include "host/running_provider.h"
#include "runtime/admission.h"

namespace trellis::host {

class ProviderTable {
 public:
  // `routes_changed` is awaited after a provider came or went, so that calls find it or no longer
  // try.
  ProviderTable(Parts& parts, Delivery& delivery,
                std::function<runtime::Task<void>()> routes_changed);
  ~ProviderTable();

  // Errors carry the 2022 texts; the matching event has been published when they return.
  runtime::Task<void> start(control::StartProvider request);
  // The same without a word to the log or the lattice when it fails.
  runtime::Task<void> try_start(control::StartProvider request);
  runtime::Task<void> stop(control::StopProvider request);
  // The host will stop, in this order: those that bring requests from outside the lattice ask their
  // callers to go elsewhere, then stop; no more calls come from the bus; all others stop.
  runtime::Task<void> prepare_stop();
  runtime::Task<void> stop_entrances(runtime::Deadline deadline);
  void leave_bus();
  runtime::Task<void> stop_all(runtime::Deadline deadline);

  // A link is new or gone: tell the provider, if it runs here. Returns when the provider has
  // answered, or was told if it cannot answer; the outcome is kept as the link's state.
  runtime::Task<void> link_put(lattice::Link link);
  runtime::Task<void> link_deleted(lattice::Link link);
  control::LinkStatus status_of(const lattice::Link& link) const;
  // Links that failed for a reason that may pass (a port that is taken, a server that is not there)
  // are handed over again.
  runtime::Task<void> retry_failed_links();
  // Whether the bus is to be told of the link: not when its provider runs here in a process of its
  // own, which is told in its own time, nor when it offers another contract.
  bool is_for_the_bus(const lattice::Link& link) const;
  bool runs(const lattice::Link& link) const {
    return entry_for(link) != nullptr;
  }  // its provider, here

  runtime::Task<void> check_health();  // of those in this process, one after the other
  bool running(const std::string& reference, const std::string& link_name) const;
  // Nothing when it is not here.
  std::optional<ProviderState> state_of(const std::string& reference,
                                        const std::string& link_name) const;
  bool has(const std::string& key, const std::string& link_name) const;
  // Of the provider with this key that is here, "" if nobody signed it (built in); nothing if none.
  std::optional<std::string> issuer_of(const std::string& key) const;
  // Where calls by this link go: the provider, if it is in this process, and what to say when the
  // bus finds nobody.
  RoutedLink route(lattice::Link link) const;
  std::vector<control::ProviderDescription> describe() const;
  std::vector<lattice::HeartbeatProvider> heartbeat() const;

  struct Numbers {  // for host/metrics.h
    std::string key, name, link_name, contract_id;
    bool up = false;
    std::uint64_t restarts = 0;
    std::vector<capability::HttpListener> listeners;
  };
  std::vector<Numbers> numbers() const;

 private:
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;
  using Key = std::pair<std::string, std::string>;  // public key, link name

  runtime::Task<EntryPtr> make(control::StartProvider request);
  void make_local(Entry& entry, const builtin::BuiltinProvider& builtin,
                  const control::StartProvider& request);
  runtime::Task<void> make_process(EntryPtr entry, control::StartProvider request);
  runtime::Task<void> ask_policy(const Entry& entry);
  runtime::Task<void> run(EntryPtr entry);
  runtime::Task<void> put(EntryPtr entry, lattice::Link link);
  runtime::Task<void> take_down_all(std::vector<EntryPtr> entries, runtime::Deadline deadline);
  EntryPtr entry_from(const std::string& reference, const std::string& link_name) const;
  runtime::Task<void> take_down(EntryPtr entry, runtime::Deadline deadline);
  EntryPtr entry_for(const lattice::Link& link) const;
  runtime::Task<void> store(lattice::ClaimsRecord record, std::string reference);
  // What becomes of a provider in a process of its own, told by it.
  void changed(Entry& entry, const ProviderProcess::Change& change);
  void note_health(Entry& entry, bool well, const std::string& why);
  void publish_started(Entry& entry);
  void publish_stopped(Entry& entry, const std::string& reason);

  Parts& parts_;
  Delivery& delivery_;
  std::function<runtime::Task<void>()> routes_changed_;
  ProviderLoader loader_;
  std::map<Key, EntryPtr> entries_;
  bool retrying_ = false;
};

}  // namespace trellis::host
