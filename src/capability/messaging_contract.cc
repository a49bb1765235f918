#include "capability/messaging_contract.h"

#include <fmt/format.h>

#include "capability/struct_reader.h"
#include "codec/msgpack.h"

namespace trellis::capability {
namespace {

constexpr const char* kSite = "messaging.call";

tl::unexpected<Error> not_a(std::string_view type, const Error& error) {
  return fail(Errc::invalid, kSite, fmt::format("deserialization: '{}': {}", type, error.detail));
}

}  // namespace

Result<PubMessage> decode_pub_message(BytesView payload) {
  constexpr std::string_view kNames[] = {"subject", "replyTo", "body"};
  PubMessage message;
  codec::MsgpackReader in(payload);
  const auto read = read_struct(in, kNames, [&](std::size_t member) -> Result<void> {
    if (member == 0) {
      TRY(message.subject, in.text());
    } else if (member == 1) {
      TRY(message.reply_to, in.text());
    } else {
      TRY(message.body, read_bytes(in, message.storage));
    }
    return {};
  });
  if (!read) return not_a("PubMessage", read.error());
  return message;
}

Result<RequestMessage> decode_request_message(BytesView payload) {
  constexpr std::string_view kNames[] = {"subject", "body", "timeoutMs"};
  RequestMessage message;
  codec::MsgpackReader in(payload);
  const auto read = read_struct(in, kNames, [&](std::size_t member) -> Result<void> {
    if (member == 0) {
      TRY(message.subject, in.text());
    } else if (member == 1) {
      TRY(message.body, read_bytes(in, message.storage));
    } else {
      TRY(const auto timeout, in.uint(UINT32_MAX));
      message.timeout_ms = static_cast<std::uint32_t>(timeout);
    }
    return {};
  });
  if (!read) return not_a("RequestMessage", read.error());
  return message;
}

Bytes encode_message(std::string_view subject, std::string_view reply_to, BytesView body) {
  Bytes bytes;
  bytes.reserve(40 + subject.size() + reply_to.size() + body.size());
  codec::MsgpackWriter out(bytes);
  out.map(reply_to.empty() ? 2 : 3);
  out.str("subject");
  out.str(subject);
  if (!reply_to.empty()) {
    out.str("replyTo");
    out.str(reply_to);
  }
  out.str("body");
  out.bin(body);
  return bytes;
}

}  // namespace trellis::capability
