// The limits of this room, per link; and JSON from an API server, which is nested deeper than what
// the rest of the host reads. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.h"
#include "base/units.h"

namespace trellis::kubernetes {

using namespace std::chrono_literals;

inline constexpr std::size_t kRequestsMax = 16;  // to the API server at once
inline constexpr std::size_t kRequestsQueuedMax = 1'000;
inline constexpr std::size_t kAnswerBytesMax = 32_MiB;   // a page of a list
inline constexpr std::size_t kManifestBytesMax = 1_MiB;  // of one call
inline constexpr std::size_t kObjectsMax = 64;           // in them
inline constexpr std::size_t kPageObjects = 500;         // of a list, from the server
inline constexpr std::size_t kListBytesMax = 4_MiB;      // of a list, to the actor
inline constexpr std::size_t kDepthMax = 150;            // schemas of custom resources are deep
inline constexpr auto kLinkTimeout = 3s;                 // until the server has answered

Result<boost::json::value> parse_json(std::string_view text);  // depth ≤ kDepthMax

}  // namespace trellis::kubernetes
