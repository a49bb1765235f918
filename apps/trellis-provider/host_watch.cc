#include "host_watch.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <utility>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "runtime/parking.h"

namespace trellis::provider_app {
namespace {

constexpr const char* kSite = "provider_app.host";

using Descriptor = runtime::asio::posix::basic_stream_descriptor<runtime::Executor>;

runtime::Task<void> never() {
  runtime::Parking parking(runtime::Core::current());
  (void)co_await parking.wait();
  co_return fail(Errc::cancelled, kSite, "no longer wanted");
}

runtime::Task<void> ended(int pidfd) {
  Descriptor process(runtime::Core::current().executor(), pidfd);
  const auto [ec] = co_await process.async_wait(Descriptor::wait_read, runtime::kAwait);
  if (ec) co_return fail(runtime::error_from(ec, kSite, "cannot wait for the host"));
  co_return Result<void>{};
}

// A file has no end that could be waited for: it is there already.
runtime::Task<void> closed(int input) {
  Descriptor stream(runtime::Core::current().executor(), input);
  std::array<char, 4096> ignored{};
  for (;;) {
    const auto [ec, count] = co_await stream.async_read_some(
        runtime::asio::buffer(ignored.data(), ignored.size()), runtime::kAwait);
    if (ec == runtime::asio::error::operation_aborted)
      co_return fail(Errc::cancelled, kSite, "no longer wanted");
    if (ec || count == 0) co_return Result<void>{};
  }
}

}  // namespace

Parent Parent::of_this_process() { return Parent(::getppid()); }

Parent::Parent(pid_t pid)
    : pidfd_(pid <= 0 ? -1 : static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))) {}

Parent::Parent(Parent&& other) noexcept : pidfd_(std::exchange(other.pidfd_, -1)) {}

Parent::~Parent() {
  if (pidfd_ >= 0) ::close(pidfd_);
}

int Parent::release() { return std::exchange(pidfd_, -1); }

runtime::Task<void> host_gone(Parent parent, int input) {
  const int pidfd = parent.release();
  if (pidfd < 0) co_return co_await never();
  CO_TRY_OK(co_await ended(pidfd));
  const int own = ::fcntl(input, F_DUPFD_CLOEXEC, 3);
  if (own < 0) co_return Result<void>{};  // it is closed
  co_return co_await closed(own);
}

}  // namespace trellis::provider_app
