// What a reference leads to: an OCI image manifest (which blobs, of which type), or an index that
// names several manifests. Docker's older forms of both read the same. Pure, fuzzed: what is parsed
// here comes from whoever runs a registry.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace trellis::artifact {

struct Descriptor {
  std::string media_type;
  std::string digest;  // checked to be one (reference.h)
  std::size_t size = 0;
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  // at least one
  std::map<std::string, std::string> annotations = {};
};

struct IndexEntry {
  Descriptor manifest;
  std::string os, architecture;  // "" when it does not say
  bool is_attestation = false;   // says something about another entry; nothing to run
};

// Either `index` has entries or `manifest` has layers.
struct Document {
  Manifest manifest;
  std::vector<IndexEntry> index;
};

Result<Descriptor> parse_descriptor(const codec::json::value& value);
Result<Document> parse_document(std::string_view text);
// A document that is a manifest, and nothing else will do.
Result<Manifest> parse_manifest(std::string_view text);

// The entry meant for hosts: the only one there is, or the one for Wasm, or the one for this
// machine's processor (provider archives). `reference` is named in the error.
Result<Descriptor> choose(const std::vector<IndexEntry>& index, std::string_view reference);

codec::json::object to_json(const Descriptor& descriptor);
std::string write_manifest(const Manifest& manifest);

// Every layer is of a kind that can be a module or a provider archive, and together they fit.
Result<void> check_layers(const Manifest& manifest, std::string_view reference,
                          std::size_t bytes_max);

}  // namespace trellis::artifact
