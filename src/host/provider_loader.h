// From a reference to a provider's program that can be run: fetched, every signature and hash
// checked, its issuer among those allowed, unpacked into the private folder of programs. Any number
// at once; core 0, the work itself on the threads for it.
#pragma once

#include <string>

#include "artifact/program_folder.h"
#include "artifact/provider_archive.h"
#include "host/parts.h"

namespace trellis::host {

struct LoadedProvider {
  claims::ProviderClaims claims;
  artifact::InstalledProgram program;
  std::string digest;  // "sha256:…" of the artifact; "" when it has none
};

class ProviderLoader {
 public:
  explicit ProviderLoader(Parts& parts) : parts_(parts), folder_(parts.config.providers_dir) {}

  runtime::Task<LoadedProvider> load(std::string reference);

 private:
  Parts& parts_;
  const artifact::ProgramFolder folder_;
};

}  // namespace trellis::host
