// How an API server is reached and as whom: what a kubeconfig, or the service account of a pod,
// comes down to. Values; made by kubeconfig.h on a thread that may wait for a disk, used on core 0.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_client.h"

namespace trellis::kubernetes {

struct Access {
  std::string server;  // https://host:port, perhaps with a path; no slash at its end
  net::TlsClient tls{};
  std::string token{};       // bearer; "": none
  std::string token_file{};  // read anew now and then; wins over `token`
  std::string proxy{};
  std::string default_namespace = "default";
  std::string source{};  // for people: "kubeconfig ~/.kube/config (context 'a')"
};

// What the process was given. `service_account` is a folder.
struct Environment {
  std::string kubeconfig{};  // KUBECONFIG: files, with ':' between
  std::string home{};
  std::string service_host{}, service_port{};  // of the API server, in a pod
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::string owner{};  // TRELLIS_KUBERNETES_OWNER

  static Environment of_process();
};

// Whole, or the reason with the path. For threads that may wait.
Result<std::string> read_file(const std::string& path);

// When a token says it ends, if it is a JWT that says so.
std::optional<std::chrono::system_clock::time_point> expiry_of(std::string_view token);

}  // namespace trellis::kubernetes
