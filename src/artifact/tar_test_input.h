// Tar files as nobody's tool would write them, for tests: header fields and sizes are what the test
// says. Format: POSIX ustar, and what GNU tar and pax put around it.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace trellis::artifact::testing_tar {

struct Entry {
  std::string name;
  std::string content = {};
  char type = '0';  // '1' link, '2' symlink, '3' '4' devices, '5' folder, '6' pipe, 'x' pax, …
  std::string link = {};          // where a link leads
  long long size = -1;            // what the header says; -1: the content's
  std::string magic = "ustar  ";  // GNU; POSIX is "ustar" and a zero and "00"
};

inline std::string header(const Entry& entry) {
  std::string block(512, '\0');
  const auto put = [&](std::size_t at, std::string_view text) {
    block.replace(at, text.size(), text);
  };
  const auto octal = [&](std::size_t at, int width, unsigned long long value) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*llo", width, value);
    put(at, text);
  };
  const auto size = entry.size >= 0 ? static_cast<unsigned long long>(entry.size)
                                    : static_cast<unsigned long long>(entry.content.size());
  put(0, std::string_view(entry.name).substr(0, 100));
  octal(100, 7, 0644);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, size);
  octal(136, 11, 0);
  block[156] = entry.type;
  put(157, std::string_view(entry.link).substr(0, 100));
  put(257, entry.magic);
  put(148, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  octal(148, 6, sum);
  block[154] = '\0';
  return block;
}

inline std::string end() { return std::string(1024, '\0'); }

inline std::string tar(std::initializer_list<Entry> entries) {
  std::string out;
  for (const auto& entry : entries) {
    out += header(entry) + entry.content;
    out.append((512 - entry.content.size() % 512) % 512, '\0');
  }
  return out + end();
}

// One record of a pax header: its length, which counts itself, a blank, key=value, a line end.
inline std::string pax(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) ++length;
  return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

// Text and, after each, so many zero bytes; gzipped, and small however many there are.
inline Bytes gzip(const std::vector<std::pair<std::string, std::size_t>>& pieces) {
  Bytes out;
  archive* writer = ::archive_write_new();
  ::archive_write_set_format_raw(writer);
  ::archive_write_add_filter_gzip(writer);
  ::archive_write_set_bytes_in_last_block(writer, 1);
  ::archive_write_open(
      writer, &out, nullptr,
      [](archive*, void* to, const void* block, std::size_t size) {
        append(*static_cast<Bytes*>(to), {static_cast<const std::uint8_t*>(block), size});
        return static_cast<la_ssize_t>(size);
      },
      nullptr);
  archive_entry* entry = ::archive_entry_new();
  ::archive_entry_set_filetype(entry, AE_IFREG);
  ::archive_write_header(writer, entry);
  ::archive_entry_free(entry);
  for (const auto& [text, zeros] : pieces) {
    const std::string piece = text + std::string(zeros, '\0');
    ::archive_write_data(writer, piece.data(), piece.size());
  }
  ::archive_write_close(writer);
  ::archive_write_free(writer);
  return out;
}
inline Bytes gzip(const std::string& text) { return gzip({{text, 0}}); }

}  // namespace trellis::artifact::testing_tar
