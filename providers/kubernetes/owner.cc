#include "kubernetes/owner.h"

#include <fmt/format.h>

#include <vector>

#include "base/log.h"

namespace trellis::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr auto kUidAge = 60s;

}  // namespace

Result<std::optional<OwnerName>> parse_owner(std::string_view text) {
  if (text.empty()) return std::optional<OwnerName>();
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  bool whole = parts.size() == 3 || parts.size() == 4;
  for (const auto& part : parts) whole = whole && !part.empty();
  if (!whole) {
    return fail(Errc::invalid, "kubernetes.owner",
                fmt::format("TRELLIS_KUBERNETES_OWNER '{}' is not of the form "
                            "apps/v1/Deployment/<name>",
                            text));
  }
  const auto count = parts.size();
  return std::optional<OwnerName>(
      OwnerName{.api_version = count == 4 ? parts[0] + "/" + parts[1] : parts[0],
                .kind = parts[count - 2],
                .name = parts[count - 1]});
}

runtime::Task<std::optional<boost::json::object>> Owner::reference(runtime::Deadline deadline) {
  using Reference = std::optional<boost::json::object>;
  if (!name_) co_return Reference();
  const auto now = std::chrono::steady_clock::now();
  if (!read_at_ || now - *read_at_ > kUidAge) {
    auto uid = co_await ask(deadline);
    const bool ends =
        !uid && (uid.error().code == Errc::cancelled || uid.error().code == Errc::not_found);
    if (ends) {
      forget();
      co_return fail(uid.error());
    }
    if (!uid && !warned_) {
      warned_ = true;
      LOG(warn,
          "kubernetes: objects are applied without an owner and outlive the release: the {} '{}' "
          "cannot be read: {}",
          name_->kind, name_->name, uid.error().detail);
    }
    uid_ = uid.value_or("");
    read_at_ = now;
  }
  if (uid_.empty()) co_return Reference();
  co_return Reference(boost::json::object{{"apiVersion", name_->api_version},
                                          {"kind", name_->kind},
                                          {"name", name_->name},
                                          {"uid", uid_}});
}

Error Owner::gone() const {
  return {Errc::not_found, "kubernetes.owner",
          fmt::format("the owner, {} '{}' in namespace {}, is gone: this release is being "
                      "uninstalled, and nothing is made for it (or TRELLIS_KUBERNETES_OWNER names "
                      "another one)",
                      name_->kind, name_->name, api_.access().default_namespace)};
}

runtime::Task<std::string> Owner::ask(runtime::Deadline deadline) {
  const auto resource = co_await discovery_.find(name_->api_version, name_->kind, deadline);
  if (!resource) {
    auto error = resource.error();
    if (error.code == Errc::not_found) error.code = Errc::invalid;  // no such kind: not "gone"
    co_return fail(std::move(error));
  }
  const auto object = co_await api_.call(
      {.path = resource->path(api_.access().default_namespace, name_->name)}, deadline);
  if (!object) co_return fail(object.error().code == Errc::not_found ? gone() : object.error());
  const auto* metadata = member(*object, "metadata");
  co_return std::string(metadata == nullptr ? std::string_view() : text(*metadata, "uid"));
}

}  // namespace trellis::kubernetes
