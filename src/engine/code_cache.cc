#include "engine/code_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "base/units.h"

namespace trellis::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFolderBytesMax = 2_GiB;  // then the entries unused for longest go
constexpr std::size_t kDigestChars = 64;

std::string reason() { return std::strerror(errno); }

class File {
 public:
  File(const std::string& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_;
};

class Mapping {
 public:
  Mapping(int fd, std::size_t size)
      : bytes_(size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0)),
        size_(size) {}
  ~Mapping() {
    if (bytes_ != MAP_FAILED) ::munmap(bytes_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  BytesView view() const {
    if (bytes_ == MAP_FAILED) return {};
    return {static_cast<const std::uint8_t*>(bytes_), size_};
  }

 private:
  void* bytes_;
  std::size_t size_;
};

bool private_to_us(const struct stat& info, bool folder) {
  return info.st_uid == ::geteuid() && (info.st_mode & 077) == 0 &&
         (folder ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode));
}

// The folder, made if it is not there, or why it cannot be used.
std::string folder_trouble(const std::string& folder) {
  std::error_code ec;
  const fs::path parent = fs::path(folder).parent_path();
  if (!parent.empty()) fs::create_directories(parent, ec);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return reason();
  struct stat info{};
  if (::lstat(folder.c_str(), &info) != 0) return reason();
  if (!private_to_us(info, true))
    return "it must be a folder of this user that nobody else can enter (chmod 700)";
  return {};
}

bool write_all(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

// Whole or not at all: temporary file, fsync, rename. Its name is nobody else's, process or thread.
bool write_file(const std::string& path, BytesView bytes) {
  static std::atomic<unsigned> written{0};
  const std::string temporary = fmt::format("{}.{}.{}.tmp", path, ::getpid(), written++);
  {
    File file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!file) return false;
    if (!write_all(file.fd(), bytes) || ::fsync(file.fd()) != 0) {
      const int kept = errno;
      ::unlink(temporary.c_str());
      errno = kept;
      return false;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int kept = errno;
    ::unlink(temporary.c_str());
    errno = kept;
    return false;
  }
  return true;
}

std::string read_digest(const std::string& path) {
  File file(path, O_RDONLY);
  struct stat info{};
  if (!file || ::fstat(file.fd(), &info) != 0 || !private_to_us(info, false)) return {};
  std::string text(kDigestChars, '\0');
  if (::read(file.fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return {};
  return text;
}

// The files of one module go together: code without its checksum is of no use.
void drop_unused(const std::string& folder) {
  struct Entry {
    fs::file_time_type used = fs::file_time_type::min();
    std::uintmax_t size = 0;
    std::vector<fs::path> files;
  };
  std::error_code ec;
  std::map<std::string, Entry> by_stem;
  std::uintmax_t total = 0;
  for (const auto& item : fs::directory_iterator(folder, ec)) {
    std::error_code gone;  // another process may have dropped it
    const auto used = item.last_write_time(gone);
    const auto size = item.file_size(gone);
    if (gone) continue;
    const std::string name = item.path().filename().string();
    Entry& entry = by_stem[name.substr(0, name.find('.'))];
    entry.used = std::max(entry.used, used);
    entry.size += size;
    entry.files.push_back(item.path());
    total += size;
  }
  std::vector<Entry> entries;
  for (auto& [stem, entry] : by_stem) entries.push_back(std::move(entry));
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (const Entry& entry : entries) {
    if (total <= kFolderBytesMax) return;
    for (const fs::path& file : entry.files) fs::remove(file, ec);
    total -= entry.size;
  }
}

// Null when it is not there or cannot be trusted; then it is deleted.
ModuleHandle read_code(wasm_engine_t* engine, const std::string& path) {
  const std::string code = path + ".cwasm", digest = path + ".sha256";
  File file(code, O_RDONLY);
  if (!file) return nullptr;
  std::string damage;
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0 || !private_to_us(info, false)) {
    damage = "others may have written it";
  } else {
    Mapping bytes(file.fd(), static_cast<std::size_t>(info.st_size));
    if (bytes.view().empty() || read_digest(digest) != sha256_hex(bytes.view()))
      damage = "its checksum is wrong";
  }
  if (damage.empty()) {
    // The file that was checked, whatever has its name by now.
    const std::string checked = fmt::format("/proc/self/fd/{}", file.fd());
    wasmtime_module_t* module = nullptr;
    ErrorHandle error(wasmtime_module_deserialize_file(engine, checked.c_str(), &module));
    if (!error) {
      ::futimens(file.fd(), nullptr);  // used: drop_unused takes others first
      return ModuleHandle(module);
    }
    damage = text_of(error.get());
  }
  LOG(warn, "compiled code {} is deleted and made anew: {}", code, damage);
  ::unlink(code.c_str());
  ::unlink(digest.c_str());
  return nullptr;
}

}  // namespace

std::string sha256_hex(BytesView bytes) {
  std::uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

CodeCache::CodeCache(std::string folder, std::uint64_t compatibility)
    : folder_(std::move(folder)), suffix_(fmt::format("-{:016x}", compatibility)) {
  if (folder_.empty()) return;
  const std::string trouble = folder_trouble(folder_);
  if (trouble.empty()) return;
  LOG(warn, "compiled code is not cached in {}: {}; actors are compiled at each start", folder_,
      trouble);
  folder_.clear();
}

std::string CodeCache::path_of(std::string_view module_hash, bool restorable) const {
  return fmt::format("{}/{}{}-{}", folder_, module_hash, suffix_,
                     restorable ? "restorable" : "unchanged");
}

Code CodeCache::find(wasm_engine_t* engine, std::string_view module_hash) const {
  if (folder_.empty()) return {};
  for (const bool restorable : {true, false}) {
    if (auto module = read_code(engine, path_of(module_hash, restorable)))
      return {std::move(module), restorable};
  }
  return {};
}

void CodeCache::keep(const Code& compiled, std::string_view module_hash) const {
  if (folder_.empty()) return;
  // The engine's type is not const-correct; serializing changes nothing.
  wasm_byte_vec_t code;
  ErrorHandle error(
      wasmtime_module_serialize(const_cast<wasmtime_module_t*>(compiled.module.get()), &code));
  if (error) {
    LOG(warn, "compiled code cannot be cached: {}", text_of(error.get()));
    return;
  }
  const BytesView bytes{reinterpret_cast<const std::uint8_t*>(code.data), code.size};
  const std::string path = path_of(module_hash, compiled.restorable);
  // The checksum first: code without one is never there to be found.
  if (!write_file(path + ".sha256", as_bytes(sha256_hex(bytes))) ||
      !write_file(path + ".cwasm", bytes)) {
    LOG(warn, "compiled code cannot be cached in {}: {}; it is compiled again next time", folder_,
        reason());
  }
  wasm_byte_vec_delete(&code);
  drop_unused(folder_);
}

}  // namespace trellis::engine
