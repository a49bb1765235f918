// One thing a lattice remembers, or that it no longer does: what the journal has lines of and what
// hosts tell each other (docs/protocol.md §8.1). Values.
#pragma once

#include <string>
#include <variant>

#include "lattice/bus.h"
#include "lattice/journal.h"
#include "lattice/link.h"
#include "lattice/state.h"
#include "lattice/subjects.h"

namespace trellis::lattice {

struct DeletedLink {
  Link link;  // as it was, or only what names it: actor, contract, link name
  bool operator==(const DeletedLink&) const = default;
};

struct Reference {
  std::string reference, public_key;
  bool operator==(const Reference&) const = default;
};

using StateRecord = std::variant<Link, DeletedLink, ClaimsRecord, Reference>;

// The link that names it without more: for deletions.
Link named_link(std::string actor_id, std::string contract_id, std::string link_name);

// LINKDEF_<link id>, CLAIMS_<public key>, REFMAP_<base64 of the reference>, as the lattice data of
// 0.60 has them (§8.2). Records of one key replace each other; a link and its deletion have one
// key.
std::string key_of(const StateRecord& record);

JournalRecord to_journal(const StateRecord& record);
Result<StateRecord> from_journal(const JournalRecord& record);  // of a living key

// As the message that hosts of 2022 publish: a subject below lc.<prefix> and JSON. `link_id`
// replaces the stable one, for links that another host has named.
Message to_message(const StateRecord& record, const Subjects& subjects, std::string link_id = {});

struct HeardRecord {
  StateRecord record;
  std::string link_id;  // of a link or a deletion, as the subject has it
};
Result<HeardRecord> from_message(const Message& message, const Subjects& subjects);

}  // namespace trellis::lattice
