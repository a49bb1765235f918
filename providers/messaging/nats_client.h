// A connection to NATS servers for one link, over libnats, which has threads of its own: a reader,
// and one for each subscription, on which messages are handed out. What libnats may wait in
// (connecting, a full socket) runs on a thread of this class, so no core ever waits. Made on core
// 0.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "runtime/core.h"
#include "runtime/offload.h"

namespace trellis::messaging {

using NatsMessage = std::shared_ptr<natsMsg>;

class NatsClient {
 public:
  struct Options {
    std::vector<std::string> servers;
    std::string jwt, seed;                     // a seed alone is an nkey
    std::string ca_file, cert_file, key_file;  // of TLS; "": the system's, none
    std::chrono::milliseconds ping_interval;
    std::string who;  // for log lines: "actor M…"
  };
  // On a thread of libnats', which it may hold up: what comes meanwhile waits there, up to a limit.
  using OnMessage = std::function<void(NatsMessage)>;

  // When no server answers it goes on trying; problem() then says why. Errors: unauthenticated, and
  // whatever trying again cannot mend.
  static runtime::Task<std::shared_ptr<NatsClient>> open(runtime::Cores& cores, Options options);
  ~NatsClient();  // close() has been awaited

  // Before anything else is asked of it; on core 0.
  runtime::Task<void> subscribe(std::string subject, std::string queue, OnMessage on_message);
  // Whether there is a connection now, or why not.
  runtime::Task<void> check();

  // Any core. Returns when the message is on its way; while the connection is lost some are kept.
  runtime::Task<void> publish(std::string subject, std::string reply, BytesView body);
  // Any core. Errors: unavailable (nobody listens), timeout.
  runtime::Task<NatsMessage> request(std::string subject, BytesView body,
                                     runtime::Deadline deadline);

  // On core 0. No more messages are handed out; requests can still be made.
  runtime::Task<void> unsubscribe();
  // On core 0, last. Waits for libnats' threads to have left our functions, until the deadline.
  runtime::Task<void> close(runtime::Deadline deadline);

 private:
  struct Closure;   // what libnats' callbacks about the connection get
  struct Listener;  // what those of a subscription get
  class Replies;    // who waits for the answer to a request

  NatsClient(runtime::Cores& cores, Options options);
  Result<void> connect(bool keep_trying);
  Result<void> set_credentials(natsOptions* options);
  Result<void> set_tls(natsOptions* options) const;
  Result<void> connect_or_keep_trying();
  Result<natsSubscription*> subscribe_now(const std::string& subject, const std::string& queue,
                                          OnMessage on_message);
  Result<void> await_replies();
  Result<void> send(const std::string& subject, const std::string& reply, const Bytes& body);
  runtime::Task<std::string> why_unreachable();

  runtime::Cores& cores_;
  const Options options_;
  runtime::Offload thread_{1, limits::kMessagingQueuedMax};
  // Used on thread_ only.
  natsConnection* connection_ = nullptr;
  std::vector<natsSubscription*> subscriptions_;
  natsSubscription* replies_subscription_ = nullptr;  // made for the first request

  std::shared_ptr<Closure> closure_;
  const std::shared_ptr<Replies> replies_;
  const std::shared_ptr<std::atomic<int>> listening_;  // subscriptions libnats has not let go of
};

}  // namespace trellis::messaging
