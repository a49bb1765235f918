// The credentials in a kubeconfig: certificates and keys as data or as files, tokens. For
// kubeconfig.cc; waits for disks.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "base/result.h"
#include "kubernetes/access.h"

namespace trellis::kubernetes {

// An entry of `clusters`, `users` or `contexts`.
struct NamedEntry {
  std::string name;
  boost::json::object body;
  std::string folder;  // of the file it comes from: relative paths begin there
};

// `<key>-data`, which is base64, or the contents of the file `<key>`; "" if there is neither.
Result<std::string> pem_of(const NamedEntry& entry, const std::string& key);

// Errors (invalid) say what of it cannot be used here, and what can.
Result<void> take_user(const NamedEntry& user, Access& access);

}  // namespace trellis::kubernetes
