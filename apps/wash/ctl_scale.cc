#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "ctl.h"
#include "reference_argument.h"

namespace trellis::wash {
namespace {

// The host answers an update when it is done, and it may have to fetch and compile the actor first.
constexpr control::milliseconds kUpdateTimeout{15'000};

struct ScaleArguments {
  control::ScaleActor scale;
  control::UpdateActor update;
  std::vector<std::string> annotations;
};

Result<Output> scale_actor(const Ctl& ctl, ScaleArguments& arguments) {
  control::ScaleActor& scale = arguments.scale;
  TRY(scale.annotations, parse_pairs(arguments.annotations));
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(
      fmt::format(" Scaling Actor {} to {} instances ... ", scale.actor_id, scale.count));
  TRY(control::Client client, connect(lattice.options));
  Result<void> sent = client.send(scale);
  if (!sent)
    return fail(explain_silence(sent.error(), scale.host_id, lattice.options.lattice_prefix));
  // "recieved" is what scripts that read this text look for.
  return result_output(fmt::format("Request to scale actor {} to {} instances recieved",
                                   scale.actor_id, scale.count));
}

Result<Output> update_actor(const Ctl& ctl, const control::UpdateActor& update) {
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(
      fmt::format(" Updating Actor {} to {} ... ", update.actor_id, update.new_actor_ref));
  TRY(control::Client client, connect(lattice.options));
  Result<void> sent =
      client.send(update, lattice.timeout_given ? lattice.options.timeout : kUpdateTimeout);
  if (!sent)
    return fail(explain_silence(sent.error(), update.host_id, lattice.options.lattice_prefix));
  return result_output(
      fmt::format("Actor {} updated to {}", update.actor_id, update.new_actor_ref));
}

}  // namespace

void add_ctl_scale(CLI::App& ctl, const CtlPtr& shared) {
  CLI::App& scale = add_group(ctl, "scale", "Change the number of instances of an actor");
  CLI::App& actor =
      *scale.add_subcommand("actor", "Set the number of instances of an actor on a host");
  auto arguments = std::make_shared<ScaleArguments>();
  add_key(actor, "host-id", arguments->scale.host_id, "N", "Public key of the host")->required();
  add_key(actor, "actor-id", arguments->scale.actor_id, "M", "Public key of the actor")->required();
  add_reference(actor, "actor-ref", arguments->scale.actor_ref,
                "Reference to start further instances from")
      ->required();
  actor.add_option("-c,--count", arguments->scale.count, "Number of instances; 0 stops them all")
      ->capture_default_str()
      ->type_name("<COUNT>");
  actor
      .add_option("-a,--annotations", arguments->annotations,
                  "Annotation of the instances, as key=value")
      ->allow_extra_args(false)
      ->type_name("<KEY=VALUE>");
  shared->context.on(
      actor,
      "wash ctl scale actor NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI \\\n"
      "      MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5 "
      "wasmcloud.azurecr.io/echo:0.3.4 --count 5",
      [shared, arguments] { return scale_actor(*shared, *arguments); });

  CLI::App& update = add_group(ctl, "update", "Replace an actor by a newer version while it runs");
  CLI::App& live =
      *update.add_subcommand("actor", "Replace an actor on a host by a newer version of itself");
  add_key(live, "host-id", arguments->update.host_id, "N", "Public key of the host")->required();
  add_key(live, "actor-id", arguments->update.actor_id, "M", "Public key of the actor")->required();
  add_reference(live, "new-actor-ref", arguments->update.new_actor_ref,
                "Reference of the new version: the same public key, a higher revision")
      ->required();
  shared->context.on(
      live,
      "wash ctl update actor NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI \\\n"
      "      MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5 "
      "wasmcloud.azurecr.io/echo:0.3.5",
      [shared, arguments] { return update_actor(*shared, arguments->update); });
}

}  // namespace trellis::wash
