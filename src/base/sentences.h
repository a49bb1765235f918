// Text for a person, put together from sentences. Pure.
#pragma once

#include <string>
#include <string_view>

namespace trellis {

// The first, then the next, with a full stop between unless the first ends as a sentence does.
// Either may be "".
std::string and_then(std::string first, std::string_view next);

}  // namespace trellis
