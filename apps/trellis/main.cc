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

constexpr auto kDrainTime = 20s;  // Kubernetes gives 30 s between SIGTERM and SIGKILL
constexpr auto kConsoleCloseTime = 2s;

constexpr const char* kAbout =
    "trellis, the host: runs WebAssembly actors and capability providers.\n"
    "Usually started with `wash up`. Configured by environment variables; docs/configuration.md "
    "lists them.";

// A host that cannot be stopped cleanly is left to the end of the process.
Result<void> stop(host::Host& host) {
  auto stopped = host.stop(kDrainTime);
  if (stopped) return stopped;
  LOG(error, "not everything could be stopped in time: {}", stopped.error().describe());
  log::stop();
  std::_Exit(1);
}

Result<void> run(const host::Config& config) {
  TRY(auto cores, runtime::Cores::start({.count = config.cores, .pin = true}));
  TRY(const auto stop_signals, runtime::StopSignals::own(*cores));
  runtime::Offload offload;
  TRY(auto host,
      host::Host::start(config, {.cores = *cores, .offload = offload, .request_stop = [] {
                                   std::raise(SIGTERM);
                                 }}));
  auto console = cores->run_blocking<std::unique_ptr<console::Console>>(
      0, [&] { return console::Console::start(*cores, *host); });
  if (!console) {
    TRY_OK(stop(*host));
    return fail(
        Errc::unavailable, "trellis.console",
        fmt::format(
            "{}; is another host running? choose another port with WASMCLOUD_DASHBOARD_PORT",
            console.error().detail));
  }
  LOG(info, "Dashboard, API and probes on http://{}:{}", config.dashboard_host, (*console)->port());
  const auto signal = stop_signals->wait();
  LOG(info, "stopping");
  TRY_OK(stop(*host));
  auto closed = cores->run_blocking<void>(
      0, [&] { return (*console)->close(runtime::Deadline::in(kConsoleCloseTime)); });
  if (!closed) LOG(warn, "closing the dashboard: {}", closed.error().describe());
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
