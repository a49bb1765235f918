#include "artifact/archive_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "claims/sha256.h"

namespace trellis::artifact {
namespace {

constexpr const char* kSite = "artifact.archive";
constexpr std::size_t kBlockBytes = 64 * 1024;
constexpr std::size_t kNameBytesMax = 100;

struct Free {
  void operator()(archive* a) const { ::archive_free(a); }
  void operator()(archive_entry* e) const { ::archive_entry_free(e); }
};
using Archive = std::unique_ptr<archive, Free>;

tl::unexpected<Error> invalid(std::string why) {
  return fail(Errc::invalid, kSite, "not a provider archive that can be used: " + std::move(why));
}

std::string words_of(archive* a) {
  const char* text = ::archive_error_string(a);
  return text == nullptr ? "damaged" : text;
}

// The uncompressed bytes of an archive, a block at a time, and never more of them than an archive
// may unpack to: a few kilobytes of gzip can hold gigabytes.
class Unpacked {
 public:
  Unpacked(BytesView packed, std::size_t bytes_max) : rest_(packed), bytes_max_(bytes_max) {
    if (!is_gzip(packed)) return;
    unzip_.reset(::archive_read_new());
    // Exactly one layer of gzip: bidding would unwrap any number of them.
    ::archive_read_append_filter(unzip_.get(), ARCHIVE_FILTER_GZIP);
    ::archive_read_support_format_raw(unzip_.get());
    archive_entry* entry = nullptr;
    opened_ =
        ::archive_read_open_memory(unzip_.get(), packed.data(), packed.size()) == ARCHIVE_OK &&
        ::archive_read_next_header(unzip_.get(), &entry) == ARCHIVE_OK;
  }

  // libarchive's callback: the size of the next block, 0 at the end, -1 when it fails.
  static la_ssize_t read(archive* reader, void* self, const void** block) {
    return static_cast<Unpacked*>(self)->next(reader, block);
  }
  bool too_large() const { return total_ > bytes_max_; }

 private:
  la_ssize_t next(archive* reader, const void** block) {
    la_ssize_t count = 0;
    if (unzip_) {
      if (!opened_) return refuse(reader, words_of(unzip_.get()));
      count = ::archive_read_data(unzip_.get(), buffer_.data(), buffer_.size());
      if (count < 0) return refuse(reader, words_of(unzip_.get()));
      *block = buffer_.data();
    } else {
      const auto part = rest_.first(std::min(rest_.size(), buffer_.size()));
      rest_ = rest_.subspan(part.size());
      *block = part.data();
      count = static_cast<la_ssize_t>(part.size());
    }
    total_ += static_cast<std::size_t>(count);
    return too_large() ? refuse(reader, "too large") : count;
  }
  static la_ssize_t refuse(archive* reader, const std::string& why) {
    ::archive_set_error(reader, EINVAL, "%s", why.c_str());
    return -1;
  }

  BytesView rest_;
  Archive unzip_;
  const std::size_t bytes_max_;
  bool opened_ = false;
  std::size_t total_ = 0;
  std::array<std::uint8_t, kBlockBytes> buffer_{};
};

bool is_plain_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '+' || c == '-';
  };
  return !name.empty() && name.size() <= kNameBytesMax && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), allowed);
}

// For an error text: what is no plain text is not repeated.
std::string shown(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, kNameBytesMax)) out += c > 0x20 && c < 0x7f ? c : '?';
  return out;
}

// The entry's name, if it may be in an archive at all.
Result<std::string> judge(archive_entry* entry) {
  const char* raw = ::archive_entry_pathname(entry);
  if (raw == nullptr) return invalid("it has a file without a readable name");
  std::string_view name = raw;
  if (name.starts_with("./")) name.remove_prefix(2);  // as `tar c ./claims.jwt` writes it
  if (name.starts_with('/') || name.find("..") != std::string_view::npos)
    return invalid(fmt::format("its file '{}' lies outside of it", shown(name)));
  if (::archive_entry_hardlink(entry) != nullptr || ::archive_entry_symlink(entry) != nullptr)
    return invalid(fmt::format("'{}' is a link; only plain files may be in it", shown(name)));
  if (::archive_entry_filetype(entry) != AE_IFREG)
    return invalid(fmt::format("'{}' is not a plain file", shown(name)));
  if (::archive_entry_sparse_count(entry) > 0)
    return invalid(fmt::format("'{}' is a sparse file", shown(name)));
  if (!is_plain_name(name)) {
    return invalid(
        fmt::format("its file is called '{}'; names are letters, digits and '.', '_', '+', '-', "
                    "without folders",
                    shown(name)));
  }
  return std::string(name);
}

tl::unexpected<Error> too_large(const ArchiveLimits& limits) {
  return fail(Errc::exhausted, kSite,
              fmt::format("the provider archive unpacks to more than {} MiB",
                          limits.unpacked_bytes_max >> 20));
}

// The content of the entry the reader stands at.
Result<ArchiveFile> read_file_here(archive* reader, archive_entry* entry, std::string name,
                                   bool wanted, const ArchiveLimits& limits) {
  const auto declared = ::archive_entry_size(entry);
  if (declared < 0) return invalid(fmt::format("'{}' has no size", name));
  if (static_cast<std::size_t>(declared) > limits.unpacked_bytes_max) return too_large(limits);
  ArchiveFile file{.name = std::move(name), .bytes = {}, .hash = {}};
  claims::Sha256 hash;
  Bytes block(kBlockBytes);
  for (;;) {
    const auto count = ::archive_read_data(reader, block.data(), block.size());
    if (count < 0) return invalid(fmt::format("'{}': {}", file.name, words_of(reader)));
    if (count == 0) break;
    const BytesView part(block.data(), static_cast<std::size_t>(count));
    hash.add(part);
    if (wanted) append(file.bytes, part);
  }
  file.hash = hash.hex_upper();
  return file;
}

la_ssize_t append_to(archive*, void* out, const void* block, std::size_t size) {
  append(*static_cast<Bytes*>(out), {static_cast<const std::uint8_t*>(block), size});
  return static_cast<la_ssize_t>(size);
}

Result<void> write_file_here(archive* writer, const ArchiveFile& file) {
  const std::unique_ptr<archive_entry, Free> entry(::archive_entry_new());
  ::archive_entry_set_pathname(entry.get(), file.name.c_str());
  ::archive_entry_set_filetype(entry.get(), AE_IFREG);
  ::archive_entry_set_perm(entry.get(), 0644);
  ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.bytes.size()));
  ::archive_entry_set_mtime(entry.get(), 0, 0);
  if (::archive_write_header(writer, entry.get()) != ARCHIVE_OK ||
      ::archive_write_data(writer, file.bytes.data(), file.bytes.size()) !=
          static_cast<la_ssize_t>(file.bytes.size())) {
    return fail(Errc::internal, kSite,
                fmt::format("cannot put '{}' into an archive: {}", file.name, words_of(writer)));
  }
  return {};
}

}  // namespace

bool is_gzip(BytesView archive) {
  return archive.size() >= 2 && archive[0] == 0x1f && archive[1] == 0x8b;
}

Result<std::vector<ArchiveFile>> read_archive_files(
    BytesView archive, const std::function<bool(std::string_view)>& wanted, ArchiveLimits limits) {
  Unpacked unpacked(archive, limits.unpacked_bytes_max);
  const Archive reader(::archive_read_new());
  ::archive_read_support_format_tar(reader.get());
  const auto refused = [&]() -> tl::unexpected<Error> {
    return unpacked.too_large() ? too_large(limits) : invalid(words_of(reader.get()));
  };
  if (::archive_read_open(reader.get(), &unpacked, nullptr, Unpacked::read, nullptr) != ARCHIVE_OK)
    return refused();
  std::vector<ArchiveFile> files;
  for (;;) {
    archive_entry* entry = nullptr;
    const int outcome = ::archive_read_next_header(reader.get(), &entry);
    if (outcome == ARCHIVE_EOF) return files;
    if (outcome != ARCHIVE_OK) return refused();  // a warning, too: nobody warns about a good one
    if (files.size() == limits.files_max) {
      return fail(Errc::exhausted, kSite,
                  fmt::format("the provider archive has more than {} files", limits.files_max));
    }
    TRY(auto name, judge(entry));
    if (std::any_of(files.begin(), files.end(),
                    [&](const auto& file) { return file.name == name; }))
      return invalid(fmt::format("'{}' is in it twice", name));
    const bool keep = wanted(name);
    auto file = read_file_here(reader.get(), entry, std::move(name), keep, limits);
    if (!file) return unpacked.too_large() ? too_large(limits) : fail(std::move(file).error());
    files.push_back(std::move(*file));
  }
}

Result<Bytes> write_archive_files(const std::vector<ArchiveFile>& files, bool gzip) {
  Bytes out;
  const Archive writer(::archive_write_new());
  ::archive_write_set_format_gnutar(writer.get());
  if (gzip) {
    ::archive_write_add_filter_gzip(writer.get());
    ::archive_write_set_filter_option(writer.get(), "gzip", "compression-level", "9");
    ::archive_write_set_filter_option(writer.get(), "gzip", "timestamp", nullptr);
  }
  ::archive_write_set_bytes_in_last_block(writer.get(), 1);
  if (::archive_write_open(writer.get(), &out, nullptr, append_to, nullptr) != ARCHIVE_OK)
    return fail(Errc::internal, kSite, words_of(writer.get()));
  for (const auto& file : files) TRY_OK(write_file_here(writer.get(), file));
  if (::archive_write_close(writer.get()) != ARCHIVE_OK)
    return fail(Errc::internal, kSite, words_of(writer.get()));
  return out;
}

}  // namespace trellis::artifact
