#include "keyvalue/sqlite.h"

#include <fmt/format.h>

namespace trellis::keyvalue {
namespace {

constexpr const char* kSite = "keyvalue.sqlite";
constexpr int kBusyMs = 2'000;  // another process writes

Errc code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return Errc::exhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::corrupt;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return Errc::denied;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
      return Errc::unavailable;
    default:
      return Errc::internal;
  }
}

}  // namespace

Error sqlite_error(sqlite3* database, std::string_view what) {
  return {code_of(sqlite3_errcode(database)), kSite,
          fmt::format("{}: {}", what, sqlite3_errmsg(database))};
}

Result<void> Statement::finish(int code) {
  if (code == SQLITE_ROW || code == SQLITE_DONE) {
    sqlite3_reset(handle_.get());
    return {};
  }
  Error error = sqlite_error(sqlite3_db_handle(handle_.get()), "the key-value store");
  sqlite3_reset(handle_.get());
  return fail(std::move(error));
}

Result<void> Statement::run() {
  return each([](const Statement&) {});
}

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return data == nullptr ? std::string_view{} : std::string_view(data, size);
}

Result<Database> Database::open(const std::string& path) {
  Database database;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  database.handle_.reset(handle);
  if (code != SQLITE_OK) return fail(sqlite_error(handle, fmt::format("cannot open {}", path)));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyMs);
  return database;
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail(sqlite_error(handle_.get(), "the key-value store"));
  return {};
}

Result<Statement> Database::prepare(const char* sql) {
  Statement statement;
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr) !=
      SQLITE_OK)
    return fail(sqlite_error(handle_.get(), "the key-value store"));
  statement.handle_.reset(handle);
  return statement;
}

}  // namespace trellis::keyvalue
