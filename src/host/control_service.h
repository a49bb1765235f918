// The host's side of the control interface: every subject of docs/protocol.md §6.1, parsed, carried
// out by the tables, answered. Core 0.
#pragma once

#include <string>
#include <vector>

#include "host/actor_table.h"
#include "host/link_table.h"
#include "host/provider_table.h"

namespace trellis::host {

class ControlService {
 public:
  struct HostView {  // what only the host itself knows
    std::function<control::HostDescription()> describe;
    std::function<void()> heartbeat;  // publish one now
    std::function<void()> request_stop;
  };
  ControlService(Parts& parts, ActorTable& actors, ProviderTable& providers, LinkTable& links,
                 HostView host);

  Result<void> subscribe();
  void leave() { leaving_ = true; }         // wins no auctions any more
  void close() { subscriptions_.clear(); }  // takes no more; what was begun goes on
  control::HostInventory inventory() const;
  runtime::Task<boost::json::object> links();  // {"links":[…]}, with status and reason of each
  boost::json::object claims() const;          // {"claims":[…]}

 private:
  using Body = std::string;
  Result<void> on(std::string subject, std::string queue,
                  std::function<void(const lattice::Message&)> handler);
  void command(const lattice::Message& message);
  void reply(const std::string& to, const boost::json::object& body);
  void acknowledge(const std::string& to, const Result<void>& outcome);
  runtime::Task<void> answer_links(std::string to);

  void start_actor(const std::string& to, std::string_view body);
  void stop_actor(const std::string& to, std::string_view body);
  void scale_actor(const std::string& to, std::string_view body);
  void update_actor(const std::string& to, std::string_view body);
  void start_provider(const std::string& to, std::string_view body);
  void stop_provider(const std::string& to, std::string_view body);
  void stop_host(const std::string& to, std::string_view body);
  runtime::Task<void> stop_soon();
  runtime::Task<void> update_and_answer(std::string to, control::UpdateActor request);
  runtime::Task<void> stop_and_answer(std::string to, control::StopActor request);

  void put_registries(const lattice::Message& message);
  void put_link(const lattice::Message& message);
  void tell_outcome(const lattice::Message& message);
  runtime::Task<void> answer_outcome(std::string to, lattice::Link link);
  void delete_link(const lattice::Message& message);
  runtime::Task<void> put_and_answer(std::string to, lattice::Link link);
  runtime::Task<void> delete_and_answer(std::string to, lattice::Link link);

  void bid_for_actor(const lattice::Message& message);
  void bid_for_provider(const lattice::Message& message);
  bool satisfies(const control::StringMap& constraints) const;

  Parts& parts_;
  ActorTable& actors_;
  ProviderTable& providers_;
  LinkTable& links_;
  HostView host_;
  bool leaving_ = false;
  std::vector<lattice::Subscription> subscriptions_;
};

}  // namespace trellis::host
