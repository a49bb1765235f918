// How each registry is reached: its mirrors, its certificate authority, whether it speaks plain
// HTTP. Read once, from a TOML file and WASMCLOUD_OCI_ALLOWED_INSECURE; a value, safe from any
// thread. docs/artifacts.md has the form of the file.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/reference.h"
#include "base/result.h"
#include "registry/environment.h"

namespace trellis::registry {

// One place an artifact may be asked for.
struct Endpoint {
  enum class Transport {
    tls,
    plain,     // HTTP, because somebody said so
    loopback,  // this machine: HTTP when it speaks that, TLS otherwise
  };
  std::string host;        // host[:port] as it is asked
  std::string name;        // what users and credentials call it
  std::string repository;  // there
  std::string ca_file;     // "" for the system's authorities alone
  Transport transport = Transport::tls;
  bool is_mirror = false;
};

class Settings {
 public:
  struct Registry {
    std::string ca_file;
    bool plain_http = false;
    std::vector<std::string> mirrors;  // host[:port][/folder]
  };

  // `folder` is what a relative ca_file is seen from. Errors name the key, and the line if there is
  // one.
  static Result<Settings> parse(std::string_view text, const std::string& folder);
  static Result<Settings> read(const std::string& path);
  // The file of TRELLIS_REGISTRIES, or registries.toml in trellis' configuration folder if there is
  // one; WASMCLOUD_OCI_ALLOWED_INSECURE.
  static Result<Settings> from_environment(const Environment& get);

  void allow_plain_http(std::string_view registry);

  // In the order in which to ask: mirrors, then the registry. Empty when the reference names none.
  std::vector<Endpoint> endpoints(const artifact::Reference& reference) const;
  // The registry itself, for what is not to be done with a mirror.
  Endpoint endpoint(const std::string& registry, const std::string& repository) const;

 private:
  const Registry& of(const std::string& registry) const;

  std::map<std::string, Registry> registries_;  // "*" stands for those that are not named
  std::set<std::string> plain_;
};

}  // namespace trellis::registry
