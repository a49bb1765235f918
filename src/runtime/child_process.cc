#include "runtime/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <system_error>

#include <boost/asio/write.hpp>

#include "runtime/file_limit.h"

namespace trellis::runtime {
namespace {

constexpr const char* kSite = "runtime.child";
constexpr std::size_t kStartStackBytes = 64 * 1024;
constexpr int kNotStarted = 127;

// What the child needs between its birth and its program. Prepared by the parent: the child shares
// our memory until then and may call nothing that allocates or locks.
struct Launch {
  const char* program;
  char* const* arguments;
  char* const* environment;
  int input, output, errors;
  rlimit files;
  pid_t parent;
  // Written by the child, read by the parent when there is no program.
  const char* failed_step = nullptr;
  int error = 0;
};

// Sanitizers do not follow a second flow on the same thread.
#define TRELLIS_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

[[noreturn]] TRELLIS_IN_CHILD void give_up(Launch& launch, const char* step) {
  launch.error = errno;
  launch.failed_step = step;
  ::_exit(kNotStarted);
}

TRELLIS_IN_CHILD int start_program(void* argument) {
  auto& launch = *static_cast<Launch*>(argument);
  if (::setpgid(0, 0) != 0) give_up(launch, "lead a process group");
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(launch, "tie its life to the host's");
  if (::getppid() != launch.parent) ::_exit(kNotStarted);  // it has ended meanwhile
  if (::dup2(launch.input, 0) < 0 || ::dup2(launch.output, 1) < 0 || ::dup2(launch.errors, 2) < 0)
    give_up(launch, "open its streams");
  if (::syscall(SYS_close_range, 3U, ~0U, 0U) != 0) give_up(launch, "close what is not its own");
  if (::setrlimit(RLIMIT_NOFILE, &launch.files) != 0) give_up(launch, "limit its open files");
  // By the kernel's own call: the C library keeps two signals to itself, which a program that
  // started the host may have left ignored. All zeroes is the default; a set has a bit for each of
  // 64 signals.
  const unsigned long by_default[4] = {};
  for (int number = 1; number < NSIG; ++number)
    ::syscall(SYS_rt_sigaction, number, by_default, nullptr, sizeof(std::uint64_t));
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(launch.program, launch.arguments, launch.environment);
  give_up(launch, "run");
}

// The memory the child runs on until it has a program of its own.
class StartStack {
 public:
  StartStack()
      : memory_(::mmap(nullptr, kStartStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}
  ~StartStack() {
    if (usable()) ::munmap(memory_, kStartStackBytes);
  }
  StartStack(const StartStack&) = delete;
  StartStack& operator=(const StartStack&) = delete;
  bool usable() const { return memory_ != MAP_FAILED; }
  void* top() const { return static_cast<char*>(memory_) + kStartStackBytes; }

 private:
  void* memory_;
};

void close_if_open(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// Both ends of a pipe, above the descriptors the child's streams will have, closed by exec.
struct Pipe {
  int read = -1, write = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_if_open(read);
    close_if_open(write);
  }
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    for (int& end : ends) {
      if (end > 2) continue;
      const int moved = ::fcntl(end, F_DUPFD_CLOEXEC, 3);
      ::close(end);
      end = moved;
    }
    read = ends[0];
    write = ends[1];
    return read >= 0 && write >= 0;
  }
};

bool stop_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

std::vector<char*> pointers(const std::vector<std::string>& texts, const std::string* first) {
  std::vector<char*> out;
  if (first != nullptr) out.push_back(const_cast<char*>(first->c_str()));
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

tl::unexpected<Error> refused(const std::string& program, const char* step, int error) {
  const auto code =
      error == ENOENT || error == ENOTDIR                      ? Errc::not_found
      : error == EACCES || error == EPERM                      ? Errc::denied
      : error == ENOEXEC || error == E2BIG || error == ELIBBAD ? Errc::invalid
      : error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE || error == ETXTBSY
          ? Errc::exhausted
          : Errc::internal;
  std::string why = std::generic_category().message(error);
  if (error == ENOEXEC) why += ": it is no program for this machine";
  if (error == ENOENT) why += ": the file, or the interpreter its first line names, is not there";
  if (error == EACCES) why += ": is its file system mounted noexec?";
  return fail(code, kSite, fmt::format("cannot start '{}' (could not {}): {}", program, step, why));
}

// In a thread of its own memory space a fork would copy the page tables of the whole host, guests
// included, while its threads wait. This child borrows our memory instead, as posix_spawn's does,
// and the calling thread alone waits until it has its own program. Signals stay blocked meanwhile:
// none of our handlers may run in it.
pid_t start(Launch& launch, int& pidfd) {
  const StartStack stack;
  if (!stack.usable()) {
    launch.failed_step = "get memory";
    launch.error = errno;
    return -1;
  }
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  const pid_t pid = ::clone(start_program, stack.top(),
                            CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &launch, &pidfd);
  if (pid < 0) {
    launch.failed_step = "make a process";
    launch.error = errno;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

void reap_now(pid_t pid) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

}  // namespace

std::string ChildExit::text() const {
  if (signal == 0) return fmt::format("exited with status {}", status);
  const char* name = ::sigdescr_np(signal);
  return fmt::format("was killed by signal {} ({})", signal, name == nullptr ? "unknown" : name);
}

// --- starting ---

Result<SpawnedChild> spawn_child(const ChildCommand& command) {
  Pipe input;
  Pipe output;
  Pipe errors;
  if (!input.open() || !output.open() || !errors.open())
    return refused(command.program, "open its streams", errno);
  for (const int ours : {input.write, output.read, errors.read}) {
    if (!stop_blocking(ours)) return refused(command.program, "open its streams", errno);
  }
  const auto arguments = pointers(command.arguments, &command.program);
  const auto environment = pointers(command.environment, nullptr);
  Launch launch{.program = command.program.c_str(),
                .arguments = arguments.data(),
                .environment = environment.data(),
                .input = input.read,
                .output = output.write,
                .errors = errors.write,
                .files = file_limit_at_start(),
                .parent = ::getpid()};
  SpawnedChild child;
  const pid_t pid = start(launch, child.pidfd_);
  if (pid > 0) child.pid_ = pid;
  if (launch.failed_step != nullptr)
    return refused(command.program, launch.failed_step, launch.error);
  child.input_ = std::exchange(input.write, -1);
  child.output_ = std::exchange(output.read, -1);
  child.errors_ = std::exchange(errors.read, -1);
  return child;
}

SpawnedChild& SpawnedChild::operator=(SpawnedChild&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(input_, other.input_);
  std::swap(output_, other.output_);
  std::swap(errors_, other.errors_);
  return *this;
}

SpawnedChild::~SpawnedChild() {
  for (int* fd : {&pidfd_, &input_, &output_, &errors_}) close_if_open(*fd);
  if (pid_ == 0) return;
  ::kill(-pid_, SIGKILL);
  reap_now(pid_);
}

// --- on a core ---

ChildProcess::ChildProcess(Core& core, SpawnedChild child)
    : pid_(std::exchange(child.pid_, 0)),
      watch_(core.executor(), std::exchange(child.pidfd_, -1)),
      input_(core.executor(), std::exchange(child.input_, -1)),
      output_(core.executor(), std::exchange(child.output_, -1)),
      errors_(core.executor(), std::exchange(child.errors_, -1)) {}

ChildProcess::~ChildProcess() {
  if (exit_) return;
  ::kill(-pid_, SIGKILL);
  reap_now(pid_);
}

Task<ChildExit> ChildProcess::exited() {
  while (!exit_) {
    const auto [ec] = co_await watch_.async_wait(Descriptor::wait_read, kAwait);
    if (ec) co_return fail(error_from(ec, kSite, "cannot wait for a process to end"));
    CO_TRY_OK(reap());
  }
  co_return *exit_;
}

// Looks before it reaps: while the process is still listed nobody else can have its number, so that
// the signal reaches what it left behind and nothing else.
Result<void> ChildProcess::reap() {
  siginfo_t info{};
  const auto look = [&](int more) {
    info = {};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | more) == 0;
  };
  if (look(WNOWAIT) && info.si_pid == 0) return {};  // not yet
  ::kill(-pid_, SIGKILL);
  if (!look(0) || info.si_pid == 0) {
    exit_ = ChildExit{};
    return fail(Errc::internal, kSite, "how a child process ended is not known");
  }
  const bool left = info.si_code == CLD_EXITED;
  exit_ = ChildExit{.status = left ? info.si_status : 0, .signal = left ? 0 : info.si_status};
  return {};
}

void ChildProcess::send_signal(int number) {
  if (!exit_) ::kill(-pid_, number);
}

Task<std::size_t> ChildProcess::read(Stream stream, std::span<std::uint8_t> into) {
  auto& from = stream == Stream::output ? output_ : errors_;
  const auto [ec, count] =
      co_await from.async_read_some(asio::buffer(into.data(), into.size()), kAwait);
  if (ec == asio::error::eof) co_return std::size_t{0};
  if (ec) co_return fail(error_from(ec, kSite, "cannot read what a process writes"));
  co_return count;
}

Task<void> ChildProcess::write_input(BytesView bytes) {
  const auto [ec, count] =
      co_await asio::async_write(input_, asio::buffer(bytes.data(), bytes.size()), kAwait);
  static_cast<void>(count);
  if (ec) co_return fail(error_from(ec, kSite, "cannot write to a process"));
  co_return Result<void>{};
}

void ChildProcess::close_input() {
  boost::system::error_code ignored;
  input_.close(ignored);
}

}  // namespace trellis::runtime
