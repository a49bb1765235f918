// The host's side of the waPC imports for native tests of actors: hands over a request, keeps the
// answer, answers host calls from a function. One per test program; reset() between tests.
#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trellis/bytes.h"
#include "trellis/imports.h"

extern "C" int trellis_guest_call(std::size_t operation_size, std::size_t payload_size);

namespace trellis::sdk {

struct FakeHost {
  struct Call {
    std::string binding, target, operation;
    Bytes payload;
  };
  struct Reply {
    bool ok = true;
    std::string bytes;  // the response, or the error's text
  };

  std::string operation;
  Bytes payload;
  std::string response, error;
  std::vector<Call> calls;
  std::function<Reply(const Call&)> answer = [](const Call&) { return Reply{}; };
  Reply last;

  // One invocation of the actor in this program: true and `response`, or false and `error`.
  bool invoke(std::string_view op, Bytes request) {
    operation = op;
    payload = std::move(request);
    response.clear();
    error.clear();
    return trellis_guest_call(operation.size(), payload.size()) == 1;
  }
};

inline FakeHost& fake_host() {
  static FakeHost host;
  return host;
}

// "83 a1" → the two bytes; blanks are for the reader.
inline Bytes hex(std::string_view text) {
  Bytes bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}
inline std::string hex_text(std::string_view text) {
  const auto bytes = hex(text);
  return {bytes.begin(), bytes.end()};
}

}  // namespace trellis::sdk

extern "C" {
inline void __guest_request(void* operation, void* payload) {
  const auto& host = trellis::sdk::fake_host();
  std::memcpy(operation, host.operation.data(), host.operation.size());
  if (!host.payload.empty()) std::memcpy(payload, host.payload.data(), host.payload.size());
}
inline void __guest_response(const void* bytes, std::size_t size) {
  trellis::sdk::fake_host().response.assign(static_cast<const char*>(bytes), size);
}
inline void __guest_error(const void* text, std::size_t size) {
  trellis::sdk::fake_host().error.assign(static_cast<const char*>(text), size);
}
inline int __host_call(const void* binding, std::size_t binding_size, const void* contract,
                       std::size_t contract_size, const void* operation, std::size_t operation_size,
                       const void* payload, std::size_t payload_size) {
  auto& host = trellis::sdk::fake_host();
  const auto* from = static_cast<const std::uint8_t*>(payload);
  host.calls.push_back({{static_cast<const char*>(binding), binding_size},
                        {static_cast<const char*>(contract), contract_size},
                        {static_cast<const char*>(operation), operation_size},
                        {from, from + payload_size}});
  host.last = host.answer(host.calls.back());
  return host.last.ok ? 1 : 0;
}
inline std::size_t __host_response_len() { return trellis::sdk::fake_host().last.bytes.size(); }
inline void __host_response(void* bytes) {
  const auto& last = trellis::sdk::fake_host().last.bytes;
  std::memcpy(bytes, last.data(), last.size());
}
inline std::size_t __host_error_len() { return trellis::sdk::fake_host().last.bytes.size(); }
inline void __host_error(void* text) {
  const auto& last = trellis::sdk::fake_host().last.bytes;
  std::memcpy(text, last.data(), last.size());
}
inline void __console_log(const void*, std::size_t) {}
}
