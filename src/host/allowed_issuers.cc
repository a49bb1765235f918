#include "host/allowed_issuers.h"

#include <fmt/format.h>

#include <algorithm>

#include "claims/nkey.h"

namespace trellis::host {

Result<AllowedIssuers> AllowedIssuers::parse(std::string variable,
                                             std::vector<std::string> accounts) {
  for (const auto& account : accounts) {
    if (auto key = claims::PublicKey::parse(account, claims::KeyType::account); !key) {
      return fail(Errc::invalid, "host.config",
                  fmt::format("{}: '{}' is not an account key (A…, 56 characters): {}", variable,
                              account, key.error().detail));
    }
  }
  AllowedIssuers allowed;
  allowed.variable_ = std::move(variable);
  allowed.accounts_ = std::move(accounts);
  return allowed;
}

Result<void> AllowedIssuers::check(std::string_view what, std::string_view issuer) const {
  if (accounts_.empty() || std::find(accounts_.begin(), accounts_.end(), issuer) != accounts_.end())
    return {};
  return fail(
      Errc::denied, "host.issuer",
      fmt::format("{} is signed by {}, which is not among the accounts that {} of this host "
                  "allows; sign it with one of those, or add this one there and start the "
                  "host again",
                  what, issuer, variable_));
}

}  // namespace trellis::host
