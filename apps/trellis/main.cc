// trellis: the host. Reads its configuration from the environment, runs until SIGTERM, SIGINT or
// the lattice asks it to stop, then drains.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "console/console.h"
#include "host/host.h"
#include "host/identity.h"
#include "keeper.h"
#include "net/kept_sockets.h"
#include "runtime/file_limit.h"
#include "runtime/signals.h"

namespace trellis {
namespace {

using namespace std::chrono_literals;

constexpr auto kConsoleCloseTime = 2s;
constexpr auto kTakeOverTime = 10s;  // for what the process before this one listened on

constexpr const char* kAbout =
    "trellis, the host: runs WebAssembly actors and capability providers.\n"
    "Usually started with `wash up`. Configured by environment variables; docs/configuration.md "
    "lists them.";

// A host that cannot be stopped cleanly is left to the end of the process.
Result<void> stop(host::Host& host, std::chrono::milliseconds limit) {
  auto stopped = host.stop(limit);
  if (stopped) return stopped;
  LOG(error, "not everything could be stopped in time: {}", stopped.error().describe());
  log::stop();
  std::_Exit(1);
}

// Those who send requests here, a Service of Kubernetes say, take a while to learn that this host
// goes: it serves on until they have. Another signal cuts that short.
Result<void> serve_on(host::Host& host, runtime::StopSignals& signals,
                      std::chrono::milliseconds delay) {
  TRY_OK(host.leave());
  if (delay == 0ms) return {};
  LOG(info, "not ready any more; requests are served for another {} ms", delay.count());
  TRY(const bool again, signals.wait(runtime::Deadline::in(delay)));
  if (again) LOG(info, "asked to stop again: no longer waiting for requests");
  return {};
}

// By then everything listens again that is to, when this host was started in a dead one's place.
Result<void> wait_for_stop(runtime::StopSignals& signals) {
  TRY(const bool early, signals.wait(runtime::Deadline::in(kTakeOverTime)));
  if (early) return {};
  net::drop_untaken();
  TRY_OK(signals.wait());
  return {};
}

Result<void> run(const host::Config& config) {
  if (config.restarts > 0)
    LOG(warn, "The host before this one {}; it was started again {} times", config.last_death,
        config.restarts);
  // Probes are answered by a thread apart; it is the last to end.
  TRY(auto console_core, runtime::Cores::start({.count = 1, .pin = false, .name = "console"}));
  TRY(auto cores, runtime::Cores::start({.count = config.cores, .pin = true}));
  TRY(const auto stop_signals, runtime::StopSignals::own(*cores));
  runtime::Offload offload;
  TRY(auto host,
      host::Host::start(config, {.cores = *cores, .offload = offload, .request_stop = [] {
                                   std::raise(SIGTERM);
                                 }}));
  auto console = console_core->run_blocking<std::unique_ptr<console::Console>>(
      0, [&] { return console::Console::start(*console_core, *cores, *host); });
  if (!console) {
    TRY_OK(stop(*host, config.drain_timeout));
    return fail(
        Errc::unavailable, "trellis.console",
        fmt::format(
            "{}; is another host running? choose another port with WASMCLOUD_DASHBOARD_PORT",
            console.error().detail));
  }
  LOG(info, "Dashboard, API and probes on http://{}:{}", config.dashboard_host, (*console)->port());
  const auto signal = wait_for_stop(*stop_signals);
  LOG(info, "stopping");
  if (auto served = serve_on(*host, *stop_signals, config.drain_delay); !served)
    LOG(warn, "stopping: {}", served.error().describe());
  TRY_OK(stop(*host, config.drain_timeout));
  auto closed = console_core->run_blocking<void>(
      0, [&] { return (*console)->close(runtime::Deadline::in(kConsoleCloseTime)); });
  if (!closed) LOG(warn, "closing the dashboard: {}", closed.error().describe());
  // What the console asked of core 0 last has passed when this has: the host may go.
  TRY_OK(cores->run_blocking<void>(0, []() -> runtime::Task<void> { co_return Result<void>{}; }));
  if (!signal) return fail(signal.error());
  return {};
}

int start(int argc, char** argv) {
  CLI::App app{kAbout, "trellis"};
  app.set_version_flag("-V,--version", "trellis " TRELLIS_VERSION);
  bool check_only = false;
  app.add_flag("--check-config", check_only,
               "Say what is wrong with the configuration, if anything, and end");
  bool keep = false;
  app.add_flag(
      "--keep", keep,
      "Run the host as a child, hold the sockets it listens on, and start it again when it "
      "is killed: connections that are made meanwhile wait");
  CLI11_PARSE(app, argc, argv);
  if (keep && !check_only) {
    char* arguments[] = {argv[0], nullptr};
    return keep_running("/proc/self/exe", arguments);
  }
  net::inherit_sockets();

  auto config = host::read_config_from_process();
  if (check_only && config) {
    if (auto identity = host::make_identity(*config); !identity)
      config = fail(std::move(identity).error());
  }
  if (!config) {
    fmt::print(stderr, "trellis: {}\n", config.error().detail);
    return 2;
  }
  if (check_only) return 0;
  log::start(config->log);
  runtime::raise_file_limit();
  const auto outcome = run(*config);
  if (!outcome) LOG(error, "{}", outcome.error().describe());
  log::stop();
  return outcome ? 0 : 1;
}

}  // namespace
}  // namespace trellis

int main(int argc, char** argv) { return trellis::start(argc, argv); }
