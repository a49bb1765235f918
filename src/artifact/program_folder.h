// Programs unpacked to be run: a private folder in which each lies under the digest of its bytes,
// so that two archives of one revision never take each other's place and a changed file is noticed.
// Used by the host, which checks a program each time before it runs it. Blocking; safe from any
// thread and process.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::artifact {

struct InstalledProgram {
  std::string path;
  std::string hash;  // SHA-256 of what must lie there, upper-case hex
};

class ProgramFolder {
 public:
  explicit ProgramFolder(std::string dir) : dir_(std::move(dir)) {}

  // Makes sure that it lies there whole and can be run. `name` is what a list of processes shows;
  // letters and digits of it are kept. Errors: denied (the folder is not ours alone, or cannot be
  // written), exhausted (no space).
  Result<InstalledProgram> install(BytesView program, std::string_view name) const;

  // not_found when it was removed, corrupt when it was changed.
  static Result<void> check(const InstalledProgram& program);

 private:
  std::string dir_;
};

}  // namespace trellis::artifact
