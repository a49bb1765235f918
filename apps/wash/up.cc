#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "command.h"
#include "contexts.h"
#include "control/probe.h"
#include "files.h"
#include "host_health.h"
#include "host_process.h"
#include "up_options.h"

namespace trellis::wash {
namespace {

using namespace std::chrono_literals;

constexpr auto kProbe = 1s;
constexpr auto kReady = 20s;
constexpr auto kStop = 25s;  // the host gives what runs on it 20 s
constexpr std::size_t kLogLines = 12;
constexpr std::string_view kOwnBus = "trellis";  // what our bus calls itself in its INFO

struct Place {  // where this host will be
  std::string bus_host, dashboard;
  std::uint16_t bus_port = 0, dashboard_port = 0;
  bool joins_nats = false;  // which is at `bus`, else the host brings it
  HostFiles files;
  std::filesystem::path context;  // the host's, when it is not the first on this machine

  std::string bus() const { return fmt::format("{}:{}", bus_host, bus_port); }
  // Once the host is ready: whether wash commands go to another one that was here first.
  bool is_further() const {
    std::error_code ignored;
    return std::filesystem::exists(context, ignored);
  }
  std::string how_to_reach() const {
    return fmt::format(
        "🧭 wash commands go to the host that was here first; for this one add --context {}",
        context.string());
  }
  std::string url() const { return fmt::format("http://{}:{}", dashboard, dashboard_port); }
};

Error with_advice(std::string message, std::string advice) {
  return caused_by(std::move(message), Error{Errc::unavailable, "wash.up", std::move(advice)});
}

Result<void> check_options(const UpOptions& options, const HostStart& what) {
  Result<void> checked = check_configuration(what);
  if (checked) return checked;
  const Error& why = checked.error();
  return fail(why.code, why.site, options.in_options(why.detail));
}

// A NATS server that is to be used must be there.
Result<void> check_nats(const UpOptions& options, const Place& place) {
  control::PortProbe bus = control::probe_port(place.bus_host, place.bus_port, kProbe);
  if (bus.state == control::PortState::nats) return {};
  const std::string why =
      bus.reason.empty() ? "what listens there is not a NATS server" : bus.reason;
  if (options.connect_only)
    return fail(with_advice(
        fmt::format("Could not connect to NATS at {}, exiting since --nats-connect-only was set",
                    place.bus()),
        why));
  if (!options.remote_url.empty())
    return fail(with_advice("Could not connect to leafnode remote: " + place.bus(), why));
  return fail(with_advice(fmt::format("Could not connect to NATS at {}", place.bus()), why));
}

Result<void> check_free(const Place& place) {
  if (std::optional<HostProcess> host = running_host(place.files.pid))
    return fail(with_advice(
        fmt::format("Another wasmCloud host is already running on this machine with PID {}",
                    host->pid),
        fmt::format("its dashboard is {}; stop it with `wash down`, or give a second one its own "
                    "ports and folder: "
                    "WASMCLOUD_DASHBOARD_PORT={} TRELLIS_DATA_DIR=~/.local/state/trellis-2 wash up "
                    "--nats-port {}",
                    place.url(), place.dashboard_port + 1,
                    place.bus_port == 0 ? 0 : place.bus_port + 1)));
  if (!place.joins_nats) {
    control::PortProbe bus = control::probe_port(place.bus_host, place.bus_port, kProbe);
    std::string advice =
        "it is not a NATS server; stop it, or choose another port with --nats-port";
    if (bus.state == control::PortState::nats)
      advice = fmt::format(
          "it is {}; join it with --nats-connect-only, or choose another port with "
          "--nats-port",
          bus.server_name == kOwnBus ? "the bus of another Trellis host" : "a NATS server");
    if (bus.state != control::PortState::closed)
      return fail(with_advice(
          fmt::format("Could not start NATS server, a process is already listening on {}",
                      place.bus()),
          advice));
  }
  control::PortProbe dashboard = control::probe_port(place.dashboard, place.dashboard_port, 100ms);
  if (dashboard.state != control::PortState::closed)
    return fail(with_advice(
        fmt::format("Could not start wasmCloud, a process is already listening on {}:{}",
                    place.dashboard, place.dashboard_port),
        "stop it, or choose another port with WASMCLOUD_DASHBOARD_PORT"));
  return {};
}

Output report(const Place& place, const HostProcess& host, bool detached) {
  Output output;
  std::vector<std::string> lines = {"🛁 wash up completed successfully"};
  if (!place.joins_nats) output.json["nats_pid"] = host.pid;  // the bus is part of the host
  output.json["nats_url"] = place.bus();
  if (detached) {
    lines.push_back(place.joins_nats
                        ? fmt::format("🕸  The host has joined NATS at {}", place.bus())
                        : fmt::format("🕸  NATS is running in the background at {}", place.bus()));
    lines.push_back(fmt::format("🌐 The wasmCloud dashboard is running at {}", place.url()));
    lines.push_back(
        fmt::format("📜 Logs for the host are being written to {}", place.files.log.string()));
    if (place.is_further()) {
      lines.push_back(place.how_to_reach());
      output.json["context"] = place.context.string();
    }
    lines.emplace_back();
    lines.emplace_back("🛑 To stop wasmCloud, run \"wash down\"");
    output.json["wasmcloud_url"] = place.url();
    output.json["wasmcloud_log"] = place.files.log.string();
    output.json["kill_cmd"] = "wash down";
  }
  output.text = fmt::format("{}", fmt::join(lines, "\n"));
  return output;
}

// How the child ended; nothing while it lives. It stays to be waited for.
std::optional<siginfo_t> ending_of(const HostProcess& host) {
  siginfo_t info{};
  bool ended =
      ::waitid(P_PID, static_cast<id_t>(host.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == host.pid;
  return ended ? std::optional(info) : std::nullopt;
}

bool child_lives(const HostProcess& host) { return !ending_of(host); }

Error start_failed(const Error& why, const Place& place, bool detached) {
  std::string message =
      detached ? fmt::format("The host did not start: {}. Its log is {}", why.detail,
                             place.files.log.string())
               : fmt::format("The host did not start: {}; what it said stands above", why.detail);
  if (!detached) return Error{why.code, why.site, std::move(message)};
  return caused_by(std::move(message),
                   Error{why.code, why.site, last_lines(place.files.log, kLogLines)});
}

// Starts it and waits until it answers; nothing is left behind when it does not.
Result<HostProcess> start(const HostStart& what, Place& place) {
  TRY(HostProcess host, start_host(what));
  host.dashboard_port = place.dashboard_port;
  Result<void> ready = write_pid_file(place.files.pid, host);
  if (ready)
    ready = wait_until_ready(
        place.dashboard, place.dashboard_port, [&] { return child_lives(host); }, kReady);
  if (ready && place.bus_port == 0)  // any free one
    place.bus_port = bus_port_of(place.dashboard, place.dashboard_port);
  if (ready) return host;
  stop_host(host, 5s);
  ::unlink(place.files.pid.c_str());
  return fail(start_failed(ready.error(), place, what.detached));
}

Result<Output> run_detached(const Context& context, HostStart what, Place& place) {
  Spinner spinner = context.spinner(" Starting wasmCloud ...");
  what.output =
      ::open(place.files.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (what.output < 0)
    return fail(
        Errc::denied, "wash.up",
        fmt::format("Cannot write the log {}: {}", place.files.log.string(), std::strerror(errno)));
  Result<HostProcess> host = start(what, place);
  ::close(what.output);
  if (!host) return fail(host.error());
  return report(place, *host, true);
}

// Blocks the signals that end this mode for its time; they are then waited for.
class Signals {
 public:
  Signals() {
    ::sigemptyset(&watched_);
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&watched_, signal);
    ::pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  }
  ~Signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The signal, or 0 after the time.
  int wait(std::chrono::seconds time) const {
    timespec limit{time.count(), 0};
    int signal = ::sigtimedwait(&watched_, nullptr, &limit);
    return signal < 0 ? 0 : signal;
  }

 private:
  sigset_t watched_{}, before_{};
};

// Until Ctrl-C, or until the host ends by itself. A second Ctrl-C kills what does not want to
// stop.
Result<void> watch_over(const Context& context, const HostProcess& host, const Signals& signals) {
  while (true) {
    int signal = signals.wait(1s);
    if (std::optional<siginfo_t> ending = ending_of(host)) {
      // `wash down` and `wash ctl stop host` end it too, and then it ends well.
      if (ending->si_code == CLD_EXITED && ending->si_status == 0) return {};
      return fail(Errc::unavailable, "wash.up",
                  "The host ended by itself; what it said stands above");
    }
    if (signal != 0 && signal != SIGCHLD) break;
  }
  Spinner spinner = context.spinner("CTRL+c received, gracefully stopping wasmCloud and NATS...");
  ::kill(host.pid, SIGTERM);
  auto deadline = std::chrono::steady_clock::now() + kStop;
  while (child_lives(host)) {
    int signal = signals.wait(1s);
    bool impatient = signal != 0 && signal != SIGCHLD;
    if (impatient || std::chrono::steady_clock::now() >= deadline) ::kill(host.pid, SIGKILL);
  }
  return {};
}

Result<Output> run_interactive(const Context& context, HostStart what, Place& place) {
  Signals signals;
  what.output = context.json() ? STDERR_FILENO : STDOUT_FILENO;
  TRY(HostProcess host, start(what, place));
  context.note(
      fmt::format("🏃 Running in interactive mode, your host is running at {}", place.url()));
  if (place.is_further()) context.note(place.how_to_reach());
  context.note("🚪 Press `CTRL+c` at any time to exit");
  Result<void> ended = watch_over(context, host, signals);
  ::waitpid(host.pid, nullptr, 0);
  ::unlink(place.files.pid.c_str());
  if (!ended) return fail(ended.error());
  return report(place, host, false);
}

Result<Output> up(const Context& context, const UpOptions& options) {
  Place place;
  place.bus_host = options.bus_host();
  place.bus_port = options.bus_port();
  place.dashboard = dashboard_host();
  TRY(place.dashboard_port, dashboard_port());
  TRY(std::filesystem::path home, wash_home());
  std::filesystem::path folder = home / "downloads";
  TRY_OK(make_directory(folder));
  place.files = host_files(folder, place.dashboard_port);
  place.context = further_host_config(home, place.dashboard_port);
  if (std::vector<std::string> names = options.without_meaning(); !names.empty())
    context.note(fmt::format(
        "Note: {} has no meaning here: the host brings its own bus, and nothing is downloaded.",
        fmt::join(names, ", ")));
  HostStart what;
  TRY(what.program, find_host_program());
  what.environment = options.environment();
  what.detached = options.detached;
  // What is wrong with the options comes first: it would be wrong on a free machine, too.
  TRY_OK(check_options(options, what));
  place.joins_nats = options.joins_nats();
  if (place.joins_nats) TRY_OK(check_nats(options, place));
  TRY_OK(check_free(place));
  return options.detached ? run_detached(context, what, place)
                          : run_interactive(context, what, place);
}

}  // namespace

void add_up(CLI::App& root, Context& context) {
  CLI::App& command = *root.add_subcommand("up", "Bootstrap a wasmCloud environment");
  auto options = std::make_shared<UpOptions>(command);
  context.on(command, "wash up --detached", [&context, options] { return up(context, *options); });
}

}  // namespace trellis::wash
