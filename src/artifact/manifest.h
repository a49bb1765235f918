// An OCI image manifest as far as artifacts need it: which blobs, of which type. Pure.
#pragma once

#include <cstddef>
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
};

Result<Descriptor> parse_descriptor(const codec::json::value& value);
Result<Manifest> parse_manifest(std::string_view text);
codec::json::object to_json(const Descriptor& descriptor);
std::string write_manifest(const Manifest& manifest);

// Every layer is of a kind that can be a module or a provider archive, and together they fit.
Result<void> check_layers(const Manifest& manifest, std::string_view reference,
                          std::size_t bytes_max);

}  // namespace trellis::artifact
