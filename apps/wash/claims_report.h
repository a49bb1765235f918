// The claims of an actor as `wash claims inspect` shows them. Pure.
#pragma once

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

#include "claims/claims.h"

namespace trellis::wash {

std::string claims_table(const claims::ActorClaims& claims, std::uint64_t now);
boost::json::object claims_json(const claims::ActorClaims& claims, std::uint64_t now);

}  // namespace trellis::wash
