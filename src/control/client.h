// Speaks the control interface from outside a host: what wash uses. Blocking, over libnats
// (docs/protocol.md §6). One thread at a time. Every wait is bounded by the timeout of the options
// or of the call. Errors carry the texts 2022 users know; their code tells what happened:
// unavailable (nobody answers there), timeout, denied (a host refused), not_found (nobody bids).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/cloud_event.h"
#include "control/messages.h"

namespace trellis::control {

using std::chrono::milliseconds;

struct ConnectOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4222;
  std::string jwt, seed;  // themselves, or the path of a file that holds them
  std::string credsfile;  // used when no jwt is given
  // For servers that require TLS: PEM files. Whom to trust ("": the system's), what we show.
  std::string tls_ca{}, tls_cert{}, tls_key{};
  milliseconds timeout{2000};
  std::string lattice_prefix = "default";
  std::string topic_prefix = "wasmbus.ctl";
};

// The lattice's events from the moment it was made: begin it, send the command, then wait for what
// it did.
class EventWatch {
 public:
  EventWatch(EventWatch&&) noexcept;
  EventWatch& operator=(EventWatch&&) noexcept;
  ~EventWatch();

  using Match = std::function<bool(const codec::CloudEvent&)>;
  // The first event that matches; those that are not CloudEvents are passed over. Errc::timeout at
  // the end.
  Result<codec::CloudEvent> wait_for(const Match& match, milliseconds timeout);

 private:
  friend class Client;
  struct State;
  explicit EventWatch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// What a command should lead to: an event of `source`, either one. docs/protocol.md §6.11.
struct Outcome {
  std::string source;                    // host
  std::string success, failure;          // names: "actor_started"
  std::string success_key, failure_key;  // the member of data that must equal `value`
  std::string value;
};
// Success, the failure event's `error` as text, or Errc::timeout with the 2022 sentence.
Result<void> wait_for_outcome(EventWatch& events, const Outcome& outcome, milliseconds timeout);

class Client {
 public:
  // Fails with the system's own words ("Connection refused (os error 111)") when nobody listens
  // there.
  static Result<Client> connect(const ConnectOptions& options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  const ConnectOptions& options() const;
  std::string subject(std::string_view tail) const;  // <topic prefix>.<lattice>.<tail>

  // One request, one reply. "nats: no responders" or "timed out".
  Result<Bytes> request(const std::string& to, BytesView body, milliseconds timeout);
  // Every reply until the window closes, `enough` came, or none came for `quiet` after one that
  // did.
  Result<std::vector<std::string>> collect(const std::string& to, std::string_view body,
                                           milliseconds window, milliseconds quiet,
                                           std::size_t enough);
  Result<EventWatch> watch_events();

  Result<std::vector<HostDescription>> hosts(milliseconds window, milliseconds quiet);
  Result<HostInventory> inventory(const std::string& host_id);
  Result<ClaimsList> claims();
  Result<LinkList> links();

  // The first host that bids; it does not wait for others.
  Result<std::string> auction(const ActorAuction& auction, milliseconds window);
  Result<std::string> auction(const ProviderAuction& auction, milliseconds window);

  // Sent and accepted; what they lead to is seen in the events.
  // The warning of a link that is kept though it does not work; "" when there is nothing to say.
  Result<std::string> put_link(const LinkDefinition& link);
  Result<std::string> delete_link(const LinkDefinition& link);
  Result<void> send(const StartActor& command);
  Result<void> send(const StopActor& command);
  Result<void> send(const ScaleActor& command);
  Result<void> send(const UpdateActor& command, milliseconds timeout);
  Result<void> send(const StartProvider& command);
  Result<void> send(const StopProvider& command, milliseconds timeout);
  Result<void> send(const StopHost& command);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  Result<std::string> ask(const std::string& tail, std::string_view body, milliseconds timeout);
  Result<Ack> acknowledged(const std::string& tail, const boost::json::object& body,
                           std::string_view thing, milliseconds timeout);
  Result<void> command(const std::string& tail, const boost::json::object& body,
                       std::string_view thing, milliseconds timeout);
  std::unique_ptr<State> state_;
};

}  // namespace trellis::control
