#include "host/local_actor.h"

#include <fmt/format.h>

#include "base/log.h"
#include "host/guest_text.h"
#include "host/router.h"

namespace trellis::host {

LocalActor::LocalActor(Router& router, engine::Engine& engine, ActorProgram program,
                       std::uint32_t reuse_max)
    : router_(router),
      program_(std::move(program)),
      cells_(program_.cells->here()),
      admission_(program_.calls_max, program_.calls_queued_max) {
  engine::PoolOptions options;
  options.actor_name = fmt::format("{} ({})", program_.claims->name, program_.key);
  options.mode = program_.mode;
  options.reuse_max = reuse_max;
  options.memory_bytes_max = program_.memory_bytes_max;
  options.cells = {program_.cells, &cells_.guests};
  pool_ = engine.make_pool(program_.module, *this, std::move(options));
}

runtime::Task<Bytes> LocalActor::call(std::string_view operation, BytesView payload,
                                      runtime::Deadline deadline, std::uint32_t depth) {
  auto ticket = admission_.try_enter();
  if (!ticket) {
    ++cells_.waiting;
    auto entered = co_await admission_.enter(deadline);
    --cells_.waiting;
    if (!entered) co_return fail(std::move(entered).error());
    ticket = std::move(*entered);
  }
  ++cells_.running;
  auto answer = co_await pool_->call(operation, payload, deadline, depth);
  --cells_.running;
  co_return answer;
}

runtime::Task<Bytes> LocalActor::host_call(std::string_view binding,
                                           std::string_view contract_or_actor,
                                           std::string_view operation, BytesView payload,
                                           runtime::Deadline deadline, std::uint32_t depth) {
  co_return co_await router_.call_from_actor(
      *this, {binding, contract_or_actor, operation, payload}, deadline, depth);
}

void LocalActor::guest_log(std::string_view line) {
  if (log::enabled(log::Level::info))
    log::write_of(log::Level::info, {"actor", program_.key}, as_log_line(line));
}

}  // namespace trellis::host
