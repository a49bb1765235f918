#include "lattice/state.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "lattice/journal.h"
#include "lattice/journal_writer.h"

namespace trellis::lattice {

namespace {

namespace json = boost::json;
using LinkKey = std::tuple<std::string, std::string, std::string>;  // actor, contract, link name

// Keys of the journal are those of the lattice data of 0.60 (docs/protocol.md §8.2).
constexpr std::string_view kLinkKey = "LINKDEF_";
constexpr std::string_view kClaimsKey = "CLAIMS_";
constexpr std::string_view kReferenceKey = "REFMAP_";

LinkKey key_of(const Link& link) { return {link.actor_id, link.contract_id, link.link_name}; }

JournalRecord to_record(const Link& link) {
  return {std::string(kLinkKey) + link.id(), codec::json_write(to_json(link))};
}

JournalRecord to_record(const ClaimsRecord& record) {
  return {std::string(kClaimsKey) + record.subject, codec::json_write(record.to_json())};
}

JournalRecord to_record(const std::string& reference, const std::string& public_key) {
  return {
      std::string(kReferenceKey) + codec::base64_encode(as_bytes(reference), codec::Base64::url),
      codec::json_write(json::object{{"oci_url", reference}, {"public_key", public_key}})};
}

class LatticeState final : public State {
 public:
  explicit LatticeState(Observer observer) : observer_(std::move(observer)) {}

  Result<void> load(const JournalRecord& record);
  void keep_in(std::unique_ptr<Journal> journal) {
    writer_ = std::make_unique<JournalWriter>(std::move(journal));
  }

  runtime::Task<void> put_link(Link link) override;
  runtime::Task<std::optional<Link>> delete_link(std::string actor_id, std::string contract_id,
                                                 std::string link_name) override;
  runtime::Task<void> put_claims(ClaimsRecord record) override;
  runtime::Task<void> put_reference(std::string reference, std::string public_key) override;

  std::vector<Link> links() const override;
  const Link* link(const std::string& actor_id, const std::string& contract_id,
                   const std::string& link_name) const override;
  std::vector<ClaimsRecord> all_claims() const override;
  const ClaimsRecord* claims(const std::string& public_key) const override;
  std::optional<std::string> key_of_reference(const std::string& reference) const override;
  std::optional<std::string> key_of_alias(const std::string& call_alias) const override;

 private:
  struct KnownClaims {
    std::size_t order;  // of the first put, which decides who has an alias
    ClaimsRecord record;
  };

  // What is in memory is what the next change starts from only while none is on its way to the
  // disk.
  bool settled() const { return !writer_ || writer_->idle(); }
  runtime::Task<void> commit(JournalRecord record, std::function<void()> applied);
  void set_claims(ClaimsRecord record);
  void assign_aliases();

  Observer observer_;
  std::map<LinkKey, Link> links_;
  std::map<std::string, KnownClaims> claims_;
  std::map<std::string, std::string> references_;  // reference → public key
  std::map<std::string, std::string> aliases_;     // call alias → public key
  std::size_t claims_order_ = 0;
  std::unique_ptr<JournalWriter> writer_;  // none: memory only
};

Result<void> LatticeState::load(const JournalRecord& record) {
  constexpr const char* kSite = "lattice.state.load";
  TRY(const auto value, codec::json_parse(*record.value));
  if (!value.is_object()) return fail(Errc::corrupt, kSite, record.key + " is not an object");
  const auto& object = value.get_object();
  if (record.key.starts_with(kLinkKey)) {
    TRY(auto link, link_from_json(object, kSite));
    auto key = key_of(link);
    links_.insert_or_assign(std::move(key), std::move(link));
  } else if (record.key.starts_with(kClaimsKey)) {
    TRY(auto claims, ClaimsRecord::from_json(object));
    set_claims(std::move(claims));
  } else if (record.key.starts_with(kReferenceKey)) {
    TRY(const auto reference, codec::json_string(object, "oci_url"));
    TRY(const auto key, codec::json_string(object, "public_key"));
    if (!reference || !key) return fail(Errc::corrupt, kSite, record.key + " lacks a field");
    references_.insert_or_assign(*reference, *key);
  } else {
    return fail(Errc::corrupt, kSite, "unknown record " + record.key);
  }
  return {};
}

runtime::Task<void> LatticeState::commit(JournalRecord record, std::function<void()> applied) {
  if (!writer_) {
    applied();
    co_return Result<void>();
  }
  co_return co_await writer_->write(std::move(record), std::move(applied));
}

runtime::Task<void> LatticeState::put_link(Link link) {
  const auto known = links_.find(key_of(link));
  if (settled() && known != links_.end() && known->second == link) co_return Result<void>();
  auto record = to_record(link);
  std::function<void()> applied = [this, link] {
    links_.insert_or_assign(key_of(link), link);
    if (observer_.link_put) observer_.link_put(link);
  };
  co_return co_await commit(std::move(record), std::move(applied));
}

runtime::Task<std::optional<Link>> LatticeState::delete_link(std::string actor_id,
                                                             std::string contract_id,
                                                             std::string link_name) {
  LinkKey key{std::move(actor_id), std::move(contract_id), std::move(link_name)};
  if (settled() && !links_.contains(key)) co_return std::nullopt;
  Link named;
  std::tie(named.actor_id, named.contract_id, named.link_name) = key;
  // Shared with the change, which is made even when this frame is gone.
  auto removed = std::make_shared<std::optional<Link>>();
  std::function<void()> applied = [this, key, removed] {
    const auto found = links_.find(key);
    if (found == links_.end()) return;
    *removed = std::move(found->second);
    links_.erase(found);
    if (observer_.link_deleted) observer_.link_deleted(**removed);
  };
  JournalRecord record{std::string(kLinkKey) + named.id(), std::nullopt};
  CO_TRY_OK(co_await commit(std::move(record), std::move(applied)));
  co_return std::move(*removed);
}

runtime::Task<void> LatticeState::put_claims(ClaimsRecord claims) {
  const auto* known = this->claims(claims.subject);
  if (settled() && known && *known == claims) co_return Result<void>();
  auto record = to_record(claims);
  std::function<void()> applied = [this, claims] {
    set_claims(claims);
    if (observer_.claims_put) observer_.claims_put(claims);
  };
  co_return co_await commit(std::move(record), std::move(applied));
}

runtime::Task<void> LatticeState::put_reference(std::string reference, std::string public_key) {
  if (settled() && key_of_reference(reference) == public_key) co_return Result<void>();
  auto record = to_record(reference, public_key);
  std::function<void()> applied = [this, reference, public_key] {
    references_.insert_or_assign(reference, public_key);
    if (observer_.reference_put) observer_.reference_put(reference, public_key);
  };
  co_return co_await commit(std::move(record), std::move(applied));
}

void LatticeState::set_claims(ClaimsRecord record) {
  const auto [known, fresh] = claims_.try_emplace(record.subject, KnownClaims{claims_order_, {}});
  if (fresh) ++claims_order_;
  const bool alias_changed = known->second.record.call_alias != record.call_alias;
  known->second.record = std::move(record);
  if (fresh && known->second.record.call_alias.size() > 1)
    aliases_.try_emplace(known->second.record.call_alias, known->first);
  else if (alias_changed)
    assign_aliases();
}

void LatticeState::assign_aliases() {
  std::vector<const KnownClaims*> ordered;
  for (const auto& [key, known] : claims_) ordered.push_back(&known);
  std::ranges::sort(ordered, {}, &KnownClaims::order);
  aliases_.clear();
  for (const auto* known : ordered) {
    const auto& record = known->record;
    if (record.call_alias.size() > 1) aliases_.try_emplace(record.call_alias, record.subject);
  }
}

std::vector<Link> LatticeState::links() const {
  std::vector<Link> all;
  all.reserve(links_.size());
  for (const auto& [key, link] : links_) all.push_back(link);
  return all;
}

const Link* LatticeState::link(const std::string& actor_id, const std::string& contract_id,
                               const std::string& link_name) const {
  const auto found = links_.find({actor_id, contract_id, link_name});
  return found == links_.end() ? nullptr : &found->second;
}

std::vector<ClaimsRecord> LatticeState::all_claims() const {
  std::vector<ClaimsRecord> all;
  all.reserve(claims_.size());
  for (const auto& [key, known] : claims_) all.push_back(known.record);
  return all;
}

const ClaimsRecord* LatticeState::claims(const std::string& public_key) const {
  const auto found = claims_.find(public_key);
  return found == claims_.end() ? nullptr : &found->second.record;
}

std::optional<std::string> LatticeState::key_of_reference(const std::string& reference) const {
  const auto found = references_.find(reference);
  if (found == references_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> LatticeState::key_of_alias(const std::string& call_alias) const {
  const auto found = aliases_.find(call_alias);
  if (found == aliases_.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Result<std::unique_ptr<State>> State::open(std::string file, Observer observer) {
  auto state = std::make_unique<LatticeState>(std::move(observer));
  if (!file.empty()) {
    TRY(auto opened, Journal::open(file));
    for (const auto& record : opened.records) {
      // Its checksum is right, so another version wrote it: left in the file, unknown here.
      if (auto loaded = state->load(record); !loaded)
        LOG(warn, "{}: record {} is not understood: {}", file, record.key,
            loaded.error().describe());
    }
    state->keep_in(std::move(opened.journal));
  }
  return std::unique_ptr<State>(std::move(state));
}

}  // namespace trellis::lattice
