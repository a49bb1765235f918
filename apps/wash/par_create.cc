// wash par create and wash par insert: an archive from a program, and one more program into it.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "artifact/archive_files.h"
#include "artifact/file_io.h"
#include "artifact/layout.h"
#include "par.h"

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

std::string destination_of(const CreateArguments& arguments) {
  if (arguments.destination.empty()) {
    return std::filesystem::path(arguments.program.program).stem().string() +
           (arguments.compress ? ".par.gz" : ".par");
  }
  // What is compressed is called so, as in 2022.
  const bool called_so = arguments.destination.ends_with(".gz");
  return arguments.destination + (arguments.compress && !called_so ? ".gz" : "");
}

Result<Output> create(const Context& context, const CreateArguments& arguments) {
  TRY(Bytes program, read_program(arguments.program));
  const SigningArguments& signing = arguments.program.signing;
  TRY(KeyPair account, issuer_key(context, signing, KeyType::account, arguments.program.program));
  TRY(KeyPair subject, subject_key(context, signing, KeyType::service, arguments.program.program));
  claims::ProviderClaims claims;
  claims.subject = subject.public_key();
  claims.issued_at = unix_now();
  claims.name = signing.name;
  claims.contract_id = arguments.contract_id;
  claims.vendor = arguments.vendor;
  claims.rev = arguments.revision;
  claims.ver = arguments.version;
  TRY(Bytes archive, artifact::write_provider_archive(
                         std::move(claims), {{arguments.program.target, std::move(program)}},
                         account, arguments.compress));
  const std::string file = destination_of(arguments);
  TRY_OK(write_archive(file, archive));
  return Output{fmt::format("Successfully created archive {}", file), {{"file", file}}};
}

Result<Output> insert(const Context& context, const InsertArguments& arguments) {
  TRY(const Bytes before, artifact::read_file(arguments.archive, artifact::kArtifactBytesMax));
  TRY(auto archive, artifact::read_provider_archive(before));
  TRY(Bytes program, read_program(arguments.program));
  const SigningArguments& signing = arguments.program.signing;
  TRY(KeyPair account, issuer_key(context, signing, KeyType::account, arguments.program.program));
  if (!signing.subject.empty()) {  // else it stays the provider it is
    TRY(KeyPair subject,
        subject_key(context, signing, KeyType::service, arguments.program.program));
    archive.claims.subject = subject.public_key();
  }
  archive.claims.issued_at = unix_now();
  archive.programs[arguments.program.target] = std::move(program);
  TRY(Bytes after, artifact::write_provider_archive(std::move(archive.claims), archive.programs,
                                                    account, artifact::is_gzip(before)));
  TRY_OK(write_archive(arguments.archive, after));
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
  auto& signing = into.signing;
  command
      .add_option("-d,--directory", signing.directory, "Folder of the keys (default: ~/.wash/keys)")
      ->envname("WASH_KEYS");
  command
      .add_option(
          "-i,--issuer", signing.issuer,
          "Seed of the account that signs, or a file with it (default: the key of your user "
          "in the folder of keys)")
      ->envname("WASH_ISSUER_KEY");
  command.add_option("-s,--subject", signing.subject, subject_about)->envname("WASH_SUBJECT_KEY");
  command.add_flag("--disable-keygen", signing.disable_keygen,
                   "Fail when a key is missing instead of making one");
}

Result<Bytes> read_program(const ProgramArguments& arguments) {
  TRY_OK(artifact::check_target(arguments.target));
  return artifact::read_file(arguments.program, artifact::kArtifactBytesMax);
}

Result<void> write_archive(const std::string& path, BytesView bytes) {
  auto written = artifact::write_file(path, bytes);
  if (written) return {};
  const auto folder = std::filesystem::path(path).parent_path();
  return fail(caused_by(
      fmt::format("Error writing PAR. Please ensure directory \"{}\" exists", folder.string()),
      written.error()));
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
