// An argument that names an artifact, as `inspect` takes it: a file of this machine, or a reference
// that layouts, the cache or a registry answer.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "command.h"
#include "registry_options.h"

namespace trellis::wash {

struct ArtifactArgument {
  RegistryArguments registry;
  std::string artifact, digest;
  bool no_cache = false;
};

// The options that stand beside it; `artifact` itself is the command's own.
void add_artifact_options(CLI::App& command, ArtifactArgument& into);

// The endings are those a file may have that is not there: then the error is about the file.
bool names_a_file(const std::string& artifact, std::initializer_list<std::string_view> endings);

Result<Bytes> artifact_bytes(const Context& context, const ArtifactArgument& argument,
                             bool is_file);

}  // namespace trellis::wash
