#include "lattice/nats_text.h"

#include <fmt/format.h>

#include <algorithm>

#include <boost/json/object.hpp>

#include "claims/nkey.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::lattice {

namespace {

constexpr std::string_view kVersionLine = "NATS/1.0";

// Clients ask for features by the version of nats-server; this is the one whose client protocol is
// spoken.
constexpr std::string_view kProtocolVersion = "2.9.0";

std::string_view take_line(std::string_view& block) {
  const auto end = block.find("\r\n");
  const auto line = block.substr(0, end);
  block.remove_prefix(end == std::string_view::npos ? block.size() : end + 2);
  return line;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

void add_status(std::string_view line, Headers& headers) {
  line = trim(line);
  if (line.empty()) return;
  const auto space = line.find(' ');
  headers.emplace_back("Status", trim(line.substr(0, space)));
  if (space != std::string_view::npos)
    headers.emplace_back("Description", trim(line.substr(space)));
}

void append_sizes(std::string& to, std::size_t header_bytes, std::size_t total_bytes) {
  const auto append_number = [&](std::size_t value) {
    const fmt::format_int digits(value);
    to.append(digits.data(), digits.size());
  };
  if (header_bytes) {
    append_number(header_bytes);
    to += ' ';
  }
  append_number(total_bytes);
  to += "\r\n";
}

}  // namespace

std::string nats_header_block(const Headers& headers) {
  std::string block(kVersionLine);
  block += "\r\n";
  for (const auto& [name, value] : headers) {
    block += name;
    block += ": ";
    block += value;
    block += "\r\n";
  }
  block += "\r\n";
  return block;
}

std::size_t nats_header_bytes(const Headers& headers) {
  if (headers.empty()) return 0;
  std::size_t bytes = kVersionLine.size() + 4;
  for (const auto& [name, value] : headers) bytes += name.size() + value.size() + 4;
  return bytes;
}

Headers parse_nats_header_block(std::string_view block) {
  Headers headers;
  const auto first = take_line(block);
  if (!first.starts_with(kVersionLine)) return headers;
  add_status(first.substr(kVersionLine.size()), headers);
  while (!block.empty()) {
    const auto line = take_line(block);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return headers;
}

Result<void> check_headers(const Headers& headers) {
  const auto breaks = [](char c) { return c == '\r' || c == '\n'; };
  for (const auto& [name, value] : headers) {
    const bool bad_name = name.empty() || std::ranges::any_of(name, [&](char c) {
                            return c == ':' || c == ' ' || c == '\t' || breaks(c);
                          });
    if (bad_name || std::ranges::any_of(value, breaks))
      return fail(Errc::invalid, "lattice.bus.headers",
                  fmt::format("the header \"{}\" has characters a header must not have", name));
  }
  return {};
}

// `go` is no lie of ours: some clients refuse an INFO without it (the blocking Rust client of wash
// 0.13).
std::string nats_info_line(const NatsInfo& info) {
  boost::json::object object{{"server_id", info.server_id},
                             {"server_name", "trellis"},
                             {"version", kProtocolVersion},
                             {"proto", 1},
                             {"go", ""},
                             {"host", info.host},
                             {"port", info.port},
                             {"headers", true},
                             {"max_payload", info.payload_max},
                             {"client_id", info.client_id},
                             {"client_ip", info.client_ip}};
  if (info.auth_required) object["auth_required"] = true;
  return "INFO " + codec::json_write(object) + "\r\n";
}

std::string nats_error_line(std::string_view text) { return fmt::format("-ERR '{}'\r\n", text); }

void append_message_line(std::string& to, std::string_view subject, std::string_view sid,
                         std::string_view reply, std::size_t header_bytes,
                         std::size_t total_bytes) {
  to += header_bytes ? "HMSG " : "MSG ";
  to += subject;
  to += ' ';
  to += sid;
  to += ' ';
  if (!reply.empty()) {
    to += reply;
    to += ' ';
  }
  append_sizes(to, header_bytes, total_bytes);
}

void append_publish_line(std::string& to, std::string_view subject, std::string_view reply,
                         std::size_t header_bytes, std::size_t total_bytes) {
  to += header_bytes ? "HPUB " : "PUB ";
  to += subject;
  to += ' ';
  if (!reply.empty()) {
    to += reply;
    to += ' ';
  }
  append_sizes(to, header_bytes, total_bytes);
}

Result<NatsServerInfo> parse_nats_info(std::string_view json) {
  TRY(const auto value, codec::json_parse(json));
  if (!value.is_object())
    return fail(Errc::invalid, "lattice.nats.info", "the server's INFO is no JSON object");
  const auto& said = value.get_object();
  const auto text = [&](std::string_view key) {
    auto given = codec::json_string(said, key);
    return given && *given ? **std::move(given) : std::string();
  };
  const auto flag = [&](std::string_view key) {
    const auto given = codec::json_bool(said, key);
    return given && given->value_or(false);
  };
  NatsServerInfo info;
  info.server_name = text("server_name");
  info.version = text("version");
  info.nonce = text("nonce");
  info.auth_required = flag("auth_required");
  info.tls_required = flag("tls_required");
  info.tls_available = flag("tls_available");
  info.headers = flag("headers");
  info.jetstream = flag("jetstream");
  info.leaving = flag("ldm");
  TRY(const auto payload_max, codec::json_uint(said, "max_payload"));
  if (!payload_max || *payload_max == 0)
    return fail(Errc::invalid, "lattice.nats.info", "the server's INFO has no max_payload");
  info.payload_max = *payload_max;
  if (const auto* urls = said.if_contains("connect_urls"); urls && urls->is_array()) {
    for (const auto& url : urls->get_array())
      if (url.is_string()) info.connect_urls.emplace_back(url.get_string());
  }
  return info;
}

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "0.0.0.0" || host == "::" || host == "[::]" ||
         host == "::1" || host == "[::1]" || host.starts_with("127.");
}

Result<std::string> nats_connect_line(const NatsCredentials& credentials, std::string_view nonce,
                                      std::string_view name, bool tls) {
  boost::json::object said{
      {"verbose", false},  {"pedantic", false},          {"tls_required", tls}, {"name", name},
      {"lang", "trellis"}, {"version", TRELLIS_VERSION}, {"protocol", 1},       {"echo", true},
      {"headers", true},   {"no_responders", true}};
  if (!credentials.seed.empty()) {
    TRY(const auto key, claims::KeyPair::from_seed(credentials.seed));
    if (key.type() != claims::KeyType::user)
      return fail(Errc::invalid, "lattice.nats.seed",
                  "the seed for NATS is not a user's: one begins with SU");
    if (credentials.jwt.empty()) said["nkey"] = key.public_key();
    if (!nonce.empty())
      said["sig"] = codec::base64_encode(key.sign(as_bytes(nonce)), codec::Base64::url);
  }
  if (!credentials.jwt.empty()) said["jwt"] = credentials.jwt;
  if (!credentials.user.empty()) {
    said["user"] = credentials.user;
    said["pass"] = credentials.password;
  }
  if (!credentials.token.empty()) said["auth_token"] = credentials.token;
  return "CONNECT " + codec::json_write(said) + "\r\n";
}

Result<NatsCredentials> parse_nats_credentials(std::string_view text) {
  // -----BEGIN NATS USER JWT-----\n<jwt>\n------END …; the same for USER NKEY SEED.
  const auto block = [&](std::string_view what) -> std::string {
    const auto begin = text.find(fmt::format("-BEGIN {}-", what));
    if (begin == std::string_view::npos) return {};
    const auto line = text.find('\n', begin);
    if (line == std::string_view::npos) return {};
    const auto end = text.find("---", line);
    auto found = text.substr(line, end == std::string_view::npos ? end : end - line);
    std::string bare;
    for (const char c : found)
      if (c != '\n' && c != '\r' && c != ' ' && c != '\t') bare += c;
    return bare;
  };
  NatsCredentials credentials;
  credentials.jwt = block("NATS USER JWT");
  credentials.seed = block("USER NKEY SEED");
  if (credentials.jwt.empty() || credentials.seed.empty())
    return fail(Errc::invalid, "lattice.nats.credentials",
                "no NATS credentials: expected the blocks NATS USER JWT and USER NKEY SEED");
  return credentials;
}

}  // namespace trellis::lattice
