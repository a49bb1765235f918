// The page at "/": what runs on this host, as HTML without script. Pure: values in, text out,
// everything escaped.
#pragma once

#include <string>

#include <boost/json/array.hpp>

#include "control/messages.h"

namespace trellis::console {

std::string status_page(const control::HostDescription& host,
                        const control::HostInventory& inventory, const boost::json::array& links,
                        const std::string& bus);

}  // namespace trellis::console
