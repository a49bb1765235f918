// A host's name becomes its addresses. The system's resolver blocks and cannot be told to end, so
// it runs on asio's thread for that; who gives up leaves at once and the answer is dropped.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "runtime/core.h"

namespace trellis::runtime {

// On any core. Not empty. Errors: not_found with the resolver's words, timeout, cancelled.
Task<std::vector<boost::asio::ip::tcp::endpoint>> look_up(std::string host, std::uint16_t port,
                                                          Deadline deadline);

}  // namespace trellis::runtime
