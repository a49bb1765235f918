// For tests: what a registry has, over FakeServer; and the ways in which it may lie about it.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "artifact/digest.h"
#include "artifact/manifest.h"
#include "artifact/media_types.h"
#include "registry/fake_server.h"
#include "registry/settings.h"

namespace trellis::registry {

class FakeRegistry {
 public:
  FakeRegistry()
      : server_([this](const FakeServer::Request& request) { return answer(request); }) {}

  // Puts an artifact of one layer there; the digest of its manifest.
  std::string put(const std::string& tag, const std::string& layer,
                  const std::string& layer_type = std::string(artifact::kActorLayer)) {
    const auto digest = artifact::digest_of(as_bytes(layer));
    set("/v2/echo/blobs/" + digest, layer);
    artifact::Manifest manifest;
    manifest.config = {std::string(artifact::kActorConfig), artifact::digest_of(as_bytes("{}")), 2};
    manifest.layers.push_back({layer_type, digest, layer.size()});
    return put_manifest(tag, artifact::write_manifest(manifest));
  }
  std::string put_manifest(const std::string& tag, const std::string& text) {
    auto digest = artifact::digest_of(as_bytes(text));
    set("/v2/echo/manifests/" + tag, text);
    set("/v2/echo/manifests/" + digest, text);
    return digest;
  }
  void set(const std::string& path, const std::string& body) {
    const std::lock_guard lock(mutex_);
    content_[path] = body;
  }
  void set_headers(std::vector<std::string> headers) {
    const std::lock_guard lock(mutex_);
    headers_ = std::move(headers);
  }
  void set_down(bool down) {
    const std::lock_guard lock(mutex_);
    down_ = down;
  }

  const FakeServer& server() const { return server_; }
  std::string reference(const std::string& rest) const { return server_.host() + "/echo" + rest; }
  Endpoint endpoint() const {
    Endpoint endpoint;
    endpoint.host = endpoint.name = server_.host();
    endpoint.repository = "echo";
    endpoint.transport = Endpoint::Transport::plain;
    return endpoint;
  }
  std::size_t asked_for(const std::string& part) const {
    std::size_t n = 0;
    for (const auto& request : server_.asked()) n += request.path.find(part) != std::string::npos;
    return n;
  }

 private:
  std::string answer(const FakeServer::Request& request) {
    const std::lock_guard lock(mutex_);
    if (down_) return FakeServer::reply(503, "");
    const auto found = content_.find(request.path);
    if (found == content_.end()) return FakeServer::reply(404, "");
    return FakeServer::reply(200, found->second, headers_);
  }

  std::mutex mutex_;
  std::map<std::string, std::string> content_;
  std::vector<std::string> headers_;
  bool down_ = false;
  FakeServer server_;
};

}  // namespace trellis::registry
