// wash reg: artifacts to and from OCI registries. What is pushed or pulled is looked into first, so
// that nothing but actors and provider archives travels.
#include <fmt/format.h>

#include <memory>

#include "arguments.h"
#include "artifact/file_io.h"
#include "artifact/kind.h"
#include "artifact/layout.h"
#include "base/limits.h"
#include "command.h"
#include "ctl.h"
#include "registry/push.h"
#include "registry/source.h"
#include "registry_options.h"

namespace trellis::wash {
namespace {

using artifact::Kind;
using artifact::Reference;
using registry::Session;

constexpr std::string_view kShower = "\U0001F6BF";

struct PullArguments {
  RegistryArguments registry;
  std::string url, destination, digest;
};
struct PushArguments {
  RegistryArguments registry;
  std::string url, file, config;
  std::vector<std::string> annotations;
};
struct PingArguments {
  RegistryArguments registry;
  std::string url;
};

Result<Kind> kind_of(BytesView bytes) {
  auto kind = artifact::kind_of(bytes);
  if (kind) return kind;
  return fail(caused_by("Unsupported artifact type", kind.error()));
}

Result<std::unique_ptr<Session>> session_with(const RegistryArguments& arguments,
                                              const std::string& name,
                                              const std::string& repository, Session::Access access,
                                              runtime::Deadline deadline) {
  TRY(const auto settings, registry_settings(arguments, name));
  TRY(const auto credentials, registry_credentials(arguments));
  auto endpoint = settings.endpoint(name, repository);
  auto credential = credentials->find(endpoint.name, endpoint.repository, /*named=*/true, deadline);
  return std::make_unique<Session>(std::move(endpoint), std::move(credential),
                                   Session::Options{.access = access, .deadline = deadline});
}

// --- pull ---

std::string file_for(const Reference& reference, Kind kind) {
  const auto name = reference.repository.substr(reference.repository.rfind('/') + 1);
  return name + (kind == Kind::actor ? ".wasm" : ".par.gz");
}

Result<Output> pull(const Context& context, const PullArguments& arguments) {
  TRY(const auto reference, registry_reference(arguments.registry, arguments.url, "Pulling"));
  TRY(auto settings, registry_settings(arguments.registry, reference.registry));
  TRY(const auto credentials, registry_credentials(arguments.registry));
  const registry::RegistrySource source(
      {.settings = std::move(settings), .credentials = credentials});
  Spinner spinner = context.spinner(fmt::format(" Downloading {} ...", reference.text));
  TRY(const auto pulled, source.fetch(reference));
  spinner.stop();
  if (const auto wanted = whole_digest(arguments.digest);
      !wanted.empty() && wanted != pulled.digest) {
    return fail(
        caused_by("Image digest did not match provided digest, aborting",
                  Error{Errc::corrupt, "wash.reg.digest",
                        fmt::format("{} has the digest {}", reference.text, pulled.digest)}));
  }
  TRY(const auto kind, kind_of(pulled.bytes));
  const auto file =
      arguments.destination.empty() ? file_for(reference, kind) : arguments.destination;
  TRY_OK(artifact::write_file(file, pulled.bytes));
  return Output{fmt::format("\n{} Successfully pulled and validated {}", kShower, file),
                {{"file", file}, {"digest", pulled.digest}}};
}

// --- push ---

Result<Output> push(const Context& context, const PushArguments& arguments) {
  TRY(const auto reference, registry_reference(arguments.registry, arguments.url, "Pushing"));
  if (!reference.digest.empty()) {
    return fail(
        Errc::invalid, "wash.reg.push",
        fmt::format("'{}' is pinned to a digest, which only what is pushed can tell; push to "
                    "a tag",
                    arguments.url));
  }
  TRY(const auto bytes, artifact::read_file(arguments.file, artifact::kArtifactBytesMax));
  TRY(const auto kind, kind_of(bytes));
  Bytes config = to_bytes("{}");
  if (!arguments.config.empty()) {
    TRY(config, artifact::read_file(arguments.config, artifact::kManifestBytesMax));
  }
  registry::Push what{.artifact = bytes,
                      .layer_type = std::string(artifact::layer_media_type(kind)),
                      .config_type = std::string(artifact::config_media_type(kind)),
                      .config = config};
  TRY(what.annotations, parse_pairs(arguments.annotations));
  TRY(const auto session,
      session_with(arguments.registry, reference.registry, reference.repository,
                   Session::Access::push, runtime::Deadline::in(limits::kRegistryPushTimeout)));
  Spinner spinner =
      context.spinner(fmt::format(" Pushing {} to {} ...", arguments.file, arguments.url));
  const auto tag = reference.tag.empty() ? std::string("latest") : reference.tag;
  TRY(const auto digest, registry::push(*session, tag, what));
  spinner.stop();
  return Output{fmt::format("{} Successfully validated and pushed to {}", kShower, arguments.url),
                {{"url", arguments.url}, {"digest", digest}}};
}

// --- ping ---

// A reference: is the artifact there? A host alone: does a registry answer there?
Result<Output> ping(const Context& context, const PingArguments& arguments) {
  const bool host_only = arguments.url.find('/') == std::string::npos;
  TRY(const auto reference,
      artifact::parse_reference(host_only ? arguments.url + "/x:1" : arguments.url));
  if (reference.registry.empty()) {
    return fail(Errc::invalid, "wash.reg.ping",
                fmt::format("'{}' names no registry; write registry/name:tag or a registry's host",
                            arguments.url));
  }
  TRY(const auto session,
      session_with(arguments.registry, reference.registry,
                   host_only ? std::string() : reference.repository, Session::Access::pull,
                   runtime::Deadline::in(limits::kRegistryTimeout)));
  Spinner spinner = context.spinner(fmt::format(" Pinging {} ...", arguments.url));
  if (host_only) {
    TRY_OK(session->ping());
  } else {
    TRY_OK(registry::find(*session, reference));
  }
  return Output{"Pong!", {{"result", "Pong!"}}};
}

// --- what may be typed ---

void add_pull(CLI::App& group, Context& context) {
  CLI::App& command =
      *group.add_subcommand("pull", "Pull an artifact from an OCI compliant registry");
  auto arguments = std::make_shared<PullArguments>();
  command.add_option("url", arguments->url, "The artifact's reference")->required();
  command
      .add_option("--destination", arguments->destination,
                  "File to write (default: the last part of the name, .wasm or .par.gz)")
      ->type_name("<FILE>");
  command.add_option("-d,--digest", arguments->digest, "Digest the artifact must have");
  add_allow_latest(command, arguments->registry);
  add_registry_options(command, arguments->registry);
  context.on(command, "wash reg pull localhost:5000/echo:0.3.4",
             [&context, arguments] { return pull(context, *arguments); });
}

void add_push(CLI::App& group, Context& context) {
  CLI::App& command =
      *group.add_subcommand("push", "Push an artifact to an OCI compliant registry");
  auto arguments = std::make_shared<PushArguments>();
  command.add_option("url", arguments->url, "Reference to push to")->required();
  command.add_option("artifact", arguments->file, "A signed .wasm file or a provider archive")
      ->required();
  command.add_option("-c,--config", arguments->config, "File to push as its config (default: {})")
      ->type_name("<FILE>");
  command
      .add_option("-a,--annotation,--annotations", arguments->annotations,
                  "Annotation of the manifest, name=value; may be given several times")
      ->type_name("<NAME=VALUE>")
      ->allow_extra_args(false);
  add_allow_latest(command, arguments->registry);
  add_registry_options(command, arguments->registry);
  context.on(command, "wash reg push localhost:5000/echo:0.3.4 build/echo_s.wasm",
             [&context, arguments] { return push(context, *arguments); });
}

void add_ping(CLI::App& group, Context& context) {
  CLI::App& command = *group.add_subcommand("ping", "See whether a registry has an artifact");
  auto arguments = std::make_shared<PingArguments>();
  command.add_option("url", arguments->url, "The artifact's reference, or a registry's host")
      ->required();
  add_registry_options(command, arguments->registry);
  context.on(command, "wash reg ping localhost:5000/echo:0.3.4",
             [&context, arguments] { return ping(context, *arguments); });
}

}  // namespace

void add_reg(CLI::App& root, Context& context) {
  CLI::App& group = add_group(root, "reg", "Interact with OCI compliant registries");
  add_pull(group, context);
  add_push(group, context);
  add_ping(group, context);
}

}  // namespace trellis::wash
