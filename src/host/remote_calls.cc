#include "host/remote_calls.h"

namespace trellis::host {

RemoteCalls::RemoteCalls(runtime::Cores& cores, lattice::Bus& bus,
                         const lattice::Subjects& subjects, const Identity& identity)
    : cores_(cores), bus_(bus), subjects_(subjects), identity_(identity) {}

runtime::Task<Bytes> RemoteCalls::call(lattice::Entity origin, lattice::Entity target,
                                       std::string operation, Bytes payload,
                                       runtime::Deadline deadline) {
  lattice::Invocation invocation;
  invocation.origin = std::move(origin);
  invocation.target = std::move(target);
  invocation.operation = std::move(operation);
  invocation.msg = std::move(payload);
  lattice::sign(invocation, identity_.cluster, identity_.host.public_key());
  std::string subject =
      invocation.target.is_actor()
          ? subjects_.actor(invocation.target.public_key)
          : subjects_.provider(invocation.target.public_key, invocation.target.link_name);
  auto make = [this, invocation = std::move(invocation), subject = std::move(subject),
               deadline]() mutable {
    return send(std::move(invocation), std::move(subject), deadline);
  };
  co_return co_await cores_.run_on<Bytes>(0, std::move(make));
}

runtime::Task<Bytes> RemoteCalls::send(lattice::Invocation invocation, std::string subject,
                                       runtime::Deadline deadline) {
  lattice::Message message;
  message.subject = std::move(subject);
  message.data = lattice::encode(invocation);
  CO_TRY(const lattice::Message reply, co_await bus_.request(std::move(message), deadline));
  CO_TRY(auto response, lattice::decode_invocation_response(reply.data));
  if (response.error) co_return fail(Errc::invalid, "remote.error", std::move(*response.error));
  if (response.content_length.value_or(0) > response.msg.size()) {
    co_return fail(
        Errc::exhausted, "remote.chunked",
        "the answer was too large for one message and was left in an object store, which the "
        "embedded bus does not have");
  }
  co_return std::move(response.msg);
}

}  // namespace trellis::host
