#include "keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "net/kept_sockets.h"

namespace trellis {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kSocketsMax = 1024;
constexpr auto kLivedEnough = 10s;  // shorter lives in a row are a host that cannot run
constexpr int kShortLivesMax = 6;   // then whoever started this one is to know
constexpr auto kFirstPause = 100ms;
constexpr int kNoticesPerTurn = 64;

class Keeper {
 public:
  Keeper(const char* program, char** arguments) : program_(program), arguments_(arguments) {}
  int run();

 private:
  bool open();
  bool start();
  [[noreturn]] void become_host();
  std::string address() const;
  void turn();
  void pass_signal_on();
  void take_sockets();
  bool take_socket();
  void let_go_of_closed(const std::vector<pollfd>& polled, std::size_t first);
  void reap();
  void died(int signal);

  const char* const program_;
  char** const arguments_;
  sigset_t usual_{};  // the signal mask to give to the host
  int signals_ = -1, notices_ = -1;
  pid_t host_ = 0;  // 0: to be started at next_start_
  Clock::time_point started_{}, next_start_{};
  int short_lives_ = 0, restarts_ = 0;
  std::string last_death_;
  bool stopping_ = false;
  int exit_code_ = -1;  // what this process ends with, once it is known
  std::vector<int> held_;
};

bool Keeper::open() {
  sigset_t all;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, fault);
  sigprocmask(SIG_BLOCK, &all, &usual_);
  signals_ = ::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  notices_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un any{};
  any.sun_family = AF_UNIX;  // and nothing more: the kernel finds a name that is in no folder
  const int on = 1;
  return signals_ >= 0 && notices_ >= 0 &&
         ::bind(notices_, reinterpret_cast<sockaddr*>(&any), sizeof any.sun_family) == 0 &&
         ::setsockopt(notices_, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0;
}

std::string Keeper::address() const {
  sockaddr_un name{};
  socklen_t length = sizeof name;
  ::getsockname(notices_, reinterpret_cast<sockaddr*>(&name), &length);
  std::string text(name.sun_path, length - offsetof(sockaddr_un, sun_path));
  if (!text.empty()) text[0] = '@';
  return text;
}

int Keeper::run() {
  if (!open() || !start()) {
    std::fprintf(stderr, "trellis --keep: %s\n", std::strerror(errno));
    return 1;
  }
  while (exit_code_ < 0) {
    const bool due = host_ == 0 && Clock::now() >= next_start_;
    if (due && !start()) next_start_ = Clock::now() + kFirstPause;  // no room for it
    turn();
  }
  return exit_code_;
}

bool Keeper::start() {
  started_ = Clock::now();
  host_ = ::fork();
  if (host_ == 0) become_host();
  if (host_ > 0) return true;
  host_ = 0;
  return false;
}

// In the child. Its sockets come first, as sd_listen_fds(3) says, made so that nothing that is
// still to be moved is overwritten.
void Keeper::become_host() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);  // what a terminal sends to its foreground comes once, from the keeper
  ::setenv("NOTIFY_SOCKET", address().c_str(), 1);
  const int count = static_cast<int>(held_.size());
  bool moved = true;
  for (int& fd : held_) {
    fd = ::fcntl(fd, F_DUPFD, net::kFirstPassedSocket + count);
    moved = moved && fd >= 0;
  }
  for (int i = 0; moved && i < count; ++i)
    moved = ::dup2(held_[static_cast<std::size_t>(i)], net::kFirstPassedSocket + i) >= 0;
  for (const int fd : held_) ::close(fd);
  if (count > 0 && moved) {
    ::setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  }
  if (restarts_ > 0) {
    ::setenv("TRELLIS_RESTARTS", std::to_string(restarts_).c_str(), 1);
    ::setenv("TRELLIS_LAST_DEATH", last_death_.c_str(), 1);
  }
  sigprocmask(SIG_SETMASK, &usual_, nullptr);
  ::execv(program_, arguments_);
  std::fprintf(stderr, "trellis --keep: cannot start %s: %s\n", program_, std::strerror(errno));
  std::_Exit(127);
}

// Until something happens, or the next host is due.
void Keeper::turn() {
  int wait_ms = -1;
  if (host_ == 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_start_ - Clock::now());
    wait_ms = static_cast<int>(std::max(left, 0ms).count());
  }
  std::vector<pollfd> polled{{signals_, POLLIN, 0}, {notices_, POLLIN, 0}};
  const auto first = polled.size();
  for (const int fd : held_) polled.push_back({fd, 0, 0});  // a socket that is shut down hangs up
  if (::poll(polled.data(), polled.size(), wait_ms) <= 0) return;
  let_go_of_closed(polled, first);
  if (polled[1].revents != 0) take_sockets();
  if (polled[0].revents != 0) pass_signal_on();
}

void Keeper::let_go_of_closed(const std::vector<pollfd>& polled, std::size_t first) {
  for (auto i = first; i < polled.size(); ++i) {
    if ((polled[i].revents & (POLLHUP | POLLERR | POLLNVAL)) == 0) continue;
    ::close(polled[i].fd);
    std::erase(held_, polled[i].fd);
  }
}

void Keeper::pass_signal_on() {
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof info) == sizeof info) {
    const int number = static_cast<int>(info.ssi_signo);
    if (number == SIGCHLD) {
      reap();
      continue;
    }
    if (number == SIGTERM || number == SIGINT) {
      stopping_ = true;
      if (host_ == 0) exit_code_ = 0;
    }
    if (host_ > 0) ::kill(host_, number);
  }
}

// A few in a turn: others on this machine can send to the name, and signals must get their turn.
void Keeper::take_sockets() {
  for (int i = 0; i < kNoticesPerTurn && take_socket(); ++i) {
  }
}

// From the host alone. Whatever else comes is closed.
bool Keeper::take_socket() {
  char line[256];
  iovec into{line, sizeof line};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const auto size = ::recvmsg(notices_, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size < 0) return false;
  std::vector<int> sockets;
  pid_t sender = 0;
  for (auto* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_RIGHTS) {
      sockets.resize((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      std::memcpy(sockets.data(), CMSG_DATA(header), sockets.size() * sizeof(int));
    }
    if (header->cmsg_type != SCM_CREDENTIALS) continue;
    ucred from{};
    std::memcpy(&from, CMSG_DATA(header), sizeof from);
    sender = from.pid;
  }
  const bool store =
      std::string_view(line, static_cast<std::size_t>(size)).starts_with(net::kStoreSocket);
  const bool from_host = host_ > 0 && sender == host_;
  for (const int fd : sockets) {
    if (from_host && store && held_.size() < kSocketsMax) {
      held_.push_back(fd);
    } else {
      ::close(fd);
    }
  }
  return true;
}

void Keeper::reap() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != host_) continue;  // an orphan of the container's
    host_ = 0;
    if (WIFEXITED(status)) {
      exit_code_ = WEXITSTATUS(status);
    } else {
      died(WTERMSIG(status));
    }
  }
}

void Keeper::died(int signal) {
  ++restarts_;
  last_death_ = fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal));
  short_lives_ = Clock::now() - started_ < kLivedEnough ? short_lives_ + 1 : 0;
  if (stopping_ || short_lives_ >= kShortLivesMax) {
    exit_code_ = 128 + signal;
    return;
  }
  next_start_ = Clock::now();
  if (short_lives_ > 1) next_start_ += kFirstPause * (1 << (short_lives_ - 2));
}

}  // namespace

int keep_running(const char* program, char** arguments) { return Keeper(program, arguments).run(); }

}  // namespace trellis
