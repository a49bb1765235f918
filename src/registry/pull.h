// An artifact from a registry into memory, once, with every blob's size and digest compared as it
// comes. Blocking. docs/protocol.md §4.6.
#pragma once

#include <string>
#include <vector>

#include "artifact/layout.h"
#include "artifact/manifest.h"
#include "artifact/reference.h"
#include "base/bytes.h"
#include "base/result.h"
#include "registry/session.h"

namespace trellis::registry {

// A manifest or an index as it came, and what it says.
struct Found {
  std::string digest, media_type;
  Bytes text;
  artifact::Document document;
};

struct Pulled {
  Found top;                  // what the reference names
  std::vector<Found> chosen;  // one manifest, when `top` is an index
  std::vector<artifact::Descriptor> layers;
  Bytes bytes;  // of all layers, one after the other

  // Views into this, for a cache.
  std::vector<artifact::Layout::Blob> blobs() const;
};

// What the reference leads to. corrupt when the bytes are not those that were asked for.
Result<Found> find(Session& session, const artifact::Reference& reference);
// And what that needs.
Result<Pulled> pull(Session& session, Found top, const artifact::Reference& reference);

}  // namespace trellis::registry
