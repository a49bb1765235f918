// What `docker login`, `podman login` and their like leave in config.json: a credential for each
// registry, or the program to ask for it. Parsing is pure; format: docker's "config.json", the
// members auths, credHelpers and credsStore.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "registry/credential.h"
#include "registry/environment.h"

namespace trellis::registry {

struct DockerConfig {
  std::map<std::string, Credential> credentials;  // by registry, or registry/repository
  std::map<std::string, std::string> helpers;     // registry → X of docker-credential-X
  std::string store;                              // that X for all others, "" if none

  // Of the longest key that is the registry or a folder the repository is in; empty if none is.
  Credential find(std::string_view registry, std::string_view repository) const;
  std::string helper_for(std::string_view registry) const;
};

Result<DockerConfig> parse_docker_config(std::string_view text);

// What registries are known by there and in registries.put: without scheme, path of an API and
// trailing slash; every name of Docker Hub is "docker.io".
std::string normalized_registry(std::string_view name);

// The name credential helpers know a registry by.
std::string helper_key(std::string_view registry);

// $DOCKER_CONFIG/config.json, else ~/.docker/config.json; "" without a home.
std::string default_docker_config(const Environment& get);

}  // namespace trellis::registry
