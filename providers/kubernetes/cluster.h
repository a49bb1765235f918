// A link's cluster: applies, repairs, deletes and lists objects in it, as far as they are ours. One
// per link; lives on core 0; kept alive by the calls under way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "kubernetes/api_client.h"
#include "kubernetes/discovery.h"
#include "kubernetes/manifest.h"
#include "kubernetes/owner.h"
#include "kubernetes/ownership.h"

namespace trellis::kubernetes {

struct ClusterOptions {
  bool adopt = false;  // ADOPT=allow: what somebody else made is taken over
  std::optional<OwnerName> owner;
};

// What is applied: as it was asked for, or back over what others have changed since.
enum class Mode { apply, repair };

class Cluster {
 public:
  struct Query {
    std::string api_version, kind, name, space, label_selector;
  };

  Cluster(runtime::Core& core, runtime::Offload& offload, Access access, ClusterOptions options);

  // Whether there is an API server that answers.
  runtime::Task<void> check(runtime::Deadline deadline);
  // Of what the shipped actors need in the link's namespace, what the credentials may not do:
  // "list services"; none when the server does not say.
  runtime::Task<std::vector<std::string>> missing_rights(runtime::Deadline deadline);

  // All of them, namespaces and definitions of kinds first, the others side by side. The error
  // holds what was wrong with each that failed; the others are applied.
  runtime::Task<void> apply(std::vector<Manifest> manifests, Mode mode, runtime::Deadline deadline);
  // What is not there counts as deleted.
  runtime::Task<void> remove(Query query, runtime::Deadline deadline);
  // A JSON array of those that are ours, without metadata.managedFields.
  runtime::Task<std::string> list(Query query, runtime::Deadline deadline);

  const Access& access() const { return api_.access(); }
  void close() { api_.close(); }

 private:
  using Object = boost::json::object;
  struct Failures {
    std::size_t of = 1;
    std::vector<std::string> said;
    Errc code = Errc::invalid;
  };
  runtime::Task<void> apply_into(const Manifest* manifest, Mode mode, runtime::Deadline deadline,
                                 Failures* failures);
  runtime::Task<void> apply_all(std::vector<const Manifest*> manifests, Mode mode,
                                runtime::Deadline deadline, Failures* failures);
  runtime::Task<void> apply_one(const Manifest* manifest, Mode mode, runtime::Deadline deadline);
  runtime::Task<void> apply_once(Manifest manifest, Mode mode, runtime::Deadline deadline);
  runtime::Task<void> take_back(std::string path, Object object, bool all,
                                runtime::Deadline deadline);
  runtime::Task<void> add_owner(Object& object, const Object* there, std::string space,
                                runtime::Deadline deadline);
  runtime::Task<Resource> resource_of(std::string api_version, std::string kind,
                                      runtime::Deadline deadline);
  std::string space_of(const Resource& resource, const std::string& wanted) const;
  Result<void> check_ours(const Object& there, std::string_view kind, std::string_view name,
                          std::string_view space) const;

  ApiClient api_;
  Discovery discovery_;
  Owner owner_;
  const ClusterOptions options_;
  std::vector<std::string> kinds_made_;  // by definitions that were applied: known in a moment
};

}  // namespace trellis::kubernetes
