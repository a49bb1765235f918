// wash claims inspect, and the group it belongs to.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "artifact/resolver.h"
#include "claims/wasm_file.h"
#include "claims_arguments.h"
#include "claims_report.h"
#include "files.h"
#include "registry/source.h"
#include "registry_options.h"

namespace trellis::wash {
namespace {

struct InspectArguments {
  RegistryArguments registry;
  std::string module, digest;
  bool jwt_only = false, no_cache = false;
};

bool looks_like_file(const std::string& module) {
  if (module.starts_with("file://")) return false;
  std::error_code ignored;
  return module.ends_with(".wasm") || module.starts_with('/') || module.starts_with('.') ||
         std::filesystem::is_regular_file(module, ignored);
}

Result<std::shared_ptr<const artifact::Source>> registry_source(const InspectArguments& arguments) {
  const auto reference = artifact::parse_reference(arguments.module);
  registry::SourceOptions options;
  TRY(options.settings,
      registry_settings(arguments.registry, reference ? reference->registry : std::string()));
  TRY(options.credentials, registry_credentials(arguments.registry));
  if (!arguments.no_cache)
    options.cache_dir = registry::default_cache_dir(registry::process_environment());
  return std::make_shared<const registry::RegistrySource>(std::move(options));
}

// A file if there is one of that name, else what the reference stands for.
Result<Bytes> bytes_of(const Context& context, const InspectArguments& arguments) {
  if (looks_like_file(arguments.module)) {
    TRY(std::string file, read_file(arguments.module));
    return to_bytes(file);
  }
  artifact::ResolverOptions options;
  options.allow_latest = arguments.registry.allow_latest;
  options.layouts = artifact::default_layouts();
  TRY(options.registry, registry_source(arguments));
  Spinner spinner = context.spinner(" Fetching " + arguments.module + " ... ");
  TRY(artifact::Artifact fetched, artifact::Resolver(std::move(options)).fetch(arguments.module));
  const std::string wanted = whole_digest(arguments.digest);
  if (!wanted.empty() && wanted != fetched.digest)
    return fail(Errc::corrupt, "wash.claims.digest",
                "The digest of " + arguments.module + " is " + fetched.digest + ", not " + wanted +
                    " as you expect");
  return std::move(fetched.bytes);
}

Result<claims::SignedModule> module_of(BytesView file, const std::string& name) {
  auto module = claims::inspect_signed_module(file);
  if (module) return module;
  const std::string_view site = module.error().site;
  if (site == "claims.wasm.unsigned")
    return fail(Errc::unauthenticated, "wash.claims.unsigned",
                fmt::format("No capabilities discovered in : {}. {}", name,
                            claims::how_to_sign(looks_like_file(name) ? name : "")));
  if (site == "claims.wasm.hash") return fail(caused_by("Invalid module hash", module.error()));
  return module;
}

Result<Output> inspect(const Context& context, const InspectArguments& arguments) {
  TRY(Bytes file, bytes_of(context, arguments));
  TRY(claims::SignedModule module, module_of(file, arguments.module));
  if (arguments.jwt_only) return Output{module.token, {{"token", module.token}}};
  const std::uint64_t now = unix_now();
  return Output{claims_table(module.claims, now), claims_json(module.claims, now)};
}

}  // namespace

void add_claims_inspect(CLI::App& claims, Context& context) {
  CLI::App& command = *claims.add_subcommand("inspect", "Show the claims of a module");
  auto arguments = std::make_shared<InspectArguments>();
  command.add_option("module", arguments->module, "A .wasm file or an OCI reference")->required();
  command.add_flag("--jwt-only", arguments->jwt_only, "Show only the token");
  command.add_option("-d,--digest", arguments->digest, "Digest that an OCI reference should have");
  add_allow_latest(command, arguments->registry);
  add_registry_options(command, arguments->registry);
  command.add_flag("--no-cache", arguments->no_cache, "Do not use what was pulled before");
  context.on(command, "wash claims inspect wasmcloud.azurecr.io/echo:0.3.4",
             [&context, arguments] { return inspect(context, *arguments); });
}

void add_claims(CLI::App& root, Context& context) {
  CLI::App& claims =
      *root.add_subcommand("claims", "Generate and manage JWTs for wasmCloud actors");
  claims.require_subcommand(1);
  add_claims_inspect(claims, context);
  add_claims_sign(claims, context);
  add_claims_token(claims, context);
}

}  // namespace trellis::wash
