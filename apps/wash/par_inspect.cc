// wash par inspect, and the group it belongs to.
#include <memory>

#include "artifact_argument.h"
#include "par.h"
#include "par_report.h"

namespace trellis::wash {
namespace {

Result<Output> inspect(const Context& context, const ArtifactArgument& argument) {
  const bool is_file = names_a_file(argument.artifact, {".par", ".par.gz"});
  TRY(const Bytes file, artifact_bytes(context, argument, is_file));
  TRY(const auto archive, artifact::read_provider_archive(file));
  return Output{archive_table(archive), archive_json(archive)};
}

}  // namespace

void add_par_inspect(CLI::App& par, Context& context) {
  CLI::App& command = *par.add_subcommand("inspect", "Show what a provider archive holds");
  auto argument = std::make_shared<ArtifactArgument>();
  command.add_option("archive", argument->artifact, "A .par or .par.gz file, or an OCI reference")
      ->required();
  add_artifact_options(command, *argument);
  context.on(command, "wash par inspect store.par.gz",
             [&context, argument] { return inspect(context, *argument); });
}

void add_par(CLI::App& root, Context& context) {
  CLI::App& par =
      *root.add_subcommand("par", "Create, inspect, and modify capability provider archive files");
  par.require_subcommand(1);
  add_par_create(par, context);
  add_par_inspect(par, context);
  add_par_insert(par, context);
}

}  // namespace trellis::wash
