#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <type_traits>

#include "arguments.h"
#include "control/manifest.h"
#include "ctl.h"
#include "files.h"
#include "reference_argument.h"

namespace trellis::wash {
namespace {

struct ApplyArguments {
  std::string host_id, path;
  bool expand_env = false;
};

using control::Manifest;

Result<Manifest> with_whole_references(Manifest manifest) {
  std::vector<std::string> references;
  for (const control::ManifestActor& actor : manifest.actors) references.push_back(actor.image_ref);
  for (const control::ManifestCapability& capability : manifest.capabilities)
    references.push_back(capability.image_ref);
  for (const std::string& reference : references)
    if (std::string mistake = reference_mistake(reference); !mistake.empty())
      return fail(Errc::invalid, "wash.manifest", fmt::format("'{}': {}", reference, mistake));
  return manifest;
}

Result<Manifest> load(const ApplyArguments& arguments) {
  auto variables = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  Result<std::string> text = read_file(arguments.path);
  if (text && arguments.expand_env) text = control::expand_variables(*text, variables);
  Result<Manifest> manifest =
      text ? control::parse_manifest(*text, {.strict = false, .read_file = read_file})
           : Result<Manifest>(fail(text.error()));
  if (manifest) manifest = with_whole_references(std::move(*manifest));
  if (manifest) return manifest;
  return fail(manifest.error().code, manifest.error().site,
              fmt::format("Failed to load manifest: {}", manifest.error().detail));
}

// One line of what came of one entry: acknowledged (a link perhaps with a warning), refused by the
// host, or not delivered.
template <class T>
std::string line_for(const Result<T>& sent, const std::string& instruction,
                     const std::string& undelivered) {
  if (sent) {
    std::string line = fmt::format("{} acknowledged.", instruction);
    if constexpr (std::is_same_v<T, std::string>)
      if (!sent->empty()) line += fmt::format(" Warning: {}", *sent);
    return line;
  }
  constexpr std::string_view kRefused = "Operation failed: ";
  std::string detail = sent.error().detail;
  if (sent.error().code != Errc::denied) return fmt::format("{}: {}", undelivered, detail);
  if (std::size_t at = detail.find(kRefused); at != std::string::npos)
    detail.erase(0, at + kRefused.size());
  return fmt::format("{} not acked: {}", instruction, detail);
}

Result<Output> apply(const Ctl& ctl, const ApplyArguments& arguments) {
  TRY(Manifest manifest, load(arguments));
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(" Applying manifest ...");
  TRY(control::Client client, connect(lattice.options));
  std::vector<std::string> lines;
  for (const control::ManifestActor& actor : manifest.actors)
    lines.push_back(line_for(
        client.send(control::StartActor{actor.image_ref, arguments.host_id, actor.count, {}}),
        fmt::format("Instruction to start actor {}", actor.image_ref),
        "Failed to send start actor"));
  for (const control::ManifestCapability& capability : manifest.capabilities)
    lines.push_back(
        line_for(client.send(control::StartProvider{
                     capability.image_ref, capability.link_name, arguments.host_id, {}, {}}),
                 fmt::format("Instruction to start provider {}", capability.image_ref),
                 "Failed to send start capability message"));
  for (const auto& [link, line] : manifest.links)
    lines.push_back(
        line_for(client.put_link(link),
                 fmt::format("Link def submission from {} to {}", link.actor_id, link.provider_id),
                 "Failed to submit link"));
  Output output{fmt::format("\nManifest application results:\n{}", fmt::join(lines, "\n")), {}};
  output.json["results"] = boost::json::array(lines.begin(), lines.end());
  return output;
}

}  // namespace

void add_ctl_apply(CLI::App& ctl, const CtlPtr& shared) {
  CLI::App& command =
      *ctl.add_subcommand("apply", "Start and link on a host what a manifest file says");
  auto arguments = std::make_shared<ApplyArguments>();
  add_key(command, "host-key", arguments->host_id, "N", "Public key of the host")->required();
  command
      .add_option("path", arguments->path, "Manifest, YAML or JSON: actors, capabilities, links")
      ->required();
  command.add_flag("-e,--expand-env", arguments->expand_env,
                   "Replace ${NAME} and ${NAME:default} by environment variables");
  shared->context.on(
      command,
      "wash ctl apply NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI manifest.yaml",
      [shared, arguments] { return apply(*shared, *arguments); });
}

}  // namespace trellis::wash
