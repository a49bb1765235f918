#include "kubernetes/discovery.h"

#include <fmt/format.h>

#include "codec/json.h"

namespace trellis::kubernetes {
namespace {

namespace json = boost::json;

constexpr const char* kSite = "kubernetes.discovery";
constexpr std::size_t kVersionsKeptMax = 256;

std::string base_of(std::string_view api_version) {
  const auto slash = api_version.find('/');
  if (slash == std::string_view::npos) return "/api/" + escaped(api_version);
  return fmt::format("/apis/{}/{}", escaped(api_version.substr(0, slash)),
                     escaped(api_version.substr(slash + 1)));
}

std::vector<Resource> read_list(const json::object& answer, const std::string& base) {
  std::vector<Resource> all;
  const auto* list = answer.if_contains("resources");
  if (list == nullptr || !list->is_array()) return all;
  for (const auto& each : list->get_array()) {
    if (!each.is_object()) continue;
    const auto name = codec::json_string(each.get_object(), "name");
    const auto kind = codec::json_string(each.get_object(), "kind");
    const auto namespaced = codec::json_bool(each.get_object(), "namespaced");
    if (!name || !*name || !kind || !*kind || !namespaced) continue;
    if ((*name)->find('/') != std::string::npos) continue;  // a part of another: pods/status
    all.push_back({**kind, **name, namespaced->value_or(false), base});
  }
  return all;
}

}  // namespace

std::string Resource::path(std::string_view space, std::string_view name) const {
  std::string text = base;
  if (namespaced) text += "/namespaces/" + escaped(space);
  text += "/" + plural;
  if (!name.empty()) text += "/" + escaped(name);
  return text;
}

std::string api_version(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

const Resource* Discovery::known(const std::string& api_version, const std::string& kind) const {
  const auto list = resources_.find(api_version);
  if (list == resources_.end()) return nullptr;
  for (const auto& resource : list->second)
    if (resource.kind == kind) return &resource;
  return nullptr;
}

runtime::Task<Resource> Discovery::find(std::string api_version, std::string kind,
                                        runtime::Deadline deadline) {
  if (const auto* resource = known(api_version, kind)) co_return *resource;
  const auto asked = co_await ask(api_version, deadline);
  if (!asked && asked.error().code != Errc::not_found) co_return fail(asked.error());
  if (const auto* resource = known(api_version, kind)) co_return *resource;
  co_return fail(Errc::not_found, kSite,
                 fmt::format("the API server knows no kind '{}' in '{}'; if it is a custom "
                             "resource, its CustomResourceDefinition is missing",
                             kind, api_version));
}

runtime::Task<void> Discovery::ask(std::string api_version, runtime::Deadline deadline) {
  const auto base = base_of(api_version);
  CO_TRY(const auto answer, co_await api_.call({.path = base}, deadline));
  if (resources_.size() >= kVersionsKeptMax) resources_.clear();
  resources_[api_version] = read_list(answer, base);
  co_return Result<void>{};
}

}  // namespace trellis::kubernetes
