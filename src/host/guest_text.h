// Text that guests wrote, made fit for one line of our log: what would start another line, move a
// terminal's cursor or break a JSON log is shown escaped. Used wherever a guest's words are logged.
#pragma once

#include <string>
#include <string_view>

namespace trellis::host {

std::string as_log_line(std::string_view text);

}  // namespace trellis::host
