// wash par inspect, and the group it belongs to.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "artifact/file_io.h"
#include "artifact/layout.h"
#include "artifact/resolver.h"
#include "par.h"
#include "par_report.h"

namespace trellis::wash {
namespace {

struct InspectArguments {
  std::string archive, digest;
  bool allow_latest = false;
  // How to talk to a registry: read, so that scripts of 2022 go on working, and not used.
  std::string user, password;
  bool insecure = false, no_cache = false;
};

bool looks_like_file(const std::string& archive) {
  std::error_code ignored;
  return archive.ends_with(".par") || archive.ends_with(".par.gz") || archive.starts_with('/') ||
         archive.starts_with('.') || std::filesystem::is_regular_file(archive, ignored);
}

// A file if there is one of that name, else what the reference stands for.
Result<Bytes> bytes_of(const Context& context, const InspectArguments& arguments) {
  if (looks_like_file(arguments.archive))
    return artifact::read_file(arguments.archive, artifact::kArtifactBytesMax);
  artifact::ResolverOptions options;
  options.allow_latest = arguments.allow_latest;
  options.layouts = artifact::default_layouts();
  Spinner spinner = context.spinner(" Fetching " + arguments.archive + " ... ");
  TRY(artifact::Artifact fetched, artifact::Resolver(std::move(options)).fetch(arguments.archive));
  if (!arguments.digest.empty() && arguments.digest != fetched.digest)
    return fail(Errc::corrupt, "wash.par.digest",
                fmt::format("The digest of {} is {}, not {} as you expect", arguments.archive,
                            fetched.digest, arguments.digest));
  return std::move(fetched.bytes);
}

Result<Output> inspect(const Context& context, const InspectArguments& arguments) {
  TRY(const Bytes file, bytes_of(context, arguments));
  TRY(const auto archive, artifact::read_provider_archive(file));
  return Output{archive_table(archive), archive_json(archive)};
}

void add_registry_options(CLI::App& command, InspectArguments& into) {
  constexpr const char* kAbout = "No effect: references are read from OCI layouts on this machine";
  command.add_option("-u,--user", into.user, kAbout)->envname("WASH_REG_USER");
  command.add_option("-p,--password", into.password, kAbout)->envname("WASH_REG_PASSWORD");
  command.add_flag("--insecure", into.insecure, kAbout);
  command.add_flag("--no-cache", into.no_cache, kAbout);
}

}  // namespace

void add_par_inspect(CLI::App& par, Context& context) {
  CLI::App& command = *par.add_subcommand("inspect", "Show what a provider archive holds");
  auto arguments = std::make_shared<InspectArguments>();
  command.add_option("archive", arguments->archive, "A .par or .par.gz file, or an OCI reference")
      ->required();
  command.add_option("-d,--digest", arguments->digest, "Digest that an OCI reference should have");
  command.add_flag("--allow-latest", arguments->allow_latest, "Accept references tagged latest");
  add_registry_options(command, *arguments);
  context.on(command, "wash par inspect store.par.gz",
             [&context, arguments] { return inspect(context, *arguments); });
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
