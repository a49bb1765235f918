// Which path an object has: asked of the API server's own lists, so that custom resources and odd
// plurals work; kept, and asked for again when something is not in them. One per link; core 0.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kubernetes/api_client.h"

namespace trellis::kubernetes {

struct Resource {
  std::string kind, plural;
  bool namespaced = true;
  std::string base;  // "/api/v1", "/apis/apps/v1"

  // Of all objects, or of one. `space` counts for namespaced ones only.
  std::string path(std::string_view space, std::string_view name = {}) const;
};

// "v1" from ("", "v1"), "apps/v1" from ("apps", "v1").
std::string api_version(std::string_view group, std::string_view version);

class Discovery {
 public:
  explicit Discovery(ApiClient& api) : api_(api) {}

  // Errors: not_found (no such kind there), and those of the API.
  runtime::Task<Resource> find(std::string api_version, std::string kind,
                               runtime::Deadline deadline);

 private:
  const Resource* known(const std::string& api_version, const std::string& kind) const;
  runtime::Task<void> ask(std::string api_version, runtime::Deadline deadline);

  ApiClient& api_;
  std::map<std::string, std::vector<Resource>> resources_;  // by api version
};

}  // namespace trellis::kubernetes
