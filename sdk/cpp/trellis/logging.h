// wasmcloud:builtin:logging: lines in the host's log, under the actor's key. Needs the capability
// claim, no link. A line that cannot be written is lost: there is nobody to tell. docs/protocol.md
// §2.10.
//   log::info("started");
#pragma once

#include <string_view>

#include "trellis/host_call.h"

namespace trellis::sdk::log {

inline void write(std::string_view level, std::string_view text) {
  Bytes payload;
  MsgpackWriter writer(payload);
  writer.map(2);
  writer.str("level");
  writer.str(level);
  writer.str("text");
  writer.str(text);
  (void)plain_call("default", "wasmcloud:builtin:logging", "Logging.WriteLog", payload);
}

inline void debug(std::string_view text) { write("debug", text); }
inline void info(std::string_view text) { write("info", text); }
inline void warn(std::string_view text) { write("warn", text); }
inline void error(std::string_view text) { write("error", text); }

}  // namespace trellis::sdk::log
