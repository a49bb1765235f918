#include "kubernetes/kubernetes_provider.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/sentences.h"
#include "kubernetes/cluster.h"
#include "kubernetes/settings.h"

namespace trellis::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSite = "kubernetes";
constexpr auto kOnItsWay = 1s;  // for a link that the lattice knows already
constexpr auto kPoll = 5ms;

// What the API server, or the way to it, has against it is an answer; only what this host stops is
// not.
Result<Bytes> answered(Result<void> done) {
  if (!done && done.error().code == Errc::cancelled) return fail(std::move(done).error());
  return capability::encode_operation_response(done ? "" : done.error().detail);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

Cluster::Query query_of(const capability::KubernetesQuery& asked) {
  return {.api_version = api_version(asked.group, asked.version),
          .kind = std::string(asked.kind),
          .name = std::string(asked.name),
          .space = std::string(asked.namespace_),
          .label_selector = std::string(asked.label_selector)};
}

Result<void> check_type(const capability::KubernetesQuery& query) {
  if (!query.version.empty() && !query.kind.empty()) return {};
  return fail(Errc::invalid, kSite, "the request names no version or no kind");
}

}  // namespace

KubernetesProvider::KubernetesProvider(capability::ProviderContext context, Environment environment)
    : context_(std::move(context)),
      environment_(std::move(environment)),
      owner_(parse_owner(environment_.owner)) {}
KubernetesProvider::~KubernetesProvider() = default;

// --- links ---

runtime::Task<void> KubernetesProvider::link_put(lattice::Link link) {
  const std::string actor = link.actor_id;
  forget(actor);
  const auto opened = co_await open(std::move(link));
  links_[actor] = {.cluster = opened ? *opened : nullptr, .missing_rights = {}};
  if (!opened) co_return fail(opened.error());
  const auto cluster = *opened;
  const auto deadline = runtime::Deadline::in(limits::kKubernetesLinkTimeout);
  if (auto there = co_await cluster->check(deadline); !there) {
    Error error = std::move(there).error();
    error.detail.insert(0, "Unable to connect to the Kubernetes API server: ");
    co_return fail(std::move(error));
  }
  CO_TRY(const auto missing, co_await cluster->missing_rights(deadline));
  if (const auto found = links_.find(actor); found != links_.end() && !missing.empty()) {
    found->second.missing_rights = fmt::format(
        "these credentials may not {} in namespace '{}'; the chart's value "
        "wasmcloud.enableApplierSupport=true permits it",
        joined(missing), cluster->access().default_namespace);
  }
  LOG(info, "kubernetes: actor {} uses {} with {}, namespace '{}'", actor, cluster->access().server,
      cluster->access().source, cluster->access().default_namespace);
  co_return Result<void>{};
}

runtime::Task<std::shared_ptr<Cluster>> KubernetesProvider::open(lattice::Link link) {
  CO_TRY(const auto settings, parse_settings(link));
  if (!owner_ && settings.owned) co_return fail(owner_.error());
  std::function<Result<Access>()> load = [&settings, this] {
    return load_access(settings, environment_);
  };
  CO_TRY(auto access, co_await offload_.run<Access>(std::move(load)));
  ClusterOptions options{.adopt = settings.adopt, .owner = {}};
  if (settings.owned) options.owner = *owner_;
  co_return std::make_shared<Cluster>(runtime::Core::current(), offload_, std::move(access),
                                      std::move(options));
}

std::string KubernetesProvider::warning_about(const lattice::Link& link) const {
  const auto found = links_.find(link.actor_id);
  const auto missing = found == links_.end() ? std::string() : found->second.missing_rights;
  return and_then(oddities_of(link), missing);
}

runtime::Task<void> KubernetesProvider::link_delete(lattice::Link link) {
  forget(link.actor_id);
  co_return Result<void>{};
}

// Calls under way over it fail as cancelled.
void KubernetesProvider::forget(const std::string& actor_id) {
  const auto node = links_.extract(actor_id);
  if (!node.empty() && node.mapped().cluster) node.mapped().cluster->close();
}

// --- calls ---

runtime::Task<Bytes> KubernetesProvider::handle(const lattice::Link& link,
                                                std::string_view operation, BytesView payload,
                                                runtime::Deadline deadline) {
  if (link.actor_id.empty())
    co_return fail(Errc::invalid, kSite, "Actor ID does not exist on request");
  std::function<runtime::Task<Bytes>()> call = [this, actor = link.actor_id, operation, payload,
                                                deadline] {
    return on_core_0(actor, operation, payload, deadline);
  };
  co_return co_await context_.cores.run_on<Bytes>(0, std::move(call));
}

runtime::Task<Bytes> KubernetesProvider::on_core_0(std::string actor_id, std::string_view operation,
                                                   BytesView payload, runtime::Deadline deadline) {
  const bool repair = operation == capability::kRepair;
  const bool known = repair || operation == capability::kApply ||
                     operation == capability::kDelete || operation == capability::kList;
  if (!known)
    co_return fail(Errc::not_found, kSite, fmt::format("method not handled {}", operation));
  CO_TRY(const auto cluster, co_await cluster_of(std::move(actor_id), deadline));
  if (operation == capability::kDelete) co_return co_await remove(cluster, payload, deadline);
  if (operation == capability::kList) co_return co_await list(cluster, payload, deadline);
  co_return co_await apply(cluster, repair, payload, deadline);
}

// The lattice, and so the actor, may hear of a link before this provider has opened it: what is
// neither there nor wrong is on its way.
runtime::Task<std::shared_ptr<Cluster>> KubernetesProvider::cluster_of(std::string actor_id,
                                                                       runtime::Deadline deadline) {
  const auto until = deadline.earlier_of(runtime::Deadline::in(kOnItsWay));
  while (!links_.contains(actor_id) && !until.expired())
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kPoll)));
  const auto found = links_.find(actor_id);
  if (found != links_.end() && found->second.cluster) co_return found->second.cluster;
  co_return fail(Errc::unavailable, kSite,
                 fmt::format("No link registered for actor {}; if there is one, `wash ctl link "
                             "query` says why it does not work",
                             actor_id));
}

runtime::Task<Bytes> KubernetesProvider::apply(std::shared_ptr<Cluster> cluster, bool repair,
                                               BytesView payload, runtime::Deadline deadline) {
  Bytes storage;
  CO_TRY(const auto text, capability::decode_manifests(payload, storage));
  using Manifests = std::vector<Manifest>;
  std::function<Result<Manifests>()> parse = [text] { return parse_manifests(as_text(text)); };
  CO_TRY(auto manifests, co_await offload_.run<Manifests>(std::move(parse)));
  co_return answered(
      co_await cluster->apply(std::move(manifests), repair ? Mode::repair : Mode::apply, deadline));
}

runtime::Task<Bytes> KubernetesProvider::remove(std::shared_ptr<Cluster> cluster, BytesView payload,
                                                runtime::Deadline deadline) {
  CO_TRY(const auto asked, capability::decode_delete_request(payload));
  CO_TRY_OK(check_type(asked));
  if (asked.name.empty()) co_return fail(Errc::invalid, kSite, "the request names no object");
  co_return answered(co_await cluster->remove(query_of(asked), deadline));
}

runtime::Task<Bytes> KubernetesProvider::list(std::shared_ptr<Cluster> cluster, BytesView payload,
                                              runtime::Deadline deadline) {
  CO_TRY(const auto asked, capability::decode_list_request(payload));
  CO_TRY_OK(check_type(asked));
  const auto objects = co_await cluster->list(query_of(asked), deadline);
  if (!objects && objects.error().code == Errc::cancelled) co_return fail(objects.error());
  co_return capability::encode_list_response(objects ? "" : objects.error().detail,
                                             objects ? *objects : "[]");
}

// --- the rest ---

// A server that is away shows at each call; asking it all the time would say no more.
runtime::Task<void> KubernetesProvider::health() { co_return Result<void>{}; }

runtime::Task<void> KubernetesProvider::stop(runtime::Deadline) {
  for (const auto& [actor, linked] : links_)
    if (linked.cluster) linked.cluster->close();
  links_.clear();
  co_return Result<void>{};
}

}  // namespace trellis::kubernetes
