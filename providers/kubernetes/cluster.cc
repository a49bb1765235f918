#include "kubernetes/cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/sentences.h"
#include "codec/json.h"
#include "kubernetes/applied_body.h"

namespace trellis::kubernetes {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr const char* kSite = "kubernetes";
constexpr auto kAskAgain = 50ms;  // for a kind that was defined a moment ago

tl::unexpected<Error> not_fetched(Error error) {
  if (error.code != Errc::not_found) error.detail.insert(0, "Unable to fetch object from API: ");
  return fail(std::move(error));
}

// Others need them to be there.
bool comes_first(const Manifest& manifest) {
  return manifest.kind == "Namespace" || manifest.kind == "CustomResourceDefinition";
}

std::string with_query(std::string path, const std::string& query) { return path + "?" + query; }

}  // namespace

Cluster::Cluster(runtime::Core& core, runtime::Offload& offload, Access access,
                 ClusterOptions options)
    : api_(core, offload, std::move(access)),
      discovery_(api_),
      owner_(api_, discovery_, options.owner),
      options_(std::move(options)) {}

runtime::Task<void> Cluster::check(runtime::Deadline deadline) {
  CO_TRY_OK(co_await api_.call({.path = "/version"}, deadline));
  co_return Result<void>{};
}

std::string Cluster::space_of(const Resource& resource, const std::string& wanted) const {
  if (!resource.namespaced) return {};
  return wanted.empty() ? api_.access().default_namespace : wanted;
}

Result<void> Cluster::check_ours(const Object& there, std::string_view kind, std::string_view name,
                                 std::string_view space) const {
  const auto why = options_.adopt ? std::string() : why_foreign(there, owner_.name());
  if (why.empty()) return {};
  const auto where = space.empty() ? "in the cluster" : fmt::format("in namespace {}", space);
  return fail(Errc::denied, kSite,
              fmt::format("a {} named {} is already {} and {}: rename or delete it, or set "
                          "ADOPT=allow on the link",
                          kind, name, where, why));
}

// --- apply ---

runtime::Task<void> Cluster::apply(std::vector<Manifest> manifests, Mode mode,
                                   runtime::Deadline deadline) {
  Failures failures{.of = manifests.size(), .said = {}};
  std::vector<const Manifest*> first, then;
  for (const auto& manifest : manifests)
    (comes_first(manifest) ? first : then).push_back(&manifest);
  for (const auto* manifest : first)
    CO_TRY_OK(co_await apply_into(manifest, mode, deadline, &failures));
  CO_TRY_OK(co_await apply_all(std::move(then), mode, deadline, &failures));
  if (failures.said.empty()) co_return Result<void>{};
  std::string all;
  for (const auto& said : failures.said) all = and_then(std::move(all), said);
  co_return fail(failures.code, kSite, std::move(all));
}

// Kinds are looked up one after the other, so that one answer of the server serves all; how many
// requests there are at once is the API client's business.
runtime::Task<void> Cluster::apply_all(std::vector<const Manifest*> manifests, Mode mode,
                                       runtime::Deadline deadline, Failures* failures) {
  for (const auto* manifest : manifests)
    (void)co_await resource_of(manifest->api_version, manifest->kind, deadline);
  runtime::TaskGroup group(runtime::Core::current());
  for (const auto* manifest : manifests)
    group.spawn("applying an object", apply_into(manifest, mode, deadline, failures));
  Result<void> joined;
  while (group.size() > 0) {  // each ends at the deadline by itself
    joined = co_await group.join(runtime::Deadline::in(deadline.remaining() + 1s));
    if (!joined) group.cancel();
  }
  co_return joined;
}

runtime::Task<void> Cluster::apply_into(const Manifest* manifest, Mode mode,
                                        runtime::Deadline deadline, Failures* failures) {
  const auto applied = co_await apply_one(manifest, mode, deadline);
  if (applied) co_return Result<void>{};
  const auto& error = applied.error();
  failures->code = error.code;
  failures->said.push_back(
      failures->of == 1 ? error.detail : fmt::format("{}: {}", manifest->title(), error.detail));
  co_return Result<void>{};
}

// What was replaced since it was looked at is looked at once more.
runtime::Task<void> Cluster::apply_one(const Manifest* manifest, Mode mode,
                                       runtime::Deadline deadline) {
  auto applied = co_await apply_once(*manifest, mode, deadline);
  if (!applied && was_replaced(applied.error()))
    applied = co_await apply_once(*manifest, mode, deadline);
  co_return applied;
}

runtime::Task<void> Cluster::apply_once(Manifest manifest, Mode mode, runtime::Deadline deadline) {
  const auto resource = co_await resource_of(manifest.api_version, manifest.kind, deadline);
  if (!resource) co_return not_fetched(resource.error());
  const auto space = space_of(*resource, manifest.space);
  const auto path = resource->path(space, manifest.name);
  auto there = co_await api_.call({.path = path}, deadline);
  if (!there && there.error().code != Errc::not_found) co_return not_fetched(there.error());
  strip(manifest.object);
  if (there) {
    CO_TRY_OK(check_ours(*there, manifest.kind, manifest.name, space));
    CO_TRY_OK(co_await take_back(path, *there, mode == Mode::repair, deadline));
  }
  CO_TRY_OK(co_await add_owner(manifest.object, there ? &*there : nullptr, space, deadline));
  sign_if_empty(manifest.object);
  if (there) name_the_one_there(manifest.object, *there);
  const auto query = fmt::format("fieldManager={}{}", kFieldManager,
                                 there && mode == Mode::repair ? "&force=true" : "");
  auto applied = co_await api_.call({.method = "PATCH",
                                     .path = with_query(path, query),
                                     .body = codec::json_write(manifest.object),
                                     .content_type = "application/apply-patch+yaml"},
                                    deadline);
  if (!applied) {
    if (applied.error().detail.find("ownerReferences") != std::string::npos) owner_.forget();
    co_return fail(applied.error());
  }
  if (manifest.kind == "CustomResourceDefinition") {
    const auto* spec = member(manifest.object, "spec");
    const auto* names = spec == nullptr ? nullptr : member(*spec, "names");
    if (names != nullptr && kinds_made_.size() < limits::kKubernetesObjectsMax)
      kinds_made_.emplace_back(text(*names, "kind"));
  }
  co_return Result<void>{};
}

// The server knows a kind a moment after it took its definition.
runtime::Task<Resource> Cluster::resource_of(std::string api_version, std::string kind,
                                             runtime::Deadline deadline) {
  while (true) {
    auto found = co_await discovery_.find(api_version, kind, deadline);
    const bool soon = std::find(kinds_made_.begin(), kinds_made_.end(), kind) != kinds_made_.end();
    if (found) std::erase(kinds_made_, kind);
    if (found || !soon || found.error().code != Errc::not_found || deadline.expired())
      co_return found;
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(
        deadline.earlier_of(runtime::Deadline::in(kAskAgain))));
  }
}

runtime::Task<void> Cluster::take_back(std::string path, Object object, bool all,
                                       runtime::Deadline deadline) {
  auto entries = taken_over(object, all);
  if (!entries) co_return Result<void>{};
  const auto* metadata = member(object, "metadata");
  const json::array patch{
      json::object{
          {"op", "replace"}, {"path", "/metadata/managedFields"}, {"value", *std::move(entries)}},
      json::object{{"op", "replace"},  // refused if somebody wrote it meanwhile
                   {"path", "/metadata/resourceVersion"},
                   {"value", std::string(text(*metadata, "resourceVersion"))}}};
  CO_TRY_OK(co_await api_.call(
      {.method = "PATCH",
       .path = with_query(std::move(path), fmt::format("fieldManager={}", kFieldManager)),
       .body = codec::json_write(patch),
       .content_type = "application/json-patch+json"},
      deadline));
  co_return Result<void>{};
}

// While the owner cannot be read the reference that is there stays; to leave it out would remove
// it. Nothing is made for an owner that is gone: it would outlive the release.
runtime::Task<void> Cluster::add_owner(Object& object, const Object* there, std::string space,
                                       runtime::Deadline deadline) {
  if (owner_.name() == nullptr || space != api_.access().default_namespace)
    co_return Result<void>{};
  auto owner = co_await owner_.reference(deadline);
  const bool gone = !owner && owner.error().code == Errc::not_found;
  if (!owner && !(gone && there != nullptr)) co_return fail(owner.error());
  auto reference = gone ? std::nullopt : *std::move(owner);
  if (!reference && there != nullptr) {
    if (const auto* kept = reference_to(*there, *owner_.name())) reference = *kept;
  }
  if (!reference) co_return Result<void>{};
  auto& references = object["metadata"].get_object()["ownerReferences"];
  if (!references.is_array()) references = json::array();
  auto& list = references.get_array();
  const auto same = [uid = text(*reference, "uid")](const json::value& each) {
    return each.is_object() && text(each.get_object(), "uid") == uid;
  };
  list.erase(std::remove_if(list.begin(), list.end(), same), list.end());
  list.push_back(*std::move(reference));
  co_return Result<void>{};
}

// --- delete, list ---

runtime::Task<void> Cluster::remove(Query query, runtime::Deadline deadline) {
  auto resource = co_await resource_of(query.api_version, query.kind, deadline);
  if (!resource) {  // no such kind: no such object
    if (resource.error().code == Errc::not_found) co_return Result<void>{};
    co_return not_fetched(resource.error());
  }
  const auto space = space_of(*resource, query.space);
  const auto path = resource->path(space, query.name);
  const auto there = co_await api_.call({.path = path}, deadline);
  if (!there) {
    if (there.error().code == Errc::not_found) co_return Result<void>{};
    co_return not_fetched(there.error());
  }
  CO_TRY_OK(check_ours(*there, query.kind, query.name, space));
  const auto* metadata = member(*there, "metadata");
  json::object options{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (metadata != nullptr)  // that one, and not what took its place meanwhile
    options["preconditions"] = json::object{{"uid", std::string(text(*metadata, "uid"))}};
  const auto done = co_await api_.call(
      {.method = "DELETE", .path = path, .body = codec::json_write(options)}, deadline);
  if (!done && done.error().code != Errc::not_found) co_return fail(done.error());
  co_return Result<void>{};
}

runtime::Task<std::string> Cluster::list(Query query, runtime::Deadline deadline) {
  CO_TRY(const auto resource, co_await resource_of(query.api_version, query.kind, deadline));
  const auto path = resource.path(space_of(resource, query.space));
  std::string all = "[", next;
  do {
    auto parameters = fmt::format("limit={}", limits::kKubernetesPageObjects);
    if (!query.label_selector.empty())
      parameters += "&labelSelector=" + escaped(query.label_selector);
    if (!next.empty()) parameters += "&continue=" + escaped(next);
    CO_TRY(auto page, co_await api_.call({.path = with_query(path, parameters)}, deadline));
    if (auto* items = page["items"].if_array()) {
      for (auto& item : *items) {
        if (!item.is_object() || !is_listed(item.get_object(), owner_.name())) continue;
        item.get_object()["metadata"].get_object().erase("managedFields");
        all += (all.size() > 1 ? "," : "") + codec::json_write(item);
      }
    }
    if (all.size() > limits::kKubernetesListBytesMax)
      co_return fail(Errc::exhausted, kSite,
                     fmt::format("the list has more than {} bytes; ask for less with a label "
                                 "selector",
                                 limits::kKubernetesListBytesMax));
    const auto* metadata = member(page, "metadata");
    next = metadata == nullptr ? "" : std::string(text(*metadata, "continue"));
  } while (!next.empty());
  co_return all + "]";
}

// --- rights ---

runtime::Task<std::vector<std::string>> Cluster::missing_rights(runtime::Deadline deadline) {
  std::vector<std::string> missing;
  for (const auto* verb : {"get", "list", "create", "patch", "delete"}) {
    const json::object review{
        {"apiVersion", "authorization.k8s.io/v1"},
        {"kind", "SelfSubjectAccessReview"},
        {"spec", json::object{{"resourceAttributes",
                               json::object{{"namespace", api_.access().default_namespace},
                                            {"verb", verb},
                                            {"group", ""},
                                            {"resource", "services"}}}}}};
    const auto answer =
        co_await api_.call({.method = "POST",
                            .path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                            .body = codec::json_write(review)},
                           deadline);
    if (!answer) {
      if (answer.error().code == Errc::cancelled) co_return fail(answer.error());
      co_return std::vector<std::string>();
    }
    const auto* status = member(*answer, "status");
    const auto* allowed = status == nullptr ? nullptr : status->if_contains("allowed");
    if (allowed != nullptr && allowed->is_bool() && !allowed->get_bool())
      missing.push_back(fmt::format("{} services", verb));
  }
  co_return missing;
}

}  // namespace trellis::kubernetes
