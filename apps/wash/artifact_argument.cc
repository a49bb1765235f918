#include "artifact_argument.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "artifact/file_io.h"
#include "artifact/layout.h"
#include "artifact/resolver.h"
#include "registry/source.h"

namespace trellis::wash {
namespace {

Result<std::shared_ptr<const artifact::Source>> registry_source(const ArtifactArgument& argument) {
  const auto reference = artifact::parse_reference(argument.artifact);
  registry::SourceOptions options;
  TRY(options.settings,
      registry_settings(argument.registry, reference ? reference->registry : std::string()));
  TRY(options.credentials, registry_credentials(argument.registry));
  if (!argument.no_cache)
    options.cache_dir = registry::default_cache_dir(registry::process_environment());
  return std::make_shared<const registry::RegistrySource>(std::move(options));
}

}  // namespace

void add_artifact_options(CLI::App& command, ArtifactArgument& into) {
  command.add_option("-d,--digest", into.digest, "Digest that an OCI reference should have");
  add_allow_latest(command, into.registry);
  add_registry_options(command, into.registry);
  command.add_flag("--no-cache", into.no_cache, "Do not use what was pulled before");
}

bool names_a_file(const std::string& artifact, std::initializer_list<std::string_view> endings) {
  if (artifact.starts_with("file://")) return false;
  std::error_code ignored;
  return artifact.starts_with('/') || artifact.starts_with('.') ||
         std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return artifact.ends_with(ending); }) ||
         std::filesystem::is_regular_file(artifact, ignored);
}

Result<Bytes> artifact_bytes(const Context& context, const ArtifactArgument& argument,
                             bool is_file) {
  if (is_file) return artifact::read_file(argument.artifact, artifact::kArtifactBytesMax);
  artifact::ResolverOptions options;
  options.allow_latest = argument.registry.allow_latest;
  options.layouts = artifact::default_layouts();
  TRY(options.registry, registry_source(argument));
  Spinner spinner = context.spinner(" Fetching " + argument.artifact + " ... ");
  TRY(artifact::Artifact fetched, artifact::Resolver(std::move(options)).fetch(argument.artifact));
  const std::string wanted = whole_digest(argument.digest);
  if (!wanted.empty() && wanted != fetched.digest)
    return fail(Errc::corrupt, "wash.artifact.digest",
                fmt::format("The digest of {} is {}, not {} as you expect", argument.artifact,
                            fetched.digest, wanted));
  return std::move(fetched.bytes);
}

}  // namespace trellis::wash
