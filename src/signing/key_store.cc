#include "signing/key_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/causes.h"

namespace trellis::signing {
namespace {

using claims::KeyPair;
using claims::KeyType;
namespace fs = std::filesystem;

struct TypeName {
  KeyType type;
  std::string_view name;   // in file names, and as the user types it
  std::string_view alias;  // another word for it
};
constexpr TypeName kTypeNames[] = {
    {KeyType::account, "account", ""},    {KeyType::user, "user", ""},
    {KeyType::module, "module", "actor"}, {KeyType::service, "service", "provider"},
    {KeyType::server, "server", "host"},  {KeyType::operator_, "operator", ""},
    {KeyType::cluster, "cluster", ""},
};

std::string_view name_of(KeyType type) {
  for (const TypeName& known : kTypeNames)
    if (known.type == type) return known.name;
  return "";
}

constexpr std::size_t kSeedFileBytesMax = 4'096;

tl::unexpected<Error> refused(std::string_view what, const fs::path& path, int error) {
  const Errc code = error == ENOENT   ? Errc::not_found
                    : error == EACCES ? Errc::denied
                                      : Errc::internal;
  return fail(code, "signing.file",
              fmt::format("Cannot {} {}: {} (os error {})", what, path.string(),
                          std::generic_category().message(error), error));
}

// A file, or a pipe that a shell made of a command.
Result<std::string> read_seed_file(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refused("read", path, errno);
  std::string text;
  std::array<char, 512> buffer{};
  ssize_t got = 0;
  do {
    got = ::read(fd, buffer.data(), buffer.size());
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  } while (got > 0 ? text.size() <= kSeedFileBytesMax : got < 0 && errno == EINTR);
  const int error = got < 0 ? errno : 0;
  ::close(fd);
  if (error != 0) return refused("read", path, error);
  if (text.size() > kSeedFileBytesMax) return refused("read", path, EFBIG);
  return text;
}

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  return text;
}

bool looks_like_seed(std::string_view text) { return text.size() == 58 && text[0] == 'S'; }

Result<KeyPair> key_from_seed(const std::string& seed, KeyType type, const std::string& origin) {
  Result<KeyPair> pair = KeyPair::from_seed(seed);
  if (!pair)
    return fail(pair.error().code, pair.error().site,
                fmt::format("{}: {}", origin, pair.error().detail));
  if (pair->type() != type)
    return fail(Errc::invalid, "signing.keys.type",
                fmt::format("{}: this is the key of type '{}' ({}), but the key of type '{}' is "
                            "needed here; `wash keys gen {}` makes one",
                            origin, name_of(pair->type()), pair->public_key(), name_of(type),
                            name_of(type)));
  return pair;
}

Result<KeyPair> given_key(const KeyRequest& request) {
  if (looks_like_seed(request.given))
    return key_from_seed(request.given, request.type, "The seed that was given");
  Result<std::string> text = read_seed_file(request.given);
  if (!text)
    return fail(
        caused_by("The key that was given is neither a seed (58 characters that begin with "
                  "S) nor a file with one",
                  text.error()));
  return key_from_seed(trimmed(*text), request.type, request.given);
}

std::string stem_for(const KeyRequest& request) {
  if (request.type != KeyType::account) return fs::path(request.subject).stem().string();
  const char* user = std::getenv("USER");
  return user == nullptr || *user == '\0' ? "user" : user;
}

Result<void> make_private_directory(const fs::path& directory) {
  std::error_code error;
  if (fs::is_directory(directory, error)) return {};
  error.clear();
  if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), error);
  if (error) return refused("create", directory.parent_path(), error.value());
  if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return refused("create", directory, errno);
}

// Never replaces a file: two commands that make the same key at once must end with one key.
Result<void> store_new(const fs::path& path, const std::string& seed) {
  TRY_OK(make_private_directory(path.parent_path()));
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return refused("write the new key to", path, errno);
  bool whole = ::write(fd, seed.data(), seed.size()) == static_cast<ssize_t>(seed.size());
  whole = ::close(fd) == 0 && whole;
  if (whole) return {};
  auto failure = refused("write the new key to", path, errno);
  ::unlink(path.c_str());
  return failure;
}

}  // namespace

Result<fs::path> keys_directory(const std::string& named) {
  if (!named.empty()) return fs::path(named);
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    return fail(Errc::invalid, "signing.home", "No home directory found. Please set $HOME.");
  return fs::path(home) / ".wash" / "keys";
}

Result<KeyType> parse_key_type(std::string_view word) {
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const TypeName& known : kTypeNames)
    if (lower == known.name || (!known.alias.empty() && lower == known.alias)) return known.type;
  return fail(Errc::invalid, "signing.keys.type",
              fmt::format("'{}' is not a type of key. The types are: account, user, module (or "
                          "actor), service (or provider), server (or host), operator, cluster",
                          word));
}

Result<std::string> stored_seed(const fs::path& directory, const std::string& name) {
  std::error_code ignored;
  fs::path path = directory / name;
  if (!fs::exists(path, ignored) && fs::exists(path.string() + ".nk", ignored)) path += ".nk";
  Result<std::string> text = read_seed_file(path);
  if (!text)
    return fail(caused_by(fmt::format("Please ensure {} exists.", path.string()), text.error()));
  return trimmed(*std::move(text));
}

Result<std::vector<std::string>> stored_names(const fs::path& directory) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  std::vector<std::string> names;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error))
    if (entries->path().extension() == ".nk") names.push_back(entries->path().filename().string());
  if (error)
    return fail(caused_by(fmt::format("please ensure directory {} exists", directory.string()),
                          Error{Errc::not_found, "signing.keys.directory",
                                fmt::format("{} (os error {})", error.message(), error.value())}));
  std::ranges::sort(names);
  return names;
}

Result<KeyPair> find_key(const KeyRequest& request) {
  if (!request.given.empty()) return given_key(request);
  TRY(fs::path directory, keys_directory(request.directory));
  fs::path path = directory / fmt::format("{}_{}.nk", stem_for(request), name_of(request.type));
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    TRY(std::string text, read_seed_file(path));
    return key_from_seed(trimmed(std::move(text)), request.type, path.string());
  }
  if (!request.may_generate)
    return fail(Errc::not_found, "signing.keys.missing",
                fmt::format("No keypair found in {}, please ensure key exists or supply one as a "
                            "flag",
                            path.string()));
  if (request.on_missing) request.on_missing(path.string());
  KeyPair pair = KeyPair::generate(request.type);
  TRY_OK(store_new(path, pair.seed()));
  return pair;
}

}  // namespace trellis::signing
