// The lattice's state in JetStream: a log of records, of which the server keeps the last of each
// subject, and that every host reads in the same order. What readers see is what was read: a change
// of this host's is published, acknowledged, read back, and only then done. So all hosts agree,
// whoever of them changes what at once; hosts of 2022 read and write the same (docs/protocol.md
// §8.1). Made by open_lattice_state(). Core 0; the bus outlives it.
//
// When the server loses the stream (it is kept in memory) each host gives back what the new one
// does not have. Each record says where it was in the lost stream, so that of two hosts the one
// that knew more recent news wins, and nothing that was said since is overruled.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "lattice/jetstream.h"
#include "lattice/shared_state.h"
#include "lattice/state_tables.h"
#include "runtime/admission.h"
#include "runtime/core.h"
#include "runtime/parking.h"
#include "runtime/task_group.h"

namespace trellis::lattice {

class JetStreamState final : public StateTables {
 public:
  JetStreamState(Bus& bus, SharedStateOptions options);

  // Once, first: makes the stream if need be and reads it. When it fails, stop() and no more.
  runtime::Task<void> open();

  runtime::Task<void> put_link(Link link) override;
  runtime::Task<std::optional<Link>> delete_link(std::string actor_id, std::string contract_id,
                                                 std::string link_name) override;
  runtime::Task<void> put_claims(ClaimsRecord record) override;
  runtime::Task<void> put_reference(std::string reference, std::string public_key) override;
  // Those who ask while it runs share the next run.
  runtime::Task<void> resync() override;
  runtime::Task<void> stop() override;
  std::string describe() const override;

  static constexpr std::size_t kChangesMax = 20'000;  // under way at once

 private:
  // A place in a stream that is lost.
  struct Place {
    std::string stream;  // when it was made
    std::uint64_t sequence = 0;
  };
  // The last record of a key, links that were deleted too.
  struct Known {
    StateRecord record;
    std::uint64_t sequence = 0;   // in the stream; 0: not yet seen in this one
    std::optional<Place> former;  // then: where it was
    std::uint64_t round = 0;      // the last run of synchronise() that met it
    std::set<std::string>
        other_ids{};  // of a link: under which it lives in the stream, besides its own
  };
  // A change of this host's that is under way.
  struct Change {
    explicit Change(std::string k) : key(std::move(k)), progress(runtime::Core::current()) {}
    std::string key;
    std::optional<Link> former;  // the link it replaced or deleted
    bool applied = false;
    runtime::Parking progress;
  };
  using Changes = std::map<std::uint64_t, std::shared_ptr<Change>>;
  using Awaited = std::multimap<std::uint64_t, std::shared_ptr<Change>>;

  runtime::Task<void> synchronise();
  void forget_places();
  runtime::Task<void> follow();
  runtime::Task<void> wait_until_read();
  void drop_what_was_removed();
  runtime::Task<void> give_back();
  runtime::Task<void> overrule(std::string key, std::uint64_t sequence);
  runtime::Task<void> watch();

  void hear(const Message& message);
  void accept(const Message& message, const HeardRecord& heard, std::uint64_t sequence);
  static std::optional<Place> former_place(const Message& message);
  std::shared_ptr<Change> own_change(const Message& message, bool& own) const;

  runtime::Task<std::optional<Link>> change(StateRecord record);
  bool is_changing(const std::string& key) const;
  runtime::Task<std::uint64_t> publish(Message message);
  runtime::Task<void> wait_until_applied(std::shared_ptr<Change> change, std::uint64_t sequence);
  Message message_of(const Known& known, std::uint64_t expected_last) const;

  const JetStream jetstream_;
  const Subjects subjects_;
  const std::chrono::milliseconds heartbeat_;
  const std::string self_;  // marks what this host publishes

  std::map<std::string, Known> known_;  // by key_of()
  Changes changes_;                     // by number
  Awaited awaited_;                     // those the server has: by sequence
  std::uint64_t last_change_ = 0;

  std::string stream_made_;      // when; "" before the first
  std::uint64_t last_read_ = 0;  // sequence
  Subscription inbox_;
  std::chrono::steady_clock::time_point heard_at_;
  std::uint64_t heard_ = 0;  // messages of this round
  bool read_ = false;        // all that was there when the round began
  runtime::Parking* reading_ = nullptr;

  bool opened_ = false;  // from then on changes are told
  runtime::Admission turns_{1, kChangesMax};
  std::uint64_t round_ = 0, rounds_ended_ = 0;
  Result<void> last_round_;
  runtime::TaskGroup tasks_;
};

}  // namespace trellis::lattice
