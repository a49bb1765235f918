// What others wrote (a registry, a manifest) made fit for a sentence of ours: as much of it as can
// be read, without what would move a terminal's cursor or start another line. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trellis::artifact {

std::string shown(std::string_view foreign, std::size_t bytes_max = 200);

}  // namespace trellis::artifact
