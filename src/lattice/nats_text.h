// The texts of the NATS protocol that a server writes, and header blocks both ways. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "lattice/bus.h"

namespace trellis::lattice {

// "NATS/1.0\r\nName: value\r\n…\r\n"; the shortest, without headers, is 12 bytes and wash sends it.
std::string nats_header_block(const Headers& headers);
// Lenient: what is no header line is left out. A status ("NATS/1.0 503 text") comes as headers
// Status and Description.
Headers parse_nats_header_block(std::string_view block);
// Refuses names and values that would break out of their line.
Result<void> check_headers(const Headers& headers);

inline constexpr std::string_view kNoRespondersBlock = "NATS/1.0 503\r\n\r\n";

struct NatsInfo {
  std::string server_id, host;
  std::uint16_t port = 0;
  std::uint64_t client_id = 0;
  std::string client_ip;
  std::size_t payload_max = 0;
  bool auth_required = false;
};
std::string nats_info_line(const NatsInfo& info);  // with its end

std::string nats_error_line(std::string_view text);  // -ERR 'text'

// Appends the control line of a message: MSG, or HMSG when there are headers.
void append_message_line(std::string& to, std::string_view subject, std::string_view sid,
                         std::string_view reply, std::size_t header_bytes, std::size_t total_bytes);

}  // namespace trellis::lattice
