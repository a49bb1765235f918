// The texts of the NATS protocol: what a server writes (for the front door), what a client writes
// (for NatsConnection), header blocks both ways. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lattice/bus.h"

namespace trellis::lattice {

// "NATS/1.0\r\nName: value\r\n…\r\n"; the shortest, without headers, is 12 bytes and wash sends it.
std::string nats_header_block(const Headers& headers);
std::size_t nats_header_bytes(const Headers& headers);  // of the block; 0 when there are none
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

// What a client learns from INFO.
struct NatsServerInfo {
  std::string server_name, version;
  std::size_t payload_max = 0;
  std::string nonce;  // to be signed; "" when the server asks for none
  bool auth_required = false, tls_required = false, tls_available = false;
  bool headers = false;
  bool jetstream = false;
  bool leaving = false;                   // lame duck: it asks its clients to go elsewhere
  std::vector<std::string> connect_urls;  // host:port of the cluster's servers
};
Result<NatsServerInfo> parse_nats_info(std::string_view json);

// Whether a host's name or address means the machine one is on.
bool is_this_machine(std::string_view host);

// Who a client is. All empty: nobody in particular.
struct NatsCredentials {
  std::string jwt{}, seed{};  // of a user (SU…); a seed alone is an nkey
  std::string user{}, password{}, token{};
  bool empty() const { return jwt.empty() && seed.empty() && user.empty() && token.empty(); }
};
// CONNECT, with its end; the nonce signed. Errors: invalid (no seed of a user).
Result<std::string> nats_connect_line(const NatsCredentials& credentials, std::string_view nonce,
                                      std::string_view name, bool tls);
// The JWT and the seed out of a credentials file as nsc writes it.
Result<NatsCredentials> parse_nats_credentials(std::string_view text);

// Appends the control line of what a client publishes: PUB, or HPUB when there are headers.
void append_publish_line(std::string& to, std::string_view subject, std::string_view reply,
                         std::size_t header_bytes, std::size_t total_bytes);

std::string nats_error_line(std::string_view text);  // -ERR 'text'

// Appends the control line of a message: MSG, or HMSG when there are headers.
void append_message_line(std::string& to, std::string_view subject, std::string_view sid,
                         std::string_view reply, std::size_t header_bytes, std::size_t total_bytes);

}  // namespace trellis::lattice
