#include "lattice/nats_text.h"

#include <fmt/format.h>

#include <algorithm>

#include <boost/json/object.hpp>

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

}  // namespace trellis::lattice
