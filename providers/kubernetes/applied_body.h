// What is put into an object, and left out of it, before it is applied; used by the cluster. Pure.
#pragma once

#include <boost/json/object.hpp>

#include "base/result.h"

namespace trellis::kubernetes {

// Takes away what only the server writes, as in an object that was read.
void strip(boost::json::object& object);

// Kubernetes writes down who set which fields. Of an object that is nothing but a name, such as a
// plain Namespace, nobody would be known to have made it.
void sign_if_empty(boost::json::object& object);

// The server refuses to apply to another object than the one that was looked at.
void name_the_one_there(boost::json::object& object, const boost::json::object& there);

// Whether it was refused for that, in the API server's words: another object is in its place, or
// none is.
bool was_replaced(const Error& error);

}  // namespace trellis::kubernetes
