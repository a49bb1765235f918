// wash claims inspect, and the group it belongs to.
#include <fmt/format.h>

#include <memory>

#include "artifact_argument.h"
#include "base/unix_time.h"
#include "claims/wasm_file.h"
#include "claims_arguments.h"
#include "claims_report.h"

namespace trellis::wash {
namespace {

struct InspectArguments {
  ArtifactArgument module;
  bool jwt_only = false;
};

bool is_file(const std::string& module) { return names_a_file(module, {".wasm"}); }

Result<claims::SignedModule> module_of(BytesView file, const std::string& name) {
  auto module = claims::inspect_signed_module(file);
  if (module) return module;
  const std::string_view site = module.error().site;
  if (site == "claims.wasm.unsigned")
    return fail(Errc::unauthenticated, "wash.claims.unsigned",
                fmt::format("No capabilities discovered in : {}. {}", name,
                            claims::how_to_sign(is_file(name) ? name : "")));
  if (site == "claims.wasm.hash") return fail(caused_by("Invalid module hash", module.error()));
  return module;
}

Result<Output> inspect(const Context& context, const InspectArguments& arguments) {
  const auto& name = arguments.module.artifact;
  TRY(Bytes file, artifact_bytes(context, arguments.module, is_file(name)));
  TRY(claims::SignedModule module, module_of(file, name));
  if (arguments.jwt_only) return Output{module.token, {{"token", module.token}}};
  const std::uint64_t now = now_unix();
  return Output{claims_table(module.claims, now), claims_json(module.claims, now)};
}

}  // namespace

void add_claims_inspect(CLI::App& claims, Context& context) {
  CLI::App& command = *claims.add_subcommand("inspect", "Show the claims of a module");
  auto arguments = std::make_shared<InspectArguments>();
  command.add_option("module", arguments->module.artifact, "A .wasm file or an OCI reference")
      ->required();
  command.add_flag("--jwt-only", arguments->jwt_only, "Show only the token");
  add_artifact_options(command, arguments->module);
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
