#include "ctl.h"

#include <fmt/format.h>

namespace trellis::wash {

CLI::App& add_group(CLI::App& parent, const std::string& name, const std::string& about) {
  CLI::App& group = *parent.add_subcommand(name, about);
  // At most one: an argument that is called like a command elsewhere is then still an argument.
  group.require_subcommand(1, 1);
  return group;
}

void add_ctl(CLI::App& root, Context& context) {
  CLI::App& ctl = add_group(root, "ctl", "Interact with a wasmCloud control interface");
  auto shared = std::make_shared<Ctl>(Ctl{context, add_ctl_connection(ctl)});
  add_ctl_apply(ctl, shared);
  add_ctl_get(ctl, shared);
  add_ctl_link(ctl, shared);
  add_ctl_scale(ctl, shared);
  add_ctl_start(ctl, shared);
  add_ctl_stop(ctl, shared);
}

Error explain_silence(const Error& error, const std::string& host_id,
                      const std::string& lattice_prefix) {
  if (error.code != Errc::unavailable) return error;
  std::string why =
      host_id.empty()
          ? fmt::format("no host is on the lattice '{}' there; start one with `wash up`",
                        lattice_prefix)
          : fmt::format(
                "the host {} is not on the lattice '{}'; `wash ctl get hosts` lists those that are",
                host_id, lattice_prefix);
  return caused_by(error.detail, Error{error.code, error.site, std::move(why)});
}

Output result_output(const std::string& text) {
  Output output{.text = text, .json = {}};
  output.json["result"] = text;
  return output;
}

}  // namespace trellis::wash
