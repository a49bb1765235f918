#include "serve.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/log.h"
#include "host_line.h"
#include "packed_name.h"
#include "running.h"
#include "runtime/file_limit.h"
#include "runtime/signals.h"

namespace trellis::provider_app {
namespace {

using namespace std::chrono_literals;

// Less than the 2 s for which a host waits for the answer to its order (docs/protocol.md §4.4).
constexpr auto kDrainTime = 1'500ms;

constexpr const char* kByHand =
    "this program is a capability provider: a host starts it and writes to its stdin which links "
    "it serves. `trellis-provider --help` says how to make an archive that a host can start";

struct Identity {
  capability::HostData data;
  const builtin::BuiltinProvider* provider = nullptr;
  Settings settings;
};

Result<Identity> read_identity() {
  TRY(const auto name, own_name());
  TRY(const auto line, read_host_line(STDIN_FILENO));
  Identity identity;
  TRY(identity.data, capability::parse_host_data(line));
  TRY(identity.provider, choose_provider(name, identity.data));
  TRY(identity.settings, settings_from(identity.data, *identity.provider, process_environment()));
  return identity;
}

Result<void> run(Identity identity, Parent host) {
  TRY(const auto cores, runtime::Cores::start({.count = identity.settings.cores, .pin = false}));
  TRY(const auto stop_signals, runtime::StopSignals::own(*cores));
  Running::Start start{.data = std::move(identity.data),
                       .provider = *identity.provider,
                       .settings = std::move(identity.settings),
                       .host = std::move(host),
                       .request_stop = [] { std::raise(SIGTERM); }};
  TRY(auto running, cores->run_blocking<std::unique_ptr<Running>>(
                        0, [&] { return Running::start(*cores, std::move(start)); }));
  const auto signal = stop_signals->wait();
  LOG(info, "stopping");
  const auto stopped = cores->run_blocking<void>(
      0, [&]() -> runtime::Task<void> { return running->stop(runtime::Deadline::in(kDrainTime)); });
  if (!stopped) LOG(warn, "what was under way is cut off: {}", stopped.error().describe());
  if (!signal) return fail(signal.error());
  return {};
}

}  // namespace

Result<void> serve() {
  auto host = Parent::of_this_process();
  if (::isatty(STDIN_FILENO) == 1) return fail(Errc::invalid, "provider_app", kByHand);
  TRY(auto identity, read_identity());
  log::start(identity.settings.log);
  runtime::raise_file_limit();
  auto done = run(std::move(identity), std::move(host));
  log::stop();
  return done;
}

}  // namespace trellis::provider_app
