#include "host/remote_calls.h"

#include <fmt/format.h>

#include "base/unix_time.h"
#include "host/parts.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr auto kAskSealedAgain = 5s;          // somebody who knows the seal may have come
constexpr std::size_t kUnsealedMax = 10'000;  // then all are asked anew

}  // namespace

RemoteCalls::RemoteCalls(runtime::Cores& cores, lattice::Bus& bus,
                         const lattice::Subjects& subjects, const Identity& identity,
                         lattice::InvocationSeal& seal, const Peers& peers,
                         lattice::LargeMessages& large)
    : cores_(cores),
      subjects_(subjects),
      identity_(identity),
      seal_(seal),
      peers_(peers),
      exchange_(bus, large),
      unsealed_(cores.size()),
      cells_(std::make_shared<runtime::PerCore<InvocationCells>>(cores.size())) {}

runtime::Task<Bytes> RemoteCalls::call(lattice::Entity origin, lattice::Entity target,
                                       std::string operation, Bytes payload,
                                       runtime::Deadline deadline, std::uint32_t depth) {
  std::string subject = target.is_actor() ? subjects_.actor(target.public_key)
                                          : subjects_.provider(target.public_key, target.link_name);
  lattice::Invocation invocation;
  invocation.origin = std::move(origin);
  invocation.target = std::move(target);
  invocation.operation = std::move(operation);
  invocation.msg = std::move(payload);
  invocation.depth = depth;
  invocation.time_left_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline.remaining()).count());
  const auto begun = Clock::now();
  auto answer = co_await prove_and_send(std::move(subject), invocation, deadline);
  auto& cells = cells_->here();
  cells.add(invocation.seal.empty() ? Proof::signature : Proof::sealed,
            answer ? Outcome::ok() : Outcome::of(answer.error()), Clock::now() - begun);
  cells.request_bytes += invocation.msg.size();
  if (answer) cells.answer_bytes += answer->size();
  co_return answer;
}

runtime::Task<Bytes> RemoteCalls::prove_and_send(std::string subject,
                                                 lattice::Invocation& invocation,
                                                 runtime::Deadline deadline) {
  const auto& host_key = identity_.host.public_key();
  if (takes_seal(subject, invocation)) {
    seal_.put_on(invocation, host_key, now_unix());
    auto answer = co_await send(seal_.subject(subject), invocation, deadline);
    // Nobody there knows the seal; or this client may use the subjects of 2022 only.
    const bool another_way =
        !answer && (answer.error().code == Errc::not_found || answer.error().code == Errc::denied);
    if (!another_way) co_return answer;
    needs_signature(subject);
    invocation.seal.clear();
  }
  lattice::sign(invocation, identity_.cluster, host_key);
  co_return co_await send(std::move(subject), invocation, deadline);
}

// Large bodies go signed: chunks are what everybody knows.
bool RemoteCalls::takes_seal(const std::string& subject, const lattice::Invocation& invocation) {
  if (!peers_.all_know_the_seal() || exchange_.is_large_request(invocation.msg.size()))
    return false;
  auto& unsealed = unsealed_[runtime::Core::current().index()];
  const auto found = unsealed.find(subject);
  if (found == unsealed.end()) return true;
  if (Clock::now() < found->second) return false;
  unsealed.erase(found);
  return true;
}

void RemoteCalls::needs_signature(const std::string& subject) {
  auto& unsealed = unsealed_[runtime::Core::current().index()];
  if (unsealed.size() >= kUnsealedMax) unsealed.clear();
  unsealed[subject] = Clock::now() + kAskSealedAgain;
}

runtime::Task<Bytes> RemoteCalls::send(std::string subject, const lattice::Invocation& invocation,
                                       runtime::Deadline deadline) {
  // The body of a large one goes ahead of it, by itself.
  const bool large = exchange_.is_large_request(invocation.msg.size());
  Bytes body = large ? invocation.msg : Bytes();
  Bytes message = lattice::encode(invocation, large ? BytesView() : BytesView(invocation.msg));
  auto make = [this, subject = std::move(subject), message = std::move(message),
               body = std::move(body), id = invocation.id,
               deadline]() mutable -> runtime::Task<Bytes> {
    return exchange_.call(std::move(subject), std::move(message), std::move(body), std::move(id),
                          deadline);
  };
  co_return co_await cores_.run_on<Bytes>(0, std::move(make));
}

}  // namespace trellis::host
