#include "registry_options.h"

#include <fmt/format.h>

namespace trellis::wash {

void add_registry_options(CLI::App& command, RegistryArguments& into) {
  command.add_option("-u,--user", into.user, "User of the registry (default: docker's login)")
      ->envname("WASH_REG_USER");
  command.add_option("-p,--password", into.password, "Password of that user")
      ->envname("WASH_REG_PASSWORD");
  command.add_flag("--insecure", into.insecure, "Reach the registry over HTTP, without TLS");
}

void add_allow_latest(CLI::App& command, RegistryArguments& into) {
  command.add_flag("--allow-latest", into.allow_latest, "Accept references tagged latest");
}

Result<registry::Settings> registry_settings(const RegistryArguments& arguments,
                                             const std::string& registry) {
  TRY(auto settings, registry::Settings::from_environment(registry::process_environment()));
  if (arguments.insecure) settings.allow_plain_http(registry);
  return settings;
}

Result<std::shared_ptr<registry::Credentials>> registry_credentials(
    const RegistryArguments& arguments) {
  if (arguments.user.empty() != arguments.password.empty()) {
    return fail(Errc::invalid, "wash.registry",
                "User and password belong together: give both --user and --password, or neither");
  }
  auto options = registry::Credentials::from_environment(registry::process_environment());
  options.given.user = arguments.user;
  options.given.password = arguments.password;
  options.given.source = "--user and --password";
  return std::make_shared<registry::Credentials>(std::move(options));
}

Result<artifact::Reference> registry_reference(const RegistryArguments& arguments,
                                               const std::string& url, const std::string& verb) {
  TRY(auto reference, artifact::parse_reference(url));
  if (reference.kind != artifact::Reference::Kind::oci || reference.registry.empty()) {
    return fail(Errc::invalid, "wash.registry",
                fmt::format("'{}' names no registry; write registry/name:tag, such as "
                            "localhost:5000/echo:0.3.4 (Docker Hub is docker.io)",
                            url));
  }
  if (reference.is_latest() && !arguments.allow_latest) {
    return fail(Errc::denied, "wash.registry",
                fmt::format("{} artifacts with tag 'latest' is prohibited. This can be overriden "
                            "with the flag --allow-latest",
                            verb));
  }
  return reference;
}

std::string whole_digest(const std::string& digest) {
  return digest.empty() || digest.starts_with("sha256:") ? digest : "sha256:" + digest;
}

}  // namespace trellis::wash
