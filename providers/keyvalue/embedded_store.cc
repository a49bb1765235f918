#include "keyvalue/embedded_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/limits.h"

namespace trellis::keyvalue {
namespace {

using capability::KeyValueOp;

constexpr const char* kSite = "keyvalue.store";
constexpr std::int64_t kFormat = 1;
constexpr std::int64_t kDropExpiredEveryMs = 10'000;

// `size` of a list or a set saves counting; only texts expire. Keys and values are blobs: any
// bytes.
constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS keys(
    key BLOB PRIMARY KEY, kind INTEGER NOT NULL, value BLOB, size INTEGER NOT NULL, expires INTEGER);
  CREATE INDEX IF NOT EXISTS keys_by_expiry ON keys(expires) WHERE expires IS NOT NULL;
  CREATE TABLE IF NOT EXISTS items(
    key BLOB, position INTEGER, value BLOB, PRIMARY KEY(key, position)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS members(key BLOB, value BLOB, PRIMARY KEY(key, value)) WITHOUT ROWID;
  PRAGMA user_version = 1;
)";

bool writes(KeyValueOp op) {
  switch (op) {
    case KeyValueOp::get:
    case KeyValueOp::contains:
    case KeyValueOp::list_range:
    case KeyValueOp::set_query:
    case KeyValueOp::set_union:
    case KeyValueOp::set_intersection:
      return false;
    default:
      return true;
  }
}

// The words are Redis', so that an actor cannot tell which of the two answered.
Result<Bytes> wrong_kind() {
  return fail(Errc::invalid, kSite,
              "WRONGTYPE Operation against a key holding the wrong kind of value");
}
Result<Bytes> no_names(std::string_view command) {
  return fail(Errc::invalid, kSite,
              fmt::format("ERR wrong number of arguments for '{}' command", command));
}

// As Redis reads a counter: digits with at most a minus in front, nothing else.
bool read_counter(std::string_view text, std::int64_t& out) {
  const auto* end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, out);
  return ec == std::errc{} && at == end && std::to_string(out) == text;
}

Result<Bytes> strings(const std::vector<std::string>& values) {
  std::size_t size = 0;
  for (const auto& value : values) size += value.size();
  if (size > limits::kGuestResponseBytesMax) {
    return fail(Errc::exhausted, kSite,
                fmt::format("the answer has {} bytes, more than the {} a call may answer; ask for "
                            "less at a time",
                            size, limits::kGuestResponseBytesMax));
  }
  const std::vector<std::string_view> views(values.begin(), values.end());
  return capability::encode_strings(views);
}

}  // namespace

// --- the file ---

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::open(const std::string& path) {
  TRY(auto database, Database::open(path));
  std::unique_ptr<EmbeddedStore> store(new EmbeddedStore(std::move(database)));
  if (auto prepared = store->prepare(); !prepared) {
    Error error = std::move(prepared).error();
    error.detail =
        fmt::format("the file {} cannot be used as a key-value store: {}", path, error.detail);
    return fail(std::move(error));
  }
  return store;
}

Result<void> EmbeddedStore::prepare() {
  TRY(auto version, database_.prepare("PRAGMA user_version"));
  std::int64_t format = 0;
  TRY_OK(version.first([&](const Statement& row) { format = row.integer(0); }));
  if (format > kFormat) {
    return fail(
        Errc::invalid, kSite,
        fmt::format("it has format {}, of a later version of this program; this one knows {}",
                    format, kFormat));
  }
  // FULL: a commit waits for the disk; WAL: for one file, appended to.
  TRY_OK(database_.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"));
  TRY_OK(database_.execute(kSchema));
  const std::pair<Statement*, const char*> statements[] = {
      {&find_, "SELECT kind, value, size, expires FROM keys WHERE key = ?1"},
      {&put_,
       "INSERT OR REPLACE INTO keys(key, kind, value, size, expires) VALUES(?1,?2,?3,?4,?5)"},
      {&put_value_, "UPDATE keys SET value = ?2 WHERE key = ?1"},
      {&put_size_, "UPDATE keys SET size = ?2 WHERE key = ?1"},
      {&erase_, "DELETE FROM keys WHERE key = ?1"},
      {&erase_items_, "DELETE FROM items WHERE key = ?1"},
      {&erase_members_, "DELETE FROM members WHERE key = ?1"},
      {&drop_expired_, "DELETE FROM keys WHERE expires <= ?1"},
      {&last_item_, "SELECT MAX(position) FROM items WHERE key = ?1"},
      {&add_item_, "INSERT INTO items(key, position, value) VALUES(?1, ?2, ?3)"},
      {&find_item_,
       "SELECT position FROM items WHERE key = ?1 AND value = ?2 ORDER BY position LIMIT 1"},
      {&del_item_, "DELETE FROM items WHERE key = ?1 AND position = ?2"},
      {&range_, "SELECT value FROM items WHERE key = ?1 ORDER BY position LIMIT ?2 OFFSET ?3"},
      {&add_member_, "INSERT OR IGNORE INTO members(key, value) VALUES(?1, ?2)"},
      {&del_member_, "DELETE FROM members WHERE key = ?1 AND value = ?2"},
      {&members_, "SELECT value FROM members WHERE key = ?1 ORDER BY value"}};
  for (const auto& [statement, sql] : statements) {
    TRY(*statement, database_.prepare(sql));
  }
  return {};
}

// --- a batch ---

std::vector<Result<Bytes>> EmbeddedStore::run(std::span<const Call* const> calls, Time now) {
  now_ms_ = now.time_since_epoch().count();
  auto answers = run_all(calls);
  if (answers) return *std::move(answers);
  (void)database_.execute("ROLLBACK");  // SQLite may have done so itself
  return {calls.size(), fail(answers.error())};
}

Result<std::vector<EmbeddedStore::Answer>> EmbeddedStore::run_all(
    std::span<const Call* const> calls) {
  const bool changes =
      std::any_of(calls.begin(), calls.end(), [](const Call* call) { return writes(call->op); });
  TRY_OK(database_.execute(changes ? "BEGIN IMMEDIATE" : "BEGIN"));
  if (changes) TRY_OK(drop_expired());
  std::vector<Answer> answers;
  answers.reserve(calls.size());
  for (const auto* call : calls) {
    TRY(auto answer, apply(*call));
    answers.push_back(std::move(answer));
  }
  TRY_OK(database_.execute("COMMIT"));
  return answers;
}

Result<EmbeddedStore::Answer> EmbeddedStore::apply(const Call& call) {
  switch (call.op) {
    case KeyValueOp::get:
      return get(call);
    case KeyValueOp::set:
      return set(call);
    case KeyValueOp::contains: {
      TRY(const auto entry, find(call.key));
      return Answer(capability::encode_flag(entry != nullptr));
    }
    case KeyValueOp::del:
    case KeyValueOp::list_clear:
    case KeyValueOp::set_clear:
      return remove(call);
    case KeyValueOp::increment:
      return increment(call);
    case KeyValueOp::list_add:
      return list_add(call);
    case KeyValueOp::list_del:
      return list_del(call);
    case KeyValueOp::list_range:
      return list_range(call);
    case KeyValueOp::set_add:
      return set_add(call);
    case KeyValueOp::set_del:
      return set_del(call);
    case KeyValueOp::set_query:
      return set_query(call);
    case KeyValueOp::set_union:
      return set_union(call);
    case KeyValueOp::set_intersection:
      return set_intersection(call);
  }
  return fail(Errc::internal, kSite, "an operation without an implementation");
}

// --- keys ---

Result<std::unique_ptr<EmbeddedStore::Entry>> EmbeddedStore::find(std::string_view key) {
  std::unique_ptr<Entry> entry;
  TRY_OK(find_.with(key).first([&](const Statement& row) {
    if (!row.is_null(3) && row.integer(3) <= now_ms_) return;
    entry = std::make_unique<Entry>();
    entry->kind = static_cast<Kind>(row.integer(0));
    entry->value = row.blob(1);
    entry->size = row.integer(2);
  }));
  return entry;
}

Result<void> EmbeddedStore::erase(std::string_view key) {
  TRY_OK(erase_.with(key).run());
  TRY_OK(erase_items_.with(key).run());
  return erase_members_.with(key).run();
}

Result<void> EmbeddedStore::resize(std::string_view key, Kind kind, std::int64_t size) {
  if (size == 0) return erase(key);
  TRY_OK(put_size_.with(key, size).run());
  if (database_.changed() > 0) return {};
  return put_.with(key, static_cast<std::int64_t>(kind), nullptr, size, nullptr).run();
}

// Seldom: what has expired is not seen in any case.
Result<void> EmbeddedStore::drop_expired() {
  if (now_ms_ - dropped_expired_ < kDropExpiredEveryMs && now_ms_ >= dropped_expired_) return {};
  dropped_expired_ = now_ms_;
  return drop_expired_.with(now_ms_).run();
}

Result<EmbeddedStore::Answer> EmbeddedStore::get(const Call& call) {
  TRY(const auto entry, find(call.key));
  if (!entry) return Answer(capability::encode_get_response(std::nullopt));
  if (entry->kind != Kind::text) return wrong_kind();
  return Answer(capability::encode_get_response(entry->value));
}

Result<EmbeddedStore::Answer> EmbeddedStore::set(const Call& call) {
  TRY_OK(erase(call.key));
  const auto text = static_cast<std::int64_t>(Kind::text);
  const std::int64_t expires = now_ms_ + std::int64_t{call.expires} * 1000;
  TRY_OK(call.expires == 0 ? put_.with(call.key, text, call.value, std::int64_t{0}, nullptr).run()
                           : put_.with(call.key, text, call.value, std::int64_t{0}, expires).run());
  return Answer(Bytes{});
}

Result<EmbeddedStore::Answer> EmbeddedStore::remove(const Call& call) {
  TRY(const auto entry, find(call.key));
  TRY_OK(erase(call.key));
  return Answer(capability::encode_flag(entry != nullptr));
}

Result<EmbeddedStore::Answer> EmbeddedStore::increment(const Call& call) {
  TRY(const auto entry, find(call.key));
  if (entry && entry->kind != Kind::text) return wrong_kind();
  std::int64_t value = 0;
  if (entry && !read_counter(entry->value, value)) {
    return Answer(fail(Errc::invalid, kSite, "ERR value is not an integer or out of range"));
  }
  if (__builtin_add_overflow(value, std::int64_t{call.by}, &value)) {
    return Answer(fail(Errc::invalid, kSite, "ERR increment or decrement would overflow"));
  }
  const std::string text = std::to_string(value);
  if (entry) {  // its expiry stays
    TRY_OK(put_value_.with(call.key, std::string_view(text)).run());
  } else {
    TRY_OK(put_.with(call.key, static_cast<std::int64_t>(Kind::text), std::string_view(text),
                     std::int64_t{0}, nullptr)
               .run());
  }
  if (value < INT32_MIN || value > INT32_MAX) {
    return Answer(fail(
        Errc::invalid, kSite,
        fmt::format("'{}' is at {} now, which the contract has no room for", call.key, value)));
  }
  return Answer(capability::encode_number(value));
}

// --- lists ---

Result<EmbeddedStore::Answer> EmbeddedStore::list_add(const Call& call) {
  TRY(const auto entry, find(call.key));
  if (entry && entry->kind != Kind::list) return wrong_kind();
  if (!entry) TRY_OK(erase(call.key));  // a text that expired
  std::int64_t position = 0;
  TRY_OK(last_item_.with(call.key).first([&](const Statement& row) {
    if (!row.is_null(0)) position = row.integer(0) + 1;
  }));
  TRY_OK(add_item_.with(call.key, position, call.value).run());
  const std::int64_t size = entry ? entry->size + 1 : 1;
  TRY_OK(resize(call.key, Kind::list, size));
  return Answer(capability::encode_number(size));
}

Result<EmbeddedStore::Answer> EmbeddedStore::list_del(const Call& call) {
  TRY(const auto entry, find(call.key));
  if (!entry) return Answer(capability::encode_flag(false));
  if (entry->kind != Kind::list) return wrong_kind();
  std::int64_t position = 0;
  TRY(const bool found, find_item_.with(call.key, call.value).first([&](const Statement& row) {
    position = row.integer(0);
  }));
  if (!found) return Answer(capability::encode_flag(false));
  TRY_OK(del_item_.with(call.key, position).run());
  TRY_OK(resize(call.key, Kind::list, entry->size - 1));
  return Answer(capability::encode_flag(true));
}

Result<EmbeddedStore::Answer> EmbeddedStore::list_range(const Call& call) {
  TRY(const auto entry, find(call.key));
  if (!entry) return strings({});
  if (entry->kind != Kind::list) return wrong_kind();
  const auto from_end = [&](std::int64_t index) { return index < 0 ? index + entry->size : index; };
  const std::int64_t start = std::max<std::int64_t>(from_end(call.start), 0);
  const std::int64_t stop = std::min(from_end(call.stop), entry->size - 1);
  std::vector<std::string> values;
  if (start > stop) return strings(values);
  TRY_OK(range_.with(call.key, stop - start + 1, start).each([&](const Statement& row) {
    values.emplace_back(row.blob(0));
  }));
  return strings(values);
}

// --- sets ---

Result<EmbeddedStore::Answer> EmbeddedStore::set_add(const Call& call) {
  TRY(const auto entry, find(call.key));
  if (entry && entry->kind != Kind::set) return wrong_kind();
  if (!entry) TRY_OK(erase(call.key));
  TRY_OK(add_member_.with(call.key, call.value).run());
  const std::int64_t added = database_.changed();
  if (added > 0) TRY_OK(resize(call.key, Kind::set, (entry ? entry->size : 0) + added));
  return Answer(capability::encode_number(added));
}

Result<EmbeddedStore::Answer> EmbeddedStore::set_del(const Call& call) {
  TRY(const auto entry, find(call.key));
  if (!entry) return Answer(capability::encode_number(0));
  if (entry->kind != Kind::set) return wrong_kind();
  TRY_OK(del_member_.with(call.key, call.value).run());
  const std::int64_t removed = database_.changed();
  if (removed > 0) TRY_OK(resize(call.key, Kind::set, entry->size - removed));
  return Answer(capability::encode_number(removed));
}

Result<bool> EmbeddedStore::members_of(std::string_view key, std::vector<std::string>& out) {
  TRY(const auto entry, find(key));
  if (!entry) return true;
  if (entry->kind != Kind::set) return false;
  TRY_OK(members_.with(key).each([&](const Statement& row) { out.emplace_back(row.blob(0)); }));
  return true;
}

Result<EmbeddedStore::Answer> EmbeddedStore::set_query(const Call& call) {
  std::vector<std::string> members;
  TRY(const bool is_set, members_of(call.key, members));
  return is_set ? strings(members) : wrong_kind();
}

Result<EmbeddedStore::Answer> EmbeddedStore::set_union(const Call& call) {
  if (call.names.empty()) return no_names("sunion");
  std::vector<std::string> all;
  for (const auto name : call.names) {
    std::vector<std::string> members, merged;
    TRY(const bool is_set, members_of(name, members));
    if (!is_set) return wrong_kind();
    std::set_union(all.begin(), all.end(), members.begin(), members.end(),
                   std::back_inserter(merged));
    all = std::move(merged);
  }
  return strings(all);
}

Result<EmbeddedStore::Answer> EmbeddedStore::set_intersection(const Call& call) {
  if (call.names.empty()) return no_names("sinter");
  std::vector<std::string> common;
  for (std::size_t i = 0; i < call.names.size(); ++i) {
    std::vector<std::string> members, kept;
    TRY(const bool is_set, members_of(call.names[i], members));
    if (!is_set) return wrong_kind();
    if (i == 0) {
      common = std::move(members);
      continue;
    }
    std::set_intersection(common.begin(), common.end(), members.begin(), members.end(),
                          std::back_inserter(kept));
    common = std::move(kept);
  }
  return strings(common);
}

}  // namespace trellis::keyvalue
