// UTF-8 as Unicode defines it: no surrogates, no overlong forms. For text of unknown origin that
// must appear in JSON or on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace trellis::codec {

bool is_utf8(std::string_view text);

// The text with U+FFFD in place of each maximal piece that is not UTF-8, as Rust's from_utf8_lossy.
std::string utf8_lossy(std::string_view text);

}  // namespace trellis::codec
