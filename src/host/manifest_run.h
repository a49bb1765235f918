// What this host is configured to run (TRELLIS_MANIFEST): starts the actors, then the providers,
// and puts the links, each side by side, and tries again what did not work, with a pause that
// grows. A change that somebody makes by command counts: what was stopped, deleted or put
// differently once it ran as configured stays so until the host's next start.
//
// Until everything has run once, missing() says what does not and why, and the host is not ready.
// After that it is not asked any more: a host that lost readiness for one link or one provider that
// is down would be taken from its other callers too, and all replicas at once when what they share
// is away. What happens then is in the log, the inventory and the states of links. Core 0.
#pragma once

#include <string>
#include <vector>

#include "control/manifest.h"
#include "host/actor_table.h"
#include "host/backoff.h"
#include "host/link_table.h"
#include "host/provider_table.h"

namespace trellis::host {

class ManifestRun {
 public:
  ManifestRun(Parts& parts, ActorTable& actors, ProviderTable& providers, LinkTable& links,
              const control::Manifest& manifest);

  void start();  // in the host's tasks
  // "" when everything has run. Else each thing that does not, and why.
  std::string missing() const;

 private:
  struct Entry {
    std::string what;       // "actor wasmcloud.azurecr.io/echo:0.3.4"
    std::string why;        // it did not start, as of the last try
    bool done = false;      // started, or put
    std::string elsewhere;  // of a link whose provider another host runs: what that host says
  };

  runtime::Task<void> start_providers();
  runtime::Task<void> keep_actor(const control::ManifestActor& actor, Entry& entry);
  runtime::Task<void> keep_provider(const control::ManifestCapability& capability, Entry& entry);
  runtime::Task<void> keep_link(lattice::Link link, Entry& entry);
  runtime::Task<void> watch();
  runtime::Task<void> ask_elsewhere();
  // Says a reason that is new in the log.
  runtime::Task<void> pause_after(const Error& error, Entry& entry, Backoff& backoff);
  std::string trouble() const;
  std::string trouble_of_provider(const control::ManifestCapability& capability,
                                  const Entry& entry) const;
  std::string trouble_of_link(const lattice::Link& link, const Entry& entry) const;

  Parts& parts_;
  ActorTable& actors_;
  ProviderTable& providers_;
  LinkTable& links_;
  const control::Manifest& manifest_;
  std::vector<Entry> actor_entries_, provider_entries_, link_entries_;  // as in the manifest
  std::vector<lattice::Link> wanted_links_;
  bool complete_ = false;
};

}  // namespace trellis::host
