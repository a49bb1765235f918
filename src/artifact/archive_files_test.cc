// Goal: an archive is read whole or refused whole, for a reason in words, and neither its files nor
// what it says about them can cost more than the limits. Method: a table of tar files made by hand.
#include "artifact/archive_files.h"

#include <gtest/gtest.h>

#include <chrono>

#include "artifact/tar_test_input.h"
#include "base/limits.h"
#include "claims/wasm_file.h"

namespace trellis::artifact {
namespace {

using testing_tar::Entry;
using testing_tar::gzip;
using testing_tar::header;
using testing_tar::pax;
using testing_tar::tar;

const auto kAll = [](std::string_view) { return true; };

// Small limits, so that bombs need not be large ones.
constexpr ArchiveLimits kSmall{.unpacked_bytes_max = 4_MiB, .files_max = 64};

Result<std::vector<ArchiveFile>> read(std::string_view archive) {
  return read_archive_files(as_bytes(archive), kAll, kSmall);
}

TEST(ArchiveFiles, AreReadInOrderWithTheirHashes) {
  const auto files = read(tar({{.name = "claims.jwt", .content = "token"},
                               {.name = "x86_64-linux.bin", .content = std::string(70'000, 'x')}}));
  ASSERT_TRUE(files) << files.error().describe();
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ((*files)[0].name, "claims.jwt");
  EXPECT_EQ(as_text((*files)[0].bytes), "token");
  EXPECT_EQ((*files)[0].hash, claims::sha256_hex_upper(as_bytes("token")));
  EXPECT_EQ((*files)[1].bytes.size(), 70'000U);
}

TEST(ArchiveFiles, GzipIsKnownByItsBytes) {
  const std::string plain = tar({{.name = "a", .content = "1"}});
  const Bytes packed = gzip(plain);
  EXPECT_TRUE(is_gzip(packed));
  EXPECT_FALSE(is_gzip(as_bytes(plain)));
  const auto files = read_archive_files(packed, kAll);
  ASSERT_TRUE(files) << files.error().describe();
  EXPECT_EQ(as_text(files->front().bytes), "1");
}

TEST(ArchiveFiles, OfOtherToolsAreReadToo) {
  for (const std::string& magic : {std::string("ustar\0"
                                               "00",
                                               8),
                                   std::string("ustar  "), std::string(8, '\0')}) {
    const auto files = read(tar({{.name = "./a.b-c_d", .content = "1", .magic = magic}}));
    ASSERT_TRUE(files) << files.error().describe();
    EXPECT_EQ(files->front().name, "a.b-c_d");
  }
}

TEST(ArchiveFiles, WhatIsNotWantedIsHashedAndDropped) {
  const auto files = read_archive_files(
      as_bytes(tar({{.name = "a", .content = "1"}, {.name = "b", .content = "2"}})),
      [](std::string_view name) { return name == "b"; });
  ASSERT_TRUE(files) << files.error().describe();
  EXPECT_TRUE((*files)[0].bytes.empty());
  EXPECT_EQ((*files)[0].hash, claims::sha256_hex_upper(as_bytes("1")));
  EXPECT_EQ(as_text((*files)[1].bytes), "2");
}

TEST(ArchiveFiles, WrittenOnesAreReadBackAndAlwaysTheSame) {
  const std::vector<ArchiveFile> files = {
      {.name = "claims.jwt", .bytes = to_bytes("t"), .hash = {}},
      {.name = "big", .bytes = Bytes(100'000, 7), .hash = {}}};
  for (const bool packed : {false, true}) {
    const auto once = write_archive_files(files, packed);
    ASSERT_TRUE(once) << once.error().describe();
    EXPECT_EQ(*once, *write_archive_files(files, packed));
    EXPECT_EQ(is_gzip(*once), packed);
    const auto back = read_archive_files(*once, kAll);
    ASSERT_TRUE(back) << back.error().describe();
    ASSERT_EQ(back->size(), 2U);
    EXPECT_EQ((*back)[1].name, "big");
    EXPECT_EQ((*back)[1].bytes, files[1].bytes);
  }
}

struct Bad {
  const char* what;
  std::string archive;
  Errc code = Errc::invalid;
  const char* says;
};

std::string many_files(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += header({.name = "f" + std::to_string(i)});
  return out + testing_tar::end();
}

// As `tar --sparse` writes a file of 10 GiB that has four bytes.
std::string gnu_sparse() {
  std::string head = header({.name = "hole", .type = 'S', .size = 4});
  head.replace(386, 12, std::string("00000000000\0", 12));  // where the first piece lies
  head.replace(398, 12, std::string("00000000004\0", 12));  // and how long it is
  head.replace(483, 12, std::string("\x80\0\0\0\0\0\0\x02\x80\0\0\0", 12));  // 10 GiB
  head.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : head) sum += static_cast<unsigned char>(c);
  char text[8];
  std::snprintf(text, sizeof text, "%06o", sum);
  head.replace(148, 7, std::string(text, 7));
  return head + "data" + std::string(508, '\0') + testing_tar::end();
}

std::string pax_file(const std::string& records, Entry file) {
  return tar({{.name = "PaxHeader/x",
               .content = records,
               .type = 'x',
               .magic = std::string("ustar\0"
                                    "00",
                                    8)},
              std::move(file)});
}

std::string long_name(const std::string& name) {
  return tar({{.name = "././@LongLink", .content = name + '\0', .type = 'L'},
              {.name = name.substr(0, 99), .content = "x"}});
}

const std::string kDoubleGzip = [] {
  const Bytes inner = gzip(tar({{.name = "a", .content = "1"}}));
  return std::string(as_text(gzip(std::string(as_text(inner)))));
}();

std::string text_of(const Bytes& bytes) { return std::string(as_text(bytes)); }

// Headers that describe no file, as many as it takes.
std::string bomb_of_headers() {
  std::string one = header({.name = "g", .content = "20 comment=something\n", .type = 'g'});
  one += "20 comment=something\n";
  one.resize(1024, '\0');
  std::string all;
  while (all.size() < 8_MiB) all += one;
  return text_of(gzip(all + tar({{.name = "a", .content = "1"}})));
}

std::vector<Bad> bad_archives() {
  const std::string good = tar({{.name = "a", .content = std::string(2000, 'x')}});
  return {
      {"nothing at all", "", Errc::invalid, "not a provider archive"},
      {"text", "hello, this is no archive", Errc::invalid, "not a provider archive"},
      {"a zip", "PK\x03\x04 and more of it than a header needs", Errc::invalid,
       "not a provider archive"},
      {"a parent", tar({{.name = "../x", .content = "1"}}), Errc::invalid, "outside"},
      {"a parent behind a folder", tar({{.name = "a/../../x"}}), Errc::invalid, "outside"},
      {"two dots in a name", tar({{.name = "a..b"}}), Errc::invalid, "outside"},
      {"a parent by its own name", tar({{.name = ".."}}), Errc::invalid, "outside"},
      {"an absolute path", tar({{.name = "/etc/cron.d/x"}}), Errc::invalid, "outside"},
      {"an absolute path behind a dot", tar({{.name = ".//etc/x"}}), Errc::invalid, "outside"},
      {"a path with a folder", tar({{.name = "bin/x86_64-linux.bin"}}), Errc::invalid,
       "without folders"},
      {"a hidden file", tar({{.name = ".profile"}}), Errc::invalid, "names are"},
      {"no name", tar({{.name = ""}}), Errc::invalid, "not a provider archive"},
      {"a blank in a name", tar({{.name = "a b"}}), Errc::invalid, "names are"},
      {"a backslash", tar({{.name = "a\\b"}}), Errc::invalid, "names are"},
      {"a drive", tar({{.name = "C:x"}}), Errc::invalid, "names are"},
      {"a line end", tar({{.name = "a\nb"}}), Errc::invalid, "names are"},
      {"an escape", tar({{.name = "a\x1b[2J"}}), Errc::invalid, "names are"},
      {"bytes that are no UTF-8", tar({{.name = "a\xff\xfe"}}), Errc::invalid, "names are"},
      {"UTF-8", tar({{.name = "caf\xc3\xa9"}}), Errc::invalid, "names are"},
      {"a name that is too long", long_name(std::string(300, 'n')), Errc::invalid, "names are"},
      {"a long name that leads out", long_name("../" + std::string(300, 'n')), Errc::invalid,
       "outside"},
      {"a symbolic link", tar({{.name = "a", .type = '2', .link = "/etc/passwd"}}), Errc::invalid,
       "link"},
      {"a hard link", tar({{.name = "a", .content = "1"}, {.name = "b", .type = '1', .link = "a"}}),
       Errc::invalid, "link"},
      {"a hard link out", tar({{.name = "b", .type = '1', .link = "/etc/passwd"}}), Errc::invalid,
       "link"},
      {"a character device", tar({{.name = "a", .type = '3'}}), Errc::invalid, "not a plain file"},
      {"a block device", tar({{.name = "a", .type = '4'}}), Errc::invalid, "not a plain file"},
      {"a folder", tar({{.name = "a/", .type = '5'}}), Errc::invalid, "not a plain file"},
      {"a named pipe", tar({{.name = "a", .type = '6'}}), Errc::invalid, "not a plain file"},
      {"a file twice", tar({{.name = "a", .content = "1"}, {.name = "a", .content = "2"}}),
       Errc::invalid, "twice"},
      {"a file twice, once with a dot",
       tar({{.name = "a", .content = "1"}, {.name = "./a", .content = "2"}}), Errc::invalid,
       "twice"},
      {"a sparse file of 10 GiB", gnu_sparse(), Errc::invalid, "not a provider archive"},
      {"a sparse file in pax form",
       pax_file(pax("GNU.sparse.major", "1") + pax("GNU.sparse.minor", "0") +
                    pax("GNU.sparse.name", "hole") + pax("GNU.sparse.realsize", "10737418240"),
                {.name = "hole",
                 .content = "1\n0\n4\n" + std::string(506, '\0') + "data",
                 .magic = std::string("ustar\0"
                                      "00",
                                      8)}),
       Errc::invalid, "not a provider archive"},
      {"a pax path that leads out", pax_file(pax("path", "../../x"), {.name = "a", .content = "1"}),
       Errc::invalid, "outside"},
      {"a pax link",
       pax_file(pax("linkpath", "/etc/passwd"), {.name = "a", .type = '2', .link = "b"}),
       Errc::invalid, "link"},
      {"a pax path that is no text", pax_file(pax("path", "a\xff"), {.name = "a", .content = "1"}),
       Errc::invalid, "not a provider archive"},
      {"65 files", many_files(65), Errc::exhausted, "more than 64 files"},
      {"a million files", text_of(gzip(many_files(100'000))), Errc::exhausted,
       "more than 64 files"},
      {"a size that is not there", header({.name = "a", .size = 1'000}) + "x", Errc::invalid,
       "not a provider archive"},
      {"a size beyond the limit", header({.name = "a", .size = 1LL << 32}) + "x", Errc::exhausted,
       "unpacks to more"},
      {"an end in the middle of a file", good.substr(0, 1000), Errc::invalid,
       "not a provider archive"},
      {"an end in the middle of a header", good.substr(0, 300), Errc::invalid,
       "not a provider archive"},
      {"a header that was changed", std::string(good).replace(100, 1, "7"), Errc::invalid,
       "not a provider archive"},
      {"a gzip that ends early", text_of(gzip(good)).substr(0, 30), Errc::invalid,
       "not a provider archive"},
      {"a gzip with nothing in it", "\x1f\x8b", Errc::invalid, "not a provider archive"},
      {"a gzip in a gzip", kDoubleGzip, Errc::invalid, "not a provider archive"},
      {"a bomb in one file", text_of(gzip({{header({.name = "a", .size = 5 << 20}), 5_MiB}})),
       Errc::exhausted, "unpacks to more"},
      {"a bomb in two files",
       text_of(gzip({{header({.name = "a", .size = 3 << 20}), 3_MiB},
                     {header({.name = "b", .size = 3 << 20}), 4_MiB}})),
       Errc::exhausted, "unpacks to more"},
      {"a bomb of headers",
       text_of(gzip({{header({.name = "g", .type = 'g', .size = 1LL << 30}), 64_MiB}})),
       Errc::invalid, "not a provider archive"},
      {"a bomb of small headers", bomb_of_headers(), Errc::invalid, "not a provider archive"},
      {"a bomb of what is no tar", text_of(gzip({{"x", 64_MiB}})), Errc::invalid,
       "not a provider archive"},
  };
}

TEST(ArchiveFiles, WhatMustNotBeTrustedIsRefused) {
  const auto all = bad_archives();
  EXPECT_GE(all.size(), 40U);
  for (const auto& bad : all) {
    const auto began = std::chrono::steady_clock::now();
    const auto files = read(bad.archive);
    const auto took = std::chrono::steady_clock::now() - began;
    ASSERT_FALSE(files) << bad.what;
    EXPECT_EQ(files.error().code, bad.code) << bad.what << ": " << files.error().describe();
    EXPECT_NE(files.error().detail.find(bad.says), std::string::npos)
        << bad.what << ": " << files.error().describe();
    for (const char c : files.error().detail)
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20)
          << bad.what << ": " << files.error().detail;
    EXPECT_LT(took, std::chrono::seconds(5)) << bad.what;
  }
}

TEST(ArchiveFiles, AsManyAsAreAllowedAreRead) {
  const auto files = read(many_files(limits::kArchiveFilesMax));
  ASSERT_TRUE(files) << files.error().describe();
  EXPECT_EQ(files->size(), limits::kArchiveFilesMax);
}

}  // namespace
}  // namespace trellis::artifact
