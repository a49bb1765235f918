// wash claims sign
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "base/unix_time.h"
#include "claims/wasm_file.h"
#include "claims_arguments.h"
#include "files.h"

namespace trellis::wash {
namespace {

using claims::KeyType;

struct SignArguments {
  ActorArguments actor;
  std::string source, destination;
};

// Replaces the file in one step: a host that reads it never sees half of it.
Result<void> write_module(const std::string& path, BytesView bytes) {
  std::error_code made;  // if its folder cannot be made, opening the file says why
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty())
    std::filesystem::create_directories(folder, made);
  const std::string fresh = fmt::format("{}.{}", path, ::getpid());
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << as_text(bytes);
  out.close();
  std::error_code error;
  if (out) {
    std::filesystem::rename(fresh, path, error);
    if (!error) return {};
  }
  std::error_code ignored;
  std::filesystem::remove(fresh, ignored);
  return fail(
      Errc::denied, "wash.claims.write",
      fmt::format("Cannot write the signed module to {}{}: may you write to its folder, and "
                  "has it space?",
                  path, error ? " (" + error.message() + ")" : ""));
}

Result<Output> sign(const Context& context, const SignArguments& arguments) {
  Result<std::string> file = read_file(arguments.source);
  if (!file)
    return fail(caused_by(fmt::format("Failed to open file for signing '{}'", arguments.source),
                          file.error()));
  TRY(claims::ActorClaims claims, actor_claims_of(arguments.actor, now_unix()));
  // The file is looked at before keys are made for it.
  TRY_OK(claims::unsigned_module(as_bytes(*file)));
  const SigningArguments& signing = arguments.actor.signing;
  TRY(claims::KeyPair account, issuer_key(context, signing, KeyType::account, arguments.source));
  TRY(claims::KeyPair subject, subject_key(context, signing, KeyType::module, arguments.source));
  claims.subject = subject.public_key();
  const std::string capabilities = fmt::format("{}", fmt::join(claims.caps, ","));
  boost::json::array listed(claims.caps.begin(), claims.caps.end());
  TRY(Bytes signed_module, claims::sign_module(as_bytes(*file), std::move(claims), account));
  const std::string destination =
      arguments.destination.empty() ? claims::signed_path(arguments.source) : arguments.destination;
  TRY_OK(write_module(destination, signed_module));
  return Output{
      fmt::format("Successfully signed {} with capabilities: {}", destination, capabilities),
      {{"destination", destination}, {"capabilities", std::move(listed)}}};
}

}  // namespace

void add_claims_sign(CLI::App& claims, Context& context) {
  CLI::App& command = *claims.add_subcommand("sign", "Sign a WebAssembly module: put claims in it");
  auto arguments = std::make_shared<SignArguments>();
  command.add_option("source", arguments->source, "The module, a .wasm file")->required();
  command.add_option("-d,--destination", arguments->destination,
                     "Where to write the signed module (default: <name>_s.wasm beside it)");
  add_actor_options(command, arguments->actor);
  context.on(command, "wash claims sign build/echo.wasm --name Echo --http_server",
             [&context, arguments] { return sign(context, *arguments); });
}

}  // namespace trellis::wash
