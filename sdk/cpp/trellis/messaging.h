// wasmcloud:messaging: publish, ask, and be told. docs/protocol.md §2.5.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trellis/host_call.h"

namespace trellis::sdk {

// What a subscription brings. Borrows from the request: valid until the handler returns.
struct SubMessage {
  std::string_view subject;
  std::string_view reply_to;  // "" if nobody waits for an answer
  BytesView body;
  Bytes body_storage;
};

inline bool read(MsgpackReader& reader, BytesView, SubMessage& message) {
  constexpr std::string_view kNames[] = {"subject", "replyTo", "body"};
  read_struct(reader, kNames, [&](std::string_view name) {
    if (name == "subject") {
      message.subject = reader.text();
    } else if (name == "replyTo") {
      message.reply_to = reader.text();
    } else if (name == "body") {
      message.body = reader.bytes(message.body_storage);
    } else {
      return false;
    }
    return true;
  });
  return reader.ok();
}

struct ReplyMessage {
  std::string subject;
  std::string reply_to;
  std::string body;
};

class Messaging {
 public:
  explicit Messaging(std::string_view link_name = "default") : link_(link_name) {}

  Result<void> publish(std::string_view subject, BytesView body,
                       std::string_view reply_to = "") const {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(reply_to.empty() ? 2 : 3);
    writer.str("subject");
    writer.str(subject);
    if (!reply_to.empty()) {
      writer.str("replyTo");
      writer.str(reply_to);
    }
    writer.str("body");
    writer.bin(body);
    return plain_call(link_, kContract, "Messaging.Publish", payload);
  }

  Result<ReplyMessage> request(std::string_view subject, BytesView body,
                               std::uint32_t timeout_ms) const {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(3);
    writer.str("subject");
    writer.str(subject);
    writer.str("body");
    writer.bin(body);
    writer.str("timeoutMs");
    writer.uint(timeout_ms);
    return typed_call(link_, kContract, "Messaging.Request", payload, [](MsgpackReader& reader) {
      SubMessage message;
      read(reader, {}, message);
      return ReplyMessage{std::string(message.subject), std::string(message.reply_to),
                          std::string(as_text(message.body))};
    });
  }

 private:
  static constexpr std::string_view kContract = "wasmcloud:messaging";
  std::string link_;
};

}  // namespace trellis::sdk
