// What `wash par inspect` shows of an archive, as scripts of 2022 read it. Pure.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "artifact/provider_archive.h"

namespace trellis::wash {

std::string archive_table(const artifact::ProviderArchive& archive);
boost::json::object archive_json(const artifact::ProviderArchive& archive);

}  // namespace trellis::wash
