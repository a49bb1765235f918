// What a lattice remembers: links, claims, references. In memory for readers, and where a host that
// was killed finds it again; every change is told to the observer. Owned by the host, core 0, not
// thread-safe. A host that is alone keeps it in a small journal file (journal_state.h). Hosts that
// share a NATS server keep it there, together, and see each other's changes (shared_state.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.h"
#include "lattice/link.h"
#include "runtime/task.h"

namespace trellis::lattice {

// The record of docs/protocol.md §5.4: all values strings. One for each actor and provider ever
// seen.
struct ClaimsRecord {
  std::string subject, issuer, name, call_alias, version, revision;
  std::vector<std::string> caps, tags;
  boost::json::object to_json() const;
  static Result<ClaimsRecord> from_json(const boost::json::object& object);
  bool operator==(const ClaimsRecord&) const = default;
};

class State {
 public:
  // Called on core 0 after a change is safe where the state is kept, in the order of the changes,
  // before the task that made the change resumes; also for the changes of other hosts, wherever
  // hosts share the state. Not for what is there when the state is opened. Any may be empty.
  struct Observer {
    std::function<void(const Link&)> link_put, link_deleted;
    std::function<void(const ClaimsRecord&)> claims_put;
    std::function<void(const std::string& reference, const std::string& public_key)> reference_put;
    // Besides, right after those above, when another host made the change: nobody here has handed
    // it to a provider. `replaced`: the link of that name that was there, or null.
    std::function<void(const Link& link, const Link* replaced)> link_put_elsewhere;
    std::function<void(const Link&)> link_deleted_elsewhere;
  };
  // In a file of this host; "" keeps everything in memory. Blocks: call it before the core serves
  // anything. Reads what an earlier host left; a damaged file is set aside with a log line, its
  // readable records kept. Errors: unavailable (another host uses the file: says which), denied or
  // internal (cannot be written).
  static Result<std::unique_ptr<State>> open(std::string file, Observer observer);
  virtual ~State() = default;  // no task of it may be pending

  // A change is safe (on disk, or with the server) and seen by readers when the task succeeds; when
  // it fails nothing changed, but for timeout and cancelled: then nobody knows. Changes are applied
  // in the order in which their tasks were started. A task given up by its caller (deadline) still
  // takes effect. Putting an equal record again changes nothing and tells nobody. Errors: exhausted
  // (too many changes wait), internal (the disk refused: full, read-only), those of JetStream
  // (jetstream.h).
  virtual runtime::Task<void> put_link(Link link) = 0;
  // The link that was there, or nullopt.
  virtual runtime::Task<std::optional<Link>> delete_link(std::string actor_id,
                                                         std::string contract_id,
                                                         std::string link_name) = 0;
  virtual runtime::Task<void> put_claims(ClaimsRecord record) = 0;
  virtual runtime::Task<void> put_reference(std::string reference, std::string public_key) = 0;

  virtual std::vector<Link> links() const = 0;  // ordered by actor, contract, name
  virtual const Link* link(const std::string& actor_id, const std::string& contract_id,
                           const std::string& link_name) const = 0;
  virtual std::vector<ClaimsRecord> all_claims() const = 0;
  virtual const ClaimsRecord* claims(const std::string& public_key) const = 0;
  virtual std::optional<std::string> key_of_reference(const std::string& reference) const = 0;
  // Whoever put an alias first keeps it; aliases of one character or none are not registered
  // (§5.4).
  virtual std::optional<std::string> key_of_alias(const std::string& call_alias) const = 0;

  // After the connection to the server was lost and found again: takes over what has changed
  // meanwhile, and gives back to the server what it has lost. Nothing to do for a file.
  virtual runtime::Task<void> resync() { co_return Result<void>(); }
  // Ends what it does by itself. Before it is destroyed, and before the bus it uses is.
  virtual runtime::Task<void> stop() { co_return Result<void>(); }
  virtual std::string describe() const = 0;  // where it is kept: "in the file …"
};

}  // namespace trellis::lattice
