#include "spinner.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace trellis::wash {
namespace {

constexpr auto kTick = std::chrono::milliseconds(200);
// Two braille cells in which one dot walks down and gathers at the bottom.
constexpr std::array<std::string_view, 56> kFrames = {
    "⢀⠀", "⡀⠀", "⠄⠀", "⢂⠀", "⡂⠀", "⠅⠀", "⢃⠀", "⡃⠀", "⠍⠀", "⢋⠀", "⡋⠀", "⠍⠁", "⢋⠁", "⡋⠁",
    "⠍⠉", "⠋⠉", "⠋⠉", "⠉⠙", "⠉⠙", "⠉⠩", "⠈⢙", "⠈⡙", "⢈⠩", "⡀⢙", "⠄⡙", "⢂⠩", "⡂⢘", "⠅⡘",
    "⢃⠨", "⡃⢐", "⠍⡐", "⢋⠠", "⡋⢀", "⠍⡁", "⢋⠁", "⡋⠁", "⠍⠉", "⠋⠉", "⠋⠉", "⠉⠙", "⠉⠙", "⠉⠩",
    "⠈⢙", "⠈⡙", "⠈⠩", "⠀⢙", "⠀⡙", "⠀⠩", "⠀⢘", "⠀⡘", "⠀⠨", "⠀⢐", "⠀⡐", "⠀⠠", "⠀⢀", "⠀⡀",
};

// The whole line is wiped by its last write, so it must not wrap: cut by columns, never inside a
// character.
std::string cut_to(std::string_view text, std::size_t columns) {
  std::size_t seen = 0;
  std::size_t end = 0;
  while (end < text.size() && seen < columns) {
    do ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
    ++seen;
  }
  return std::string(text.substr(0, end));
}

std::size_t columns_of_terminal() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

Spinner::Spinner(std::string message, bool shown) : message_(std::move(message)) {
  if (shown && ::isatty(STDERR_FILENO) == 1) thread_ = std::thread([this] { turn(); });
}

void Spinner::say(std::string message) {
  std::lock_guard lock(mutex_);
  message_ = std::move(message);
}

void Spinner::stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_one();
  thread_.join();
  fmt::print(stderr, "\r\x1b[2K");
  std::fflush(stderr);
}

void Spinner::turn() {
  std::unique_lock lock(mutex_);
  for (std::size_t frame = 0; !done_; frame = (frame + 1) % kFrames.size()) {
    std::size_t columns = columns_of_terminal();
    fmt::print(stderr, "\r\x1b[2K\x1b[1;2m>>> {} {}\x1b[0m", kFrames[frame],
               cut_to(message_, columns > 8 ? columns - 8 : 1));
    std::fflush(stderr);
    wake_.wait_for(lock, kTick, [this] { return done_; });
  }
}

}  // namespace trellis::wash
