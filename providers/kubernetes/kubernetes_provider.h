// The cosmonic:kubernetes_applier provider: objects that actors apply to, delete from and list in a
// Kubernetes cluster. A link is credentials; without values they are inferred. Everything happens
// on core 0, where each link has its Cluster: calls are few, and each waits for an API server.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "capability/kubernetes_contract.h"
#include "capability/provider.h"
#include "kubernetes/access.h"
#include "kubernetes/owner.h"
#include "runtime/offload.h"

namespace trellis::kubernetes {

inline constexpr std::string_view kPublicKey =
    "VABIBJH27SGGP2TYL33GYMXO6GVPTRP6YSWMW7KADDKIWNEKS6JWIUYX";

class Cluster;

class KubernetesProvider final : public capability::Provider {
 public:
  explicit KubernetesProvider(capability::ProviderContext context)
      : KubernetesProvider(std::move(context), Environment::of_process()) {}
  KubernetesProvider(capability::ProviderContext context, Environment environment);
  ~KubernetesProvider() override;

  // Fails when the credentials cannot be read, or no API server answers; in the latter case calls
  // try, and say so themselves.
  runtime::Task<void> link_put(lattice::Link link) override;
  std::string warning_about(const lattice::Link& link) const override;
  runtime::Task<void> link_delete(lattice::Link link) override;
  runtime::Task<Bytes> handle(const lattice::Link& link, std::string_view operation,
                              BytesView payload, runtime::Deadline deadline) override;
  runtime::Task<void> health() override;
  runtime::Task<void> stop(runtime::Deadline deadline) override;

 private:
  struct Linked {
    std::shared_ptr<Cluster> cluster;  // null: its values are wrong
    std::string missing_rights;
  };
  runtime::Task<std::shared_ptr<Cluster>> open(lattice::Link link);
  runtime::Task<std::shared_ptr<Cluster>> cluster_of(std::string actor_id,
                                                     runtime::Deadline deadline);
  runtime::Task<Bytes> on_core_0(std::string actor_id, std::string_view operation,
                                 BytesView payload, runtime::Deadline deadline);
  runtime::Task<Bytes> apply(std::shared_ptr<Cluster> cluster, bool repair, BytesView payload,
                             runtime::Deadline deadline);
  runtime::Task<Bytes> remove(std::shared_ptr<Cluster> cluster, BytesView payload,
                              runtime::Deadline deadline);
  runtime::Task<Bytes> list(std::shared_ptr<Cluster> cluster, BytesView payload,
                            runtime::Deadline deadline);
  void forget(const std::string& actor_id);

  const capability::ProviderContext context_;
  const Environment environment_;
  const Result<std::optional<OwnerName>> owner_;
  std::map<std::string, Linked> links_;  // by actor
  runtime::Offload offload_;
};

}  // namespace trellis::kubernetes
