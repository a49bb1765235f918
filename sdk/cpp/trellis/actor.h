// An actor: a class with a handler for each thing it can be asked, and TRELLIS_ACTOR(TheClass) at
// the end of one file. Which operations it answers follows from which handlers it has:
//
//   HttpResponse handle(const HttpRequest&)                          HttpServer.HandleRequest
//   Result<void> handle(const SubMessage&) MessageSubscriber.HandleMessage Result<Bytes>
//   call(std::string_view operation, BytesView payload)   every other operation
//
// A handler may also return Result<HttpResponse>: an Error is what the caller gets instead of an
// answer. Actor.HealthRequest is answered by itself. The object is made at the first call; with
// fresh instances, the default, that is every call. docs/protocol.md §1.2, §2.1, §11.6;
// docs/actors.md.
#pragma once

#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "trellis/bytes.h"
#include "trellis/host_call.h"
#include "trellis/http.h"
#include "trellis/imports.h"
#include "trellis/json.h"
#include "trellis/memory.h"
#include "trellis/messaging.h"
#include "trellis/msgpack.h"
#include "trellis/result.h"

namespace trellis::sdk {

inline Result<Bytes> encode_result(HttpResponse response) { return encode(response); }
inline Result<Bytes> encode_result(Result<HttpResponse> response) {
  if (!response) return response.error();
  return encode(*response);
}
inline Result<Bytes> encode_result(Result<void> done) {
  if (!done) return done.error();
  return Bytes{};
}

// Reads the one argument of an operation and hands it to the actor's handler for that type.
template <class Argument, class Actor>
Result<Bytes> handle_as(Actor& actor, std::string_view type_name, BytesView payload) {
  MsgpackReader reader(payload);
  Argument argument;
  if (!read(reader, payload, argument)) {
    return Error{"deserialization: '" + std::string(type_name) +
                 "': deserialization: " + reader.error()};
  }
  return encode_result(actor.handle(argument));
}

inline Result<Bytes> not_handled(std::string_view operation) {
  const auto dot = operation.rfind('.');
  std::string text = "method not handled ";
  if (dot == std::string_view::npos) text += "_.";
  text += operation;
  text += " - unknown method";
  return Error{std::move(text)};
}

template <class Actor>
Result<Bytes> dispatch(Actor& actor, std::string_view operation, BytesView payload) {
  if constexpr (requires(const HttpRequest& request) { actor.handle(request); }) {
    if (operation == "HttpServer.HandleRequest") {
      return handle_as<HttpRequest>(actor, "HttpRequest", payload);
    }
  }
  if constexpr (requires(const SubMessage& message) { actor.handle(message); }) {
    if (operation == "MessageSubscriber.HandleMessage") {
      return handle_as<SubMessage>(actor, "SubMessage", payload);
    }
  }
  if (operation == "Actor.HealthRequest") {
    Bytes healthy;
    MsgpackWriter writer(healthy);
    writer.map(1);
    writer.str("healthy");
    writer.boolean(true);
    return healthy;
  }
  if constexpr (requires { actor.call(operation, payload); }) {
    return actor.call(operation, payload);
  } else {
    return not_handled(operation);
  }
}

// One invocation, from __guest_request to __guest_response or __guest_error.
template <class Actor>
int guest_call(Actor& actor, std::size_t operation_size, std::size_t payload_size) {
  Bytes request(operation_size + payload_size);
  __guest_request(request.data(), request.data() + operation_size);
  const BytesView all(request);
  const auto operation = as_text(all.first(operation_size));
  const auto answer = dispatch(actor, operation, all.subspan(operation_size));
  if (answer) {
    __guest_response(answer->data(), answer->size());
    return 1;
  }
  const auto text =
      "Guest call failed for method " + std::string(operation) + ": " + answer.error().text;
  __guest_error(text.data(), text.size());
  return 0;
}

// The actor, made when first asked for: no constructor runs at start-up, so an instance is ready at
// once.
template <class Actor>
Actor& the_actor() {
  alignas(Actor) static unsigned char storage[sizeof(Actor)];
  static bool made = false;
  if (!made) {
    new (storage) Actor();
    made = true;
  }
  return *std::launder(reinterpret_cast<Actor*>(storage));
}

}  // namespace trellis::sdk

#ifdef __wasm__
// The linker's own: runs the constructors of the file's globals. Called by name, so that it is not
// run around every export, which would reset an instance that is kept between calls.
extern "C" void __wasm_call_ctors();
#define TRELLIS_RUN_CONSTRUCTORS()   \
  do {                               \
    static bool constructed = false; \
    if (!constructed) {              \
      constructed = true;            \
      __wasm_call_ctors();           \
    }                                \
  } while (0)
#else
#define TRELLIS_RUN_CONSTRUCTORS() (void)0
#endif

#define TRELLIS_ACTOR(Class)                                                                 \
  extern "C" TRELLIS_EXPORT(__wasmbus_rpc_version) int trellis_rpc_version() { return 1; }   \
  extern "C" TRELLIS_EXPORT(__guest_call) int trellis_guest_call(std::size_t operation_size, \
                                                                 std::size_t payload_size) { \
    TRELLIS_RUN_CONSTRUCTORS();                                                              \
    return ::trellis::sdk::guest_call(::trellis::sdk::the_actor<Class>(), operation_size,    \
                                      payload_size);                                         \
  }
