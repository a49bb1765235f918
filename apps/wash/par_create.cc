// wash par create and wash par insert: an archive from a program, and one more program into it.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "artifact/archive_files.h"
#include "artifact/file_io.h"
#include "artifact/layout.h"
#include "par.h"
#include "signing/archive_file.h"

namespace trellis::wash {
namespace {

using claims::KeyPair;
using claims::KeyType;

struct CreateArguments {
  ProgramArguments program;
  std::string contract_id, vendor, destination;
  std::optional<std::int32_t> revision;
  std::optional<std::string> version;
  bool compress = false;
};

struct InsertArguments {
  ProgramArguments program;
  std::string archive;
};

Result<Output> create(const Context& context, const CreateArguments& arguments) {
  TRY(Bytes program, read_program(arguments.program));
  const SigningArguments& given = arguments.program.signing;
  TRY(KeyPair account, issuer_key(context, given, KeyType::account, arguments.program.program));
  TRY(KeyPair subject, subject_key(context, given, KeyType::service, arguments.program.program));
  claims::ProviderClaims claims;
  claims.subject = subject.public_key();
  claims.name = given.name;
  claims.contract_id = arguments.contract_id;
  claims.vendor = arguments.vendor;
  claims.rev = arguments.revision;
  claims.ver = arguments.version;
  const std::string file = signing::archive_path(
      arguments.destination, std::filesystem::path(arguments.program.program).stem().string(),
      arguments.compress);
  TRY_OK(signing::write_archive(file, std::move(claims),
                                {{arguments.program.target, std::move(program)}}, account,
                                arguments.compress));
  return Output{fmt::format("Successfully created archive {}", file), {{"file", file}}};
}

Result<Output> insert(const Context& context, const InsertArguments& arguments) {
  TRY(const Bytes before, artifact::read_file(arguments.archive, artifact::kArtifactBytesMax));
  TRY(auto archive, artifact::read_provider_archive(before));
  TRY(Bytes program, read_program(arguments.program));
  const SigningArguments& given = arguments.program.signing;
  TRY(KeyPair account, issuer_key(context, given, KeyType::account, arguments.program.program));
  if (!given.keys.subject.empty()) {  // else it stays the provider it is
    TRY(KeyPair subject, subject_key(context, given, KeyType::service, arguments.program.program));
    archive.claims.subject = subject.public_key();
  }
  archive.programs[arguments.program.target] = std::move(program);
  TRY_OK(signing::write_archive(arguments.archive, std::move(archive.claims), archive.programs,
                                account, artifact::is_gzip(before)));
  return Output{fmt::format("Successfully inserted {} into archive {}", arguments.program.program,
                            arguments.archive),
                {{"file", arguments.archive}}};
}

}  // namespace

void add_program_options(CLI::App& command, ProgramArguments& into,
                         const std::string& subject_about) {
  command
      .add_option("-a,--arch", into.target,
                  fmt::format("Kind of machine the program is for, as ARCH-OS; this one is {}",
                              artifact::this_target()))
      ->required()
      ->type_name("<ARCH-OS>");
  command.add_option("-b,--binary", into.program, "The provider's program")
      ->required()
      ->type_name("<FILE>");
  signing::add_key_options(command, into.signing.keys, "the account that signs", "-d,--directory");
  signing::add_subject_option(command, into.signing.keys, subject_about);
}

Result<Bytes> read_program(const ProgramArguments& arguments) {
  TRY_OK(artifact::check_target(arguments.target));
  return artifact::read_file(arguments.program, artifact::kArtifactBytesMax);
}

void add_par_create(CLI::App& par, Context& context) {
  CLI::App& command = *par.add_subcommand("create", "Build a provider archive file");
  auto arguments = std::make_shared<CreateArguments>();
  command
      .add_option("-c,--capid", arguments->contract_id,
                  "Contract the provider serves, such as wasmcloud:keyvalue")
      ->required();
  command.add_option("-v,--vendor", arguments->vendor, "Who publishes it")->required();
  command.add_option("-n,--name", arguments->program.signing.name, "Name of the provider")
      ->required();
  add_program_options(command, arguments->program,
                      "Seed of the provider, or a file with it (default: the key of the program's "
                      "name in the folder of keys)");
  command.add_option("-r,--revision", arguments->revision, "Revision number");
  command.add_option("--version", arguments->version, "Version for people, such as 0.3.4");
  command.add_option("--destination", arguments->destination,
                     "Where to write the archive (default: the program's name, in this folder)");
  command.add_flag("--compress", arguments->compress, "Compress it with gzip");
  context.on(command,
             "wash par create -c wasmcloud:keyvalue -v Example -n Store -a x86_64-linux -b ./store "
             "--compress",
             [&context, arguments] { return create(context, *arguments); });
}

void add_par_insert(CLI::App& par, Context& context) {
  CLI::App& command =
      *par.add_subcommand("insert", "Insert a program for another machine into an archive");
  auto arguments = std::make_shared<InsertArguments>();
  command.add_option("archive", arguments->archive, "The archive, a .par or .par.gz file")
      ->required();
  add_program_options(command, arguments->program,
                      "Seed of the provider the archive becomes, or a file with it (default: it "
                      "stays the one it is)");
  context.on(command, "wash par insert store.par.gz -a aarch64-linux -b ./store-arm",
             [&context, arguments] { return insert(context, *arguments); });
}

}  // namespace trellis::wash
