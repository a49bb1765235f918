// Keeps a Kubernetes Service for every actor that has a link to an HTTP server. Hears the lattice's
// events (wasmbus.evt.<lattice>) through a messaging link, and applies through a link to a
// Kubernetes applier. An event about a link changes that actor's Service at once, as in 2022; a
// host's heartbeat, and a link of this actor's own, make all Services what the table of links says.
// Keeps nothing between calls. docs/applier.md.
#include "reconcile.h"
#include "trellis/actor.h"

using namespace trellis::sdk;

namespace service_applier {

constexpr std::string_view kEvents = "wasmbus.evt.";
constexpr std::string_view kTypes = "com.wasmcloud.lattice.";

// The links of the actor after the event. Where the table of links cannot be asked for: only this
// one. Where it did not come the actor may have others, which a change would take away.
Result<std::vector<Link>> links_after(const Link& link, bool set, std::string_view lattice) {
  const auto answer = ask_for_links(lattice);
  if (answer.what == Answer::What::none)
    return Error{"The lattice does not say which links actor " + link.actor_id +
                 " has, and its Service stays as it is; the next heartbeat repairs it"};
  std::vector<Link> links;
  for (const auto& other : answer.links)
    if (other.actor_id == link.actor_id && !other.same_place(link)) links.push_back(other);
  if (set) links.push_back(link);
  return links;
}

Result<void> on_link(const Link& link, bool set, std::string_view lattice) {
  if (set) {
    if (const auto port = port_of(link.values); !port) return port.error();
  }
  const auto links = links_after(link, set, lattice);
  if (!links) return links.error();
  if (links->empty()) return remove_service(lower(link.actor_id));
  const auto service = service_of(*links, lattice);
  if (service.ports.empty()) return {};  // none of those that are left can be read
  const auto applied = KubernetesApplier().apply(manifest_of({&service}));
  if (!applied) return applied.error();
  if (!applied->succeeded) return Error{"Unable to apply kubernetes service: " + applied->error};
  return {};
}

Result<Link> link_of(const Event& event) {
  const auto lacks = [](const char* key) {
    return Error{std::string("invalid parameter: Event does not have key ") + key};
  };
  if (event.data.empty() || event.data.front() != '{') return lacks("data");
  JsonReader json(event.data);
  auto link = read_link(json);
  if (link.contract_id.empty()) return lacks("contract_id");
  return link;
}

struct ServiceApplier {
  Result<void> handle(const SubMessage& message) {
    const auto event = read_event(as_text(message.body));
    if (!event) return event.error();
    const std::string_view subject = message.subject;
    const auto lattice =
        subject.starts_with(kEvents) ? subject.substr(kEvents.size()) : std::string_view();
    std::string_view type = event->type;
    if (!type.starts_with(kTypes)) return skipped(event->type);
    type.remove_prefix(kTypes.size());
    if (type == "host_heartbeat") return reconcile(lattice);
    if (type != "linkdef_set" && type != "linkdef_deleted") return skipped(event->type);
    const auto link = link_of(*event);
    if (!link) return link.error();
    const bool set = type == "linkdef_set";
    if (link->contract_id == kHttpServer) return on_link(*link, set, lattice);
    const bool own = link->contract_id == "wasmcloud:messaging" ||
                     link->contract_id == "cosmonic:kubernetes_applier";
    return own && set ? reconcile(lattice) : skipped(event->type);
  }

  static Result<void> skipped(const std::string& type) {
    log::debug("Skipping event of type " + type);
    return {};
  }
};

}  // namespace service_applier

TRELLIS_ACTOR(service_applier::ServiceApplier)
