#include "lattice/bus.h"

#include <fmt/format.h>

#include "lattice/nats_text.h"
#include "lattice/subjects.h"

namespace trellis::lattice {

Result<void> check_message(const Message& message, std::size_t payload_bytes_max) {
  constexpr const char* kSite = "lattice.bus.publish";
  if (!valid_subject(message.subject))
    return fail(Errc::invalid, kSite,
                fmt::format("'{}' is not a subject", message.subject.substr(0, 80)));
  if (!message.reply.empty() && !valid_subject(message.reply))
    return fail(Errc::invalid, kSite,
                fmt::format("'{}' is not a subject", message.reply.substr(0, 80)));
  const auto bytes = message.data.size() + nats_header_bytes(message.headers);
  if (bytes > payload_bytes_max)
    return fail(Errc::invalid, kSite,
                fmt::format("a message of {} bytes is larger than the bus takes ({})", bytes,
                            payload_bytes_max));
  return check_headers(message.headers);
}

}  // namespace trellis::lattice
