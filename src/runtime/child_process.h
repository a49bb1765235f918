// A child process: started without stopping the world, watched from a core's loop, and gone when
// this process is. It leads a process group of its own, has no descriptors but its own stdin,
// stdout and stderr (pipes to here), no signal blocked or ignored, and the kernel kills it when
// this process ends, however it ends. Used by whoever runs foreign programs.
//
// The kernel's promise hangs on the THREAD that starts the child (PR_SET_PDEATHSIG): spawn_child()
// runs on one that lives as long as the child may, and on one that is not pinned, for the child
// inherits where it may run. An Offload of one thread, kept for this, is both; it also keeps one
// start from inheriting what another is just writing (ETXTBSY).
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "base/bytes.h"
#include "runtime/core.h"

namespace trellis::runtime {

struct ChildCommand {
  std::string program;                   // a path; a script with "#!" is one, too
  std::vector<std::string> arguments;    // without the program itself
  std::vector<std::string> environment;  // NAME=value, the whole of it
};

// How a process ended.
struct ChildExit {
  int status = 0;  // of exit(), when signal is 0
  int signal = 0;
  std::string text() const;  // "exited with status 3", "was killed by signal 9 (Killed)"
};

// A child nobody watches yet: what spawn_child() gives to a core. Kills and reaps it if it is
// dropped.
class SpawnedChild {
 public:
  SpawnedChild(SpawnedChild&& other) noexcept { *this = std::move(other); }
  SpawnedChild& operator=(SpawnedChild&& other) noexcept;
  ~SpawnedChild();

 private:
  friend class ChildProcess;
  friend Result<SpawnedChild> spawn_child(const ChildCommand& command);
  SpawnedChild() = default;

  pid_t pid_ = 0;
  int pidfd_ = -1, input_ = -1, output_ = -1, errors_ = -1;
};

// Blocking, until the program runs. Errors name the program and the reason: not_found, denied,
// invalid (no program for this machine), exhausted (no processes, no memory).
Result<SpawnedChild> spawn_child(const ChildCommand& command);

// The same child on a core, where all of this is used.
class ChildProcess {
 public:
  ChildProcess(Core& core, SpawnedChild child);
  ~ChildProcess();  // kills it if it still runs, and reaps it
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t id() const { return pid_; }
  bool running() const { return !exit_; }

  // Waits until it has ended, kills what is left of its group and reaps it. One waits at a time;
  // later ones are told the same.
  Task<ChildExit> exited();
  // To its whole group; nothing once it has ended.
  void send_signal(int number);

  enum class Stream { output, errors };
  // The next bytes it wrote, 0 at the end of the stream.
  Task<std::size_t> read(Stream stream, std::span<std::uint8_t> into);
  // All of it; the stream stays open until close_input(). Error `unavailable` when it does not
  // read.
  Task<void> write_input(BytesView bytes);
  void close_input();

 private:
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

  Result<void> reap();

  const pid_t pid_;
  Descriptor watch_, input_, output_, errors_;
  std::optional<ChildExit> exit_;
};

}  // namespace trellis::runtime
