// Which built-in provider a copy of this program is. A host starts it without arguments, so its
// name stands at the program's own end, as a line of text: "[trellis-provider: keyvalue]". What
// loads programs does not look there. Used by pack, which writes it, and at the start, which reads
// it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::provider_app {

// The program with that name at its end, in place of another it may have had.
Bytes with_name(Bytes program, std::string_view name);

// The name at the end of a program, or of the last kTrailerBytesMax bytes of one; nothing when it
// has none. Error `corrupt`: it begins there and is not whole.
inline constexpr std::size_t kTrailerBytesMax = 128;
Result<std::optional<std::string>> name_in(BytesView program);

// Of the program that runs. Blocking.
Result<std::optional<std::string>> own_name();
Result<Bytes> own_program();

}  // namespace trellis::provider_app
