// A call out of the actor: to a provider by contract and link name, or to another actor. It waits
// for the answer; the host suspends the instance meanwhile. docs/protocol.md §2.1.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "trellis/bytes.h"
#include "trellis/imports.h"
#include "trellis/msgpack.h"
#include "trellis/result.h"

namespace trellis::sdk {

inline Result<Bytes> host_call(std::string_view binding, std::string_view target,
                               std::string_view operation, BytesView payload) {
  if (__host_call(binding.data(), binding.size(), target.data(), target.size(), operation.data(),
                  operation.size(), payload.data(), payload.size()) == 1) {
    Bytes response(__host_response_len());
    if (!response.empty()) __host_response(response.data());
    return response;
  }
  // The words in front are those of the 2022 SDK: actors show them to their users.
  std::string text = "Host send error ";
  const auto size = __host_error_len();
  const auto before = text.size();
  text.resize(before + size);
  if (size != 0) __host_error(text.data() + before);
  return Error{std::move(text)};
}

// Another actor, by public key or call alias.
inline Result<Bytes> call_actor(std::string_view actor, std::string_view operation,
                                BytesView payload) {
  return host_call("", actor, operation, payload);
}

// host_call() for an operation that answers with one msgpack value: `read` takes it from a reader.
template <class Read>
Result<std::invoke_result_t<Read, MsgpackReader&>> typed_call(std::string_view binding,
                                                              std::string_view contract,
                                                              std::string_view operation,
                                                              BytesView payload, Read read) {
  auto response = host_call(binding, contract, operation, payload);
  if (!response) return response.error();
  MsgpackReader reader(*response);
  auto value = read(reader);
  if (!reader.ok()) {
    return Error{"deserialization: '" + std::string(operation) +
                 "': deserialization: " + reader.error()};
  }
  return value;
}

// host_call() for an operation without an answer.
inline Result<void> plain_call(std::string_view binding, std::string_view contract,
                               std::string_view operation, BytesView payload) {
  auto response = host_call(binding, contract, operation, payload);
  if (!response) return response.error();
  return {};
}

}  // namespace trellis::sdk
