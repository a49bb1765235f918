// The wasmcloud:messaging contract as bytes: what an actor publishes and asks for, and the messages
// of its subscriptions. Pure. Format: docs/protocol.md §2.5.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::capability {

inline constexpr std::string_view kMessagingContract = "wasmcloud:messaging";
inline constexpr std::string_view kPublish = "Messaging.Publish";
inline constexpr std::string_view kRequest = "Messaging.Request";
inline constexpr std::string_view kHandleMessage = "MessageSubscriber.HandleMessage";

// The views point into the payload, or into `storage` when the body came as an array of integers.
struct PubMessage {
  std::string_view subject;
  std::string_view reply_to;  // "": none
  BytesView body;
  Bytes storage;
};

struct RequestMessage {
  std::string_view subject;
  BytesView body;
  std::uint32_t timeout_ms = 0;
  Bytes storage;
};

Result<PubMessage> decode_pub_message(BytesView payload);
Result<RequestMessage> decode_request_message(BytesView payload);

// SubMessage, which an actor is handed, and ReplyMessage, which Messaging.Request gives, look the
// same.
Bytes encode_message(std::string_view subject, std::string_view reply_to, BytesView body);

}  // namespace trellis::capability
