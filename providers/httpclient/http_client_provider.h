// The wasmcloud:httpclient provider: requests that actors have made for them. Every core has one
// client (net/http_client.h), whose connections all links share; what a link allows is checked for
// each request and each address anew.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "capability/provider.h"

namespace trellis::net {
class HttpClient;
}

namespace trellis::httpclient {

inline constexpr std::string_view kPublicKey =
    "VCCVLH4XWGI3SGARFNYKYT2A32SUYA2KVAIV2U2Q34DQA7WWJPFRKIKM";

struct Settings;

// Core 0, but for handle().
class HttpClientProvider final : public capability::Provider {
 public:
  explicit HttpClientProvider(capability::ProviderContext context);
  ~HttpClientProvider() override;

  runtime::Task<void> link_put(lattice::Link link) override;
  std::string warning_about(const lattice::Link& link) const override;
  runtime::Task<void> link_delete(lattice::Link link) override;
  runtime::Task<Bytes> handle(const lattice::Link& link, std::string_view operation,
                              BytesView payload, runtime::Deadline deadline) override;
  runtime::Task<void> health() override;
  runtime::Task<void> stop(runtime::Deadline deadline) override;

 private:
  using SharedSettings = std::shared_ptr<const Settings>;
  struct PerCore {
    std::map<std::string, SharedSettings, std::less<>> links;  // by actor
    std::shared_ptr<net::HttpClient> client;
    bool stopped = false;
  };
  PerCore& here() { return per_core_[runtime::Core::current().index()]; }
  runtime::Task<void> set_here(std::string actor_id, SharedSettings settings);
  runtime::Task<void> stop_here();

  const capability::ProviderContext context_;
  const Result<boost::json::object> defaults_;
  std::vector<PerCore> per_core_;  // each element is its core's
};

}  // namespace trellis::httpclient
