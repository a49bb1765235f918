// The head of an answer as bytes: status line, the handler's headers as far as they are safe to
// send, and those that are the server's business (length, date, connection). Used by Connection; no
// I/O.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "net/http.h"

namespace trellis::net {

std::string_view reason_phrase(std::uint16_t status);  // "" when not known

// "Server: <name>\r\nDate: <now>\r\n", made once a second and not per answer.
std::string server_and_date(std::string_view server_name,
                            std::chrono::system_clock::time_point now);

enum class AfterAnswer { keep, keep_http10, close };  // HTTP/1.0 must be told that it may stay

// Whether an answer of this status carries content (RFC 9110 §6.4.1).
constexpr bool has_content(std::uint16_t status) { return status != 204 && status != 304; }

// Writes the head into `out` (its old content goes). A header that could split the answer, or that
// is the server's own business, is left out with a log line.
void write_head(std::string& out, const HttpResponse& response, std::string_view server_and_date,
                AfterAnswer after);

}  // namespace trellis::net
