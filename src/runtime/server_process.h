// For tests: a server of somebody else's, started on a free port of this machine and gone when the
// test ends, whatever happens to the test.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace trellis::runtime {

inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), length);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ntohs(address.sin_port);
}

class ServerProcess {
 public:
  // `command` is found on PATH or in /usr/sbin; it is ready when `port` takes connections.
  ServerProcess(std::vector<std::string> command, std::uint16_t port)
      : command_(std::move(command)), port_(port) {
    start();
  }
  ~ServerProcess() { stop(); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }

  void start() {
    pid_ = ::fork();
    if (pid_ == 0) run();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!takes_connections()) {
      if (std::chrono::steady_clock::now() > end) {
        ADD_FAILURE() << command_.front() << " did not come up on port " << port_;
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // until it is there, or too late
    }
  }
  void stop(int how = SIGKILL) {
    if (pid_ <= 0) return;
    ::kill(pid_, how);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  // Stays alive and says nothing, until resume().
  void pause() {
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, nullptr, WUNTRACED);  // until it has stopped
  }
  void resume() { ::kill(pid_, SIGCONT); }

 private:
  [[noreturn]] void run() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(STDOUT_FILENO);
    std::vector<char*> arguments;
    for (auto& word : command_) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  bool takes_connections() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool there = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return there;
  }

  std::vector<std::string> command_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

}  // namespace trellis::runtime
