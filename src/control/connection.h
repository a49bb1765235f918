// libnats as values: handles that free themselves, a connection made from ConnectOptions, statuses
// as errors. Used by client.cc alone.
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "control/client.h"

namespace trellis::control {

template <class T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* handle) const { destroy(handle); }
};
using ConnectionHandle =
    std::unique_ptr<natsConnection, Destroy<natsConnection, natsConnection_Destroy>>;
using OptionsHandle = std::unique_ptr<natsOptions, Destroy<natsOptions, natsOptions_Destroy>>;
using SubscriptionHandle =
    std::unique_ptr<natsSubscription, Destroy<natsSubscription, natsSubscription_Destroy>>;
using MessageHandle = std::unique_ptr<natsMsg, Destroy<natsMsg, natsMsg_Destroy>>;
using InboxHandle = std::unique_ptr<natsInbox, Destroy<natsInbox, natsInbox_Destroy>>;

Result<ConnectionHandle> open_connection(const ConnectOptions& options);

// The words clients of 2022 had for it: "timed out", "nats: no responders", "nats: <what libnats
// says>".
Error nats_error(natsStatus status);

}  // namespace trellis::control
