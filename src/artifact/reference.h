// What a user writes to name an artifact, taken apart. A value; pure.
//   wasmcloud.azurecr.io/echo:0.3.4            registry, repository, tag
//   localhost:5000/a/b:1.0@sha256:<64 hex>     pinned: only these bytes are accepted
//   file:///path/to/echo_s.wasm                a file of this machine
// Grammar: the OCI distribution specification; what 2022 did with it: docs/protocol.md §4.6.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace trellis::artifact {

struct Reference {
  enum class Kind { oci, file };
  Kind kind = Kind::oci;
  std::string text;  // as written, without an "oci://" in front

  // oci
  std::string registry;    // host[:port]; "" when none was written
  std::string repository;  // path in the registry
  std::string tag;         // "" when none was written
  std::string digest;      // "sha256:…", "" when not pinned

  // file
  std::string path;

  std::string name() const;  // registry/repository
  std::string tagged()
      const;  // registry/repository:tag, without the pin; what a layout's index calls it
  bool is_latest() const;  // says "latest", or says neither tag nor digest, which means the same
};

// Errors (invalid) say which part is wrong and show a right one.
Result<Reference> parse_reference(std::string_view text);

// How the file with this absolute path is written as a reference: file:// and the path, with what
// does not belong into a URL as %xx.
std::string file_reference(std::string_view path);

// "sha256:" and 64 lower-case hex digits: the only digests accepted, and safe as part of a path.
bool is_digest(std::string_view text);

}  // namespace trellis::artifact
