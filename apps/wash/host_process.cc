#include "host_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include "files.h"

extern char** environ;

namespace trellis::wash {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kProgram = "trellis";
constexpr auto kPoll = 20ms;
constexpr int kRefused = 2;  // the program's exit code when its configuration is wrong
constexpr std::size_t kComplaintBytesMax = 64 * 1024;

struct ProcessState {
  char state = '?';
  std::uint64_t started = 0;
};

// Fields 3 and 22 of /proc/<pid>/stat; the name in field 2 may hold blanks and brackets.
std::optional<ProcessState> state_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  std::size_t end_of_name = line.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(end_of_name + 1));
  ProcessState state;
  rest >> state.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) rest >> skipped;
  rest >> state.started;
  if (!rest) return std::nullopt;
  return state;
}

bool is_executable(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

fs::path own_folder() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& more) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    if (!more.contains(std::string(text.substr(0, text.find('='))))) merged.emplace_back(text);
  }
  for (const auto& [name, value] : more) merged.push_back(name + "=" + value);
  return merged;
}

// As exec takes them.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What a program complains of, without its name in front.
std::string read_to_end(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0;
       text.size() < kComplaintBytesMax && (got = ::read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  text.erase(text.find_last_not_of(" \n") + 1);
  const std::string name = fmt::format("{}: ", kProgram);
  return text.starts_with(name) ? text.substr(name.size()) : text;
}

// In the child, between fork and exec: only calls that are safe after a fork of a program with
// threads.
[[noreturn]] void become_host(const HostStart& start, char* const* argv, char* const* envp,
                              int report, pid_t parent) {
  ::setsid();
  if (!start.detached) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  ::dup2(start.output, STDOUT_FILENO);
  ::dup2(start.output, STDERR_FILENO);
  ::execve(start.program.c_str(), argv, envp);
  int error = errno;
  [[maybe_unused]] ssize_t told = ::write(report, &error, sizeof error);
  ::_exit(127);
}

bool gone_within(const HostProcess& host, std::chrono::milliseconds time) {
  auto deadline = std::chrono::steady_clock::now() + time;
  while (is_running(host)) {
    ::waitpid(host.pid, nullptr, WNOHANG);  // when it is our own child
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

}  // namespace

HostFiles host_files(const fs::path& folder, std::uint16_t dashboard_port) {
  std::string name =
      dashboard_port == 4000 ? "wasmcloud" : fmt::format("wasmcloud-{}", dashboard_port);
  return {folder / (name + ".log"), folder / (name + ".pid")};
}

Result<fs::path> find_host_program() {
  const char* given = std::getenv("TRELLIS_HOST_BINARY");
  if (given != nullptr && *given != '\0') {
    if (is_executable(given)) return fs::path(given);
    return fail(
        Errc::not_found, "wash.host_program",
        fmt::format("TRELLIS_HOST_BINARY names {}, which is not an executable file", given));
  }
  fs::path beside = own_folder() / kProgram;
  if (is_executable(beside)) return beside;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');)
    if (!folder.empty() && is_executable(fs::path(folder) / kProgram))
      return fs::path(folder) / kProgram;
  return fail(
      Errc::not_found, "wash.host_program",
      fmt::format(
          "Cannot find the host program `{}`: it is not in {} beside wash and not on $PATH. "
          "Install it there, or set TRELLIS_HOST_BINARY to where it is",
          kProgram, own_folder().string()));
}

Result<void> check_configuration(const HostStart& start) {
  std::vector<std::string> environment = merged_environment(start.environment);
  std::vector<char*> envp = pointers_to(environment);
  std::string name = start.program.string();
  std::string flag = "--check-config";
  char* argv[] = {name.data(), flag.data(), nullptr};
  int said[2];
  if (::pipe2(said, O_CLOEXEC) != 0)
    return fail(Errc::internal, "wash.check_host", std::generic_category().message(errno));
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, said[1], STDERR_FILENO);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, name.c_str(), &actions, nullptr, argv, envp.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(said[1]);
  const std::string text = error == 0 ? read_to_end(said[0]) : std::string();
  ::close(said[0]);
  int status = 0;
  if (error != 0 || ::waitpid(pid, &status, 0) != pid) return {};  // its start will say more
  if (!WIFEXITED(status) || WEXITSTATUS(status) != kRefused) return {};
  return fail(Errc::invalid, "wash.host_config", text);
}

Result<HostProcess> start_host(const HostStart& start) {
  std::vector<std::string> environment = merged_environment(start.environment);
  std::vector<char*> envp = pointers_to(environment);
  std::string name = start.program.string();
  char* argv[] = {name.data(), nullptr};
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0)
    return fail(Errc::internal, "wash.start_host", std::generic_category().message(errno));
  pid_t parent = ::getpid();
  pid_t pid = ::fork();
  if (pid == 0) become_host(start, argv, envp.data(), report[1], parent);
  int fork_error = errno;
  ::close(report[1]);
  int error = 0;
  ssize_t got = pid < 0 ? 0 : ::read(report[0], &error, sizeof error);
  ::close(report[0]);
  if (pid > 0 && got == 0) {
    std::optional<ProcessState> state = state_of(pid);
    return HostProcess{pid, state ? state->started : 0, 4000};
  }
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  return fail(Errc::internal, "wash.start_host",
              fmt::format("Cannot start {}: {}", name,
                          std::generic_category().message(pid < 0 ? fork_error : error)));
}

Result<void> write_pid_file(const fs::path& path, const HostProcess& host) {
  return write_private_file(
      path, fmt::format("{}\n{}\n{}\n", host.pid, host.started, host.dashboard_port));
}

std::optional<HostProcess> running_host(const fs::path& pid_file) {
  Result<std::string> text = read_file(pid_file);
  if (!text) return std::nullopt;
  std::istringstream fields(*text);
  HostProcess host;
  if (!(fields >> host.pid >> host.started >> host.dashboard_port) || host.pid <= 1)
    return std::nullopt;
  return is_running(host) ? std::optional(host) : std::nullopt;
}

std::vector<fs::path> pid_files(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".pid" && at->path().filename().string().starts_with("wasmcloud"))
      found.push_back(at->path());
  std::ranges::sort(found);
  return found;
}

bool is_running(const HostProcess& host) {
  std::optional<ProcessState> state = state_of(host.pid);
  return state && state->started == host.started && state->state != 'Z' && state->state != 'X';
}

Stopped stop_host(const HostProcess& host, std::chrono::milliseconds grace) {
  ::kill(host.pid, SIGTERM);
  if (gone_within(host, grace)) return Stopped::gracefully;
  ::kill(host.pid, SIGKILL);
  return gone_within(host, 5s) ? Stopped::killed : Stopped::no;
}

}  // namespace trellis::wash
