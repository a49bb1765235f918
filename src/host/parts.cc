#include "host/parts.h"

#include <chrono>

#include "base/log.h"

namespace trellis::host {

void EventSink::send(std::string subject, const codec::CloudEvent& event) {
  lattice::Message message;
  message.subject = std::move(subject);
  message.data = to_bytes(codec::write(event));
  const auto sent = bus_.publish(std::move(message));
  if (sent) return;
  ++dropped_;
  if (sent.error().code == Errc::unavailable)
    ++lost_;  // the bus has said that it is away
  else
    LOG(warn, "event {} was not published: {}", event.type, sent.error().describe());
}

void EventSink::publish(const codec::CloudEvent& event) { send(subjects_.events(), event); }

void EventSink::publish_invocation(const codec::CloudEvent& event) {
  send(subjects_.invocation_events(), event);
}

}  // namespace trellis::host
