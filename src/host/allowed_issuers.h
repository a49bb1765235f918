// Which accounts may sign what this host starts: one list for actors, one for providers, each from
// a variable of its own (docs/configuration.md). An empty list lets everybody sign, as 2022 did.
// Read with the configuration, immutable since; asked by ActorTable and ProviderLoader as soon as
// the signature has been checked, before anything is compiled or unpacked. Pure; any core.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trellis::host {

class AllowedIssuers {
 public:
  AllowedIssuers() = default;  // everybody
  // `accounts` are the words of `variable`, an environment variable; the error names it and the
  // word that is no account key.
  static Result<AllowedIssuers> parse(std::string variable, std::vector<std::string> accounts);

  // `what` is being started: "actor MBCF… (Echo)". The error is `denied` and names it, its issuer
  // and the variable.
  Result<void> check(std::string_view what, std::string_view issuer) const;

 private:
  std::string variable_;
  std::vector<std::string> accounts_;  // A…
};

}  // namespace trellis::host
