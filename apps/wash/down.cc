#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "host_health.h"
#include "host_process.h"
#include "up_options.h"

namespace trellis::wash {
namespace {

using namespace std::chrono_literals;

constexpr auto kGrace = 25s;  // the host gives what runs on it 20 s

Result<std::string> stop(const HostProcess& host, const std::string& named) {
  switch (stop_host(host, kGrace)) {
    case Stopped::gracefully:
      return fmt::format("✅ wasmCloud host{} stopped successfully", named);
    case Stopped::killed:
      return fmt::format("✅ wasmCloud host{} stopped; it did not answer for {} s and was killed",
                         named, kGrace.count());
    case Stopped::no:
      break;
  }
  return fail(
      Errc::denied, "wash.down",
      fmt::format("The host with PID {} could not be stopped; does it belong to another user?",
                  host.pid));
}

Result<Output> down(const Context& context) {
  TRY(std::filesystem::path home, wash_home());
  Spinner spinner = context.spinner(" Stopping host ...");
  std::vector<std::string> lines;
  for (const std::filesystem::path& file : pid_files(home / "downloads")) {
    std::optional<HostProcess> host = running_host(file);
    if (host) {
      std::string named =
          host->dashboard_port == 4000 ? "" : fmt::format(" on port {}", host->dashboard_port);
      TRY(std::string line, stop(*host, named));
      lines.push_back(std::move(line));
    }
    ::unlink(file.c_str());
  }
  spinner.stop();
  if (lines.empty()) {
    lines.emplace_back("🤔 Host did not appear to be running, assuming it's already stopped");
    Result<std::uint16_t> port = dashboard_port();
    if (port && is_ready(dashboard_host(), *port))
      context.note(
          fmt::format("A host that `wash up` did not start runs at http://{}:{}; `wash ctl stop "
                      "host <host-id>` "
                      "stops it.",
                      dashboard_host(), *port));
  }
  lines.emplace_back("🛁 wash down completed successfully");
  return Output{fmt::format("{}", fmt::join(lines, "\n")),
                {{"host_stopped", true}, {"nats_stopped", true}}};
}

}  // namespace

void add_down(CLI::App& root, Context& context) {
  CLI::App& command =
      *root.add_subcommand("down", "Tear down a wasmCloud environment launched with wash up");
  context.on(command, "wash down", [&context] { return down(context); });
}

}  // namespace trellis::wash
