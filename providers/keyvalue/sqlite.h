// SQLite as values: a database file and prepared statements. Blocks; used from one thread at a
// time.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trellis::keyvalue {

class Database;

// A prepared statement. with() binds, in order, from ?1; one of the others then carries it out, to
// the end: a statement left in the middle would keep its transaction open.
class Statement {
 public:
  template <class... Values>
  Statement& with(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }
  Result<void> run();  // there is nothing to read
  // Reads the first row, if there is one, and says whether.
  template <class Read>
  Result<bool> first(Read read) {
    const int code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW) read(*this);
    TRY_OK(finish(code));
    return code == SQLITE_ROW;
  }
  template <class Read>
  Result<void> each(Read read) {
    int code = sqlite3_step(handle_.get());
    for (; code == SQLITE_ROW; code = sqlite3_step(handle_.get())) read(*this);
    return finish(code);
  }

  // Of the row that is being read. The view lives until the next one.
  std::string_view blob(int column) const;
  std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  bool is_null(int column) const {
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
  }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Result<void> finish(int code);
  // Keys and values are kept as blobs: compared byte by byte, with zeros in them.
  void bind(int index, std::string_view value) {
    sqlite3_bind_blob64(handle_.get(), index, value.data() == nullptr ? "" : value.data(),
                        value.size(), SQLITE_STATIC);
  }
  void bind(int index, std::int64_t value) { sqlite3_bind_int64(handle_.get(), index, value); }
  void bind(int index, std::nullptr_t) { sqlite3_bind_null(handle_.get(), index); }

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

class Database {
 public:
  // Opens the file, or makes it.
  static Result<Database> open(const std::string& path);
  Result<void> execute(const char* sql);
  Result<Statement> prepare(const char* sql);
  int changed() const { return sqlite3_changes(handle_.get()); }  // rows, by the last statement

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// What SQLite says went wrong, as one of our errors: exhausted when the disk is full, corrupt, …
Error sqlite_error(sqlite3* database, std::string_view what);

}  // namespace trellis::keyvalue
