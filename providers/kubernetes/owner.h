// The object that ours belong to, from TRELLIS_KUBERNETES_OWNER: "apps/v1/Deployment/<name>" in the
// namespace of the link. Its uid is asked for now and then, since what is made anew has another.
// One per link; core 0.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "kubernetes/discovery.h"
#include "kubernetes/ownership.h"

namespace trellis::kubernetes {

// Errors (invalid): not of that form. "" is nobody.
Result<std::optional<OwnerName>> parse_owner(std::string_view text);

class Owner {
 public:
  Owner(ApiClient& api, Discovery& discovery, std::optional<OwnerName> name)
      : api_(api), discovery_(discovery), name_(std::move(name)) {}

  const OwnerName* name() const { return name_ ? &*name_ : nullptr; }

  // What goes into metadata.ownerReferences; nullopt when there is no owner, or it cannot be read,
  // which the log says once. Errors: not_found (the owner is gone), cancelled.
  runtime::Task<std::optional<boost::json::object>> reference(runtime::Deadline deadline);
  void forget() { read_at_.reset(); }  // it was refused: the next asks anew

 private:
  runtime::Task<std::string> ask(runtime::Deadline deadline);
  Error gone() const;

  ApiClient& api_;
  Discovery& discovery_;
  const std::optional<OwnerName> name_;
  std::string uid_;  // "": it could not be read
  std::optional<std::chrono::steady_clock::time_point> read_at_;
  bool warned_ = false;
};

}  // namespace trellis::kubernetes
