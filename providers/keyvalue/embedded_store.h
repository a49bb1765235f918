// A key-value store in one file of this machine, for those who have no Redis: the same operations
// with the same answers, kept by SQLite. Blocks; used from one thread at a time (StoreQueue's).
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "capability/keyvalue_contract.h"
#include "keyvalue/sqlite.h"

namespace trellis::keyvalue {

class EmbeddedStore {
 public:
  using Time = std::chrono::sys_time<std::chrono::milliseconds>;

  // Opens the file or makes it. Errors say what is wrong with it.
  static Result<std::unique_ptr<EmbeddedStore>> open(const std::string& path);

  // Carries all of them out, in order, as one transaction that is on disk when this returns;
  // answers in the contract's bytes. What an operation itself gets wrong (a list where a text is
  // wanted) fails it alone; what the store gets wrong (disk full) fails them all, and none has
  // happened.
  std::vector<Result<Bytes>> run(std::span<const capability::KeyValueCall* const> calls, Time now);

 private:
  using Call = capability::KeyValueCall;
  using Answer = Result<Bytes>;
  enum class Kind : std::uint8_t { text, list, set };
  struct Entry {
    Kind kind = Kind::text;
    std::string value;      // of a text
    std::int64_t size = 0;  // of a list or a set
  };

  explicit EmbeddedStore(Database database) : database_(std::move(database)) {}
  Result<void> prepare();

  // The outer result is the store's, the inner one the operation's.
  Result<std::vector<Answer>> run_all(std::span<const Call* const> calls);
  Result<Answer> apply(const Call& call);
  Result<Answer> get(const Call& call);
  Result<Answer> set(const Call& call);
  Result<Answer> remove(const Call& call);
  Result<Answer> increment(const Call& call);
  Result<Answer> list_add(const Call& call);
  Result<Answer> list_del(const Call& call);
  Result<Answer> list_range(const Call& call);
  Result<Answer> set_add(const Call& call);
  Result<Answer> set_del(const Call& call);
  Result<Answer> set_query(const Call& call);
  Result<Answer> set_union(const Call& call);
  Result<Answer> set_intersection(const Call& call);

  Result<std::unique_ptr<Entry>> find(std::string_view key);  // null: no such key, or expired
  Result<void> erase(std::string_view key);
  Result<void> resize(std::string_view key, Kind kind, std::int64_t size);  // 0: the key goes
  Result<void> drop_expired();
  // The members, sorted; false when the key is no set.
  Result<bool> members_of(std::string_view key, std::vector<std::string>& out);

  Database database_;
  Statement find_, put_, put_value_, put_size_, erase_, erase_items_, erase_members_, drop_expired_;
  Statement last_item_, add_item_, find_item_, del_item_, range_;
  Statement add_member_, del_member_, members_;
  std::int64_t now_ms_ = 0;           // of the batch
  std::int64_t dropped_expired_ = 0;  // when
};

}  // namespace trellis::keyvalue
