#include <fmt/format.h>

#include "arguments.h"
#include "ctl.h"
#include "ctl_tables.h"

namespace trellis::wash {
namespace {

struct LinkArguments {
  control::LinkDefinition link;
  std::vector<std::string> values;
  bool verbose = false;
};
using Arguments = std::shared_ptr<LinkArguments>;

// Scripts of 2022 look for "successfully", so that stands only where all is well. A warning goes to
// stderr and into the JSON, and the result says that there is one.
Output with_warning(const Ctl& ctl, const std::string& warning, Output output) {
  ctl.context.note("Warning: " + warning);
  output.json["warning"] = warning;
  return output;
}

Result<Output> put(const Ctl& ctl, LinkArguments& arguments) {
  control::LinkDefinition& link = arguments.link;
  TRY_OK(check_contract(link.contract_id));
  auto values = parse_pairs(arguments.values);
  if (!values)
    return fail(values.error().code, values.error().site,
                "Error advertising link: " + values.error().detail);
  link.values = *std::move(values);
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(
      fmt::format("Defining link between {} and {} ... ", link.actor_id, link.provider_id));
  TRY(control::Client client, connect(lattice.options));
  Result<std::string> done = client.put_link(link);
  if (!done) return fail(explain_silence(done.error(), "", lattice.options.lattice_prefix));
  spinner.stop();
  Output output{fmt::format("Published link ({}) <-> ({}) {}", link.actor_id, link.provider_id,
                            done->empty() ? "successfully" : "with a warning"),
                {{"actor_id", link.actor_id}, {"provider_id", link.provider_id}}};
  return done->empty() ? output : with_warning(ctl, *done, std::move(output));
}

Result<Output> del(const Ctl& ctl, const control::LinkDefinition& link) {
  TRY_OK(check_contract(link.contract_id));
  TRY(Lattice lattice, ctl.lattice());
  std::string named = fmt::format("{} on {} ({})", link.actor_id, link.contract_id, link.link_name);
  Spinner spinner = ctl.context.spinner(fmt::format("Deleting link for {} ... ", named));
  TRY(control::Client client, connect(lattice.options));
  Result<std::string> done = client.delete_link(link);
  if (!done) return fail(explain_silence(done.error(), "", lattice.options.lattice_prefix));
  spinner.stop();
  Output output{done->empty() ? fmt::format("Deleted link for {} successfully", named)
                              : fmt::format("No link for {} to delete", named),
                {{"actor_id", link.actor_id},
                 {"contract_id", link.contract_id},
                 {"link_name", link.link_name}}};
  return done->empty() ? output : with_warning(ctl, *done, std::move(output));
}

Result<Output> query(const Ctl& ctl, bool verbose) {
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner("Querying Links ... ");
  TRY(control::Client client, connect(lattice.options));
  Result<control::LinkList> links = client.links();
  if (!links) return fail(explain_silence(links.error(), "", lattice.options.lattice_prefix));
  boost::json::object json = control::to_json(*links);
  return Output{links_table(*links, verbose), std::move(json)};
}

void add_link_name(CLI::App& app, std::string& into) {
  app.add_option("-l,--link-name", into, "Name of the link")
      ->capture_default_str()
      ->type_name("<NAME>");
}

}  // namespace

void add_ctl_link(CLI::App& ctl, const CtlPtr& shared) {
  CLI::App& link =
      add_group(ctl, "link", "Define, remove and show links between actors and providers");

  CLI::App& put_command =
      *link.add_subcommand("put", "Link an actor to a provider; neither needs to run yet");
  auto to_put = std::make_shared<LinkArguments>();
  add_key(put_command, "actor-id", to_put->link.actor_id, "M", "Public key of the actor")
      ->required();
  add_key(put_command, "provider-id", to_put->link.provider_id, "V", "Public key of the provider")
      ->required();
  put_command
      .add_option("contract-id", to_put->link.contract_id, "Contract, such as wasmcloud:httpserver")
      ->required();
  put_command.add_option("values", to_put->values,
                         "Settings of the link for the provider, as key=value");
  add_link_name(put_command, to_put->link.link_name);
  shared->context.on(
      put_command,
      "wash ctl link put MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5 \\\n"
      "      VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M wasmcloud:httpserver "
      "'ADDRESS=0.0.0.0:8080'",
      [shared, to_put] { return put(*shared, *to_put); });

  CLI::App& del_command =
      *link.add_subcommand("del", "Remove the link of an actor under a contract");
  auto to_delete = std::make_shared<LinkArguments>();
  add_key(del_command, "actor-id", to_delete->link.actor_id, "M", "Public key of the actor")
      ->required();
  del_command
      .add_option("contract-id", to_delete->link.contract_id,
                  "Contract, such as wasmcloud:httpserver")
      ->required();
  add_link_name(del_command, to_delete->link.link_name);
  shared->context.on(del_command,
                     "wash ctl link del MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5 "
                     "wasmcloud:httpserver",
                     [shared, to_delete] { return del(*shared, to_delete->link); });

  CLI::App& query_command = *link.add_subcommand("query", "Show all links of the lattice");
  auto to_show = std::make_shared<LinkArguments>();
  query_command.add_flag("-v,--verbose", to_show->verbose, "Show the state of every link");
  shared->context.on(query_command, "wash ctl link query",
                     [shared, to_show] { return query(*shared, to_show->verbose); });
}

}  // namespace trellis::wash
