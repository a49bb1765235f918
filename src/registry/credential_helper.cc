#include "registry/credential_helper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "artifact/foreign_text.h"
#include "base/limits.h"
#include "codec/json.h"

extern char** environ;

namespace trellis::registry {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRegistryBytesMax =
    1'024;  // fits a pipe at once, so that writing never waits
constexpr auto kExitPoll = 5ms;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_read();
    close_write();
  }
  bool ok() const { return ends_[0] >= 0; }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_read() { close(ends_[0]); }
  void close_write() { close(ends_[1]); }

 private:
  static void close(int& fd) {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
  std::array<int, 2> ends_ = {-1, -1};
};

tl::unexpected<Error> failed(const std::string& program, std::string_view why) {
  return fail(Errc::unavailable, "registry.credential_helper", fmt::format("{} {}", program, why));
}

bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

Result<pid_t> spawn(const std::string& program, const Pipe& in, const Pipe& out) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read_end(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write_end(), STDOUT_FILENO);
  // What it says to people is not ours to show: it may hold what it knows.
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t defaults;
  sigfillset(&defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  // A group of its own, so that its children end with it.
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string name = program;
  std::string command = "get";
  char* arguments[] = {name.data(), command.data(), nullptr};
  pid_t pid = -1;
  const int error =
      ::posix_spawnp(&pid, program.c_str(), &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return failed(program, fmt::format("cannot be run: {}", std::strerror(error)));
  return pid;
}

// Everything up to the end of the program's output; false when that is late or long.
bool read_all(int fd, std::string& text, runtime::Deadline deadline) {
  std::array<char, 4096> buffer{};
  while (text.size() <= limits::kRegistryTextBytesMax) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining());
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    const int n = ::poll(&ready, 1, static_cast<int>(left.count()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return false;
}

constexpr int kNotOurs = -1;

// Its exit status; kills it at the deadline.
int wait_for(pid_t pid, runtime::Deadline deadline) {
  int status = 0;
  while (true) {
    const bool late = deadline.expired();
    if (late) ::kill(-pid, SIGKILL);
    const auto done = ::waitpid(pid, &status, late ? 0 : WNOHANG);
    if (done == pid) return status;
    if (done < 0 && errno != EINTR) return kNotOurs;  // somebody else waited for it
    if (!late) std::this_thread::sleep_for(kExitPoll);
  }
}

Result<Credential> parse_answer(const std::string& program, const std::string& text) {
  const auto value = codec::json_parse(text);
  const auto* object = value ? value->if_object() : nullptr;
  if (object == nullptr) return failed(program, "did not answer with a JSON object");
  TRY(const auto user, codec::json_string(*object, "Username"));
  TRY(const auto secret, codec::json_string(*object, "Secret"));
  Credential credential;
  credential.source = program;
  // The name that marks a token: docker's credential helper protocol.
  if (user == "<token>") {
    credential.identity_token = secret.value_or("");
  } else {
    credential.user = user.value_or("");
    credential.password = secret.value_or("");
  }
  return credential;
}

}  // namespace

Result<Credential> ask_credential_helper(const std::string& name, const std::string& registry,
                                         runtime::Deadline deadline) {
  const auto program = "docker-credential-" + name;
  if (!is_name(name) || registry.size() > kRegistryBytesMax) {
    return failed(artifact::shown(program), "is not a name a credential helper can have");
  }
  Pipe in;
  Pipe out;
  if (!in.ok() || !out.ok()) return failed(program, "cannot be run: too many files are open");
  if (::write(in.write_end(), registry.data(), registry.size()) < 0) {
    return failed(program, "cannot be told the registry");
  }
  in.close_write();
  TRY(const auto pid, spawn(program, in, out));
  out.close_write();
  std::string text;
  const bool whole = read_all(out.read_end(), text, deadline);
  if (!whole) ::kill(-pid, SIGKILL);
  const int status = wait_for(pid, deadline);
  if (!whole) return failed(program, "did not answer in time");
  if (status == 0 || status == kNotOurs) return parse_answer(program, text);
  // Helpers say on stdout that they have no credential, and why they failed.
  if (text.find("credentials not found") != std::string::npos) return Credential{};
  return failed(program, fmt::format("failed: {}", artifact::shown(text)));
}

}  // namespace trellis::registry
