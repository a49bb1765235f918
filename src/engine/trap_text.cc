#include "engine/trap_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace trellis::engine {
namespace {

constexpr std::size_t kFramesMax = 20;
constexpr std::size_t kFrameNameMax = 160;
constexpr std::string_view kBacktraceHead = "wasm backtrace:";

const char* words_of(wasmtime_trap_code_t code) {
  switch (code) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW:
      return "its call stack is exhausted (recursion too deep)";
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS:
      return "it accessed an address outside its memory";
    case WASMTIME_TRAP_CODE_HEAP_MISALIGNED:
      return "it made a misaligned atomic access";
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS:
      return "it accessed an element outside a table";
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL:
      return "it called a null function pointer";
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE:
      return "it called a function pointer of another type";
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW:
      return "integer overflow";
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO:
      return "integer division by zero";
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER:
      return "it converted a number that no integer can hold";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED:
      return "unreachable code was executed (a panic or abort)";
    default:
      return nullptr;
  }
}

// The engine's message: a backtrace with names already demangled, then the causes:
//   error while executing at wasm backtrace:
//       0:     0x8f - module!function
//   Caused by: …
struct Message {
  std::vector<std::string> frames;
  std::string rest;
};

std::string frame_name(std::string_view line) {
  if (const auto dash = line.find(" - "); dash != std::string_view::npos)
    line.remove_prefix(dash + 3);
  if (const auto bang = line.find('!'); bang != std::string_view::npos)
    line.remove_prefix(bang + 1);
  std::string name(line.substr(0, kFrameNameMax));
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  return name;
}

Message parse(std::string_view text) {
  Message message;
  bool in_backtrace = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.ends_with(kBacktraceHead)) {
      in_backtrace = true;
    } else if (in_backtrace && !line.empty() && line[0] >= '0' && line[0] <= '9') {
      if (message.frames.size() < kFramesMax) message.frames.push_back(frame_name(line));
    } else if (!line.empty() && line != "Caused by:" && line != "Stack backtrace:" &&
               !(in_backtrace && line.starts_with("note:"))) {
      if (!message.rest.empty()) message.rest += ": ";
      message.rest += line;
    }
  }
  return message;
}

// Growth that was refused shows only later, as a trap of the guest's own making.
std::string memory_note(const Guest& guest) {
  if (guest.memory_bytes_used * 2 <= guest.memory_bytes_max) return {};
  return fmt::format(" (its memory had grown to {} MiB; more than {} MiB is refused)",
                     guest.memory_bytes_used >> 20, guest.memory_bytes_max >> 20);
}

}  // namespace

std::string trap_text(const Outcome& outcome, const Guest& guest) {
  Message message = parse(outcome.trap    ? text_of(outcome.trap.get())
                          : outcome.error ? text_of(outcome.error.get())
                                          : std::string());
  std::string reason = guest.fault;
  wasmtime_trap_code_t code;
  if (reason.empty() && outcome.trap && wasmtime_trap_code(outcome.trap.get(), &code)) {
    if (const char* words = words_of(code)) reason = words + memory_note(guest);
  }
  if (reason.empty()) reason = std::move(message.rest);
  if (message.frames.empty()) return reason;
  return fmt::format("{}; backtrace: {}", reason, fmt::join(message.frames, " < "));
}

}  // namespace trellis::engine
