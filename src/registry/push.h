// An artifact from memory to a registry: its blobs, unless they are there, then the manifest that
// makes it whole. Blocking. docs/protocol.md §4.6.
#pragma once

#include <map>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "registry/session.h"

namespace trellis::registry {

struct Push {
  BytesView artifact;
  std::string layer_type, config_type;  // media types
  BytesView config;
  std::map<std::string, std::string> annotations = {};
};

// Under `tag`, in the session's repository. The digest of the manifest: what the artifact can be
// pinned to.
Result<std::string> push(Session& session, const std::string& tag, const Push& what);

}  // namespace trellis::registry
