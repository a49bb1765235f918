// Compiled code found again, and never trusted when anything about it is not as it was left.
#include "engine/code_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/engine_fixture.h"
#include "engine/test_guest.h"

namespace trellis::engine {
namespace {

namespace fs = std::filesystem;

class Cache : public EngineFixture {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "code_cache_test.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    EngineFixture::SetUp();
    start_engine({.cache_dir = cache()});
  }
  void TearDown() override {
    EngineFixture::TearDown();
    fs::remove_all(folder_);
  }
  std::string cache() const { return (folder_ / "deep" / "compiled").string(); }
  fs::path file(std::string_view ending) const {
    for (const auto& entry : fs::directory_iterator(cache()))
      if (entry.path().string().ends_with(ending)) return entry.path();
    return {};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(cache()), fs::directory_iterator()));
  }
  bool from_cache() {
    auto module = loaded(test_guest());
    EXPECT_EQ(call(module, "echo", "works").value_or("error"), "works");
    return module->info().from_cache;
  }
  void flip_bit(const fs::path& path, std::streamoff at) {
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(at);
    const char byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(at);
    stream.put(byte);
  }
  fs::path folder_;
};

TEST_F(Cache, FindsWhatItKept) {
  EXPECT_FALSE(from_cache());
  EXPECT_TRUE(from_cache());
  start_engine({.cache_dir = cache()});
  EXPECT_TRUE(from_cache());
}

TEST_F(Cache, IsPrivate) {
  EXPECT_FALSE(from_cache());
  struct stat info{};
  ASSERT_EQ(::stat(cache().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat(file(".cwasm").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(files(), 2u);  // nothing temporary is left
}

TEST_F(Cache, CompilesAnewWhenABitFlipped) {
  EXPECT_FALSE(from_cache());
  const auto size = static_cast<std::streamoff>(fs::file_size(file(".cwasm")));
  for (std::streamoff at : {std::streamoff{0}, size / 2, size - 1}) {
    flip_bit(file(".cwasm"), at);
    EXPECT_FALSE(from_cache()) << at;
    EXPECT_TRUE(from_cache());
  }
  flip_bit(file(".sha256"), 3);
  EXPECT_FALSE(from_cache());
  EXPECT_TRUE(from_cache());
}

TEST_F(Cache, CompilesAnewWhenAFileIsCutEmptyOrAlone) {
  EXPECT_FALSE(from_cache());
  fs::resize_file(file(".cwasm"), 100);
  EXPECT_FALSE(from_cache());
  fs::resize_file(file(".cwasm"), 0);
  EXPECT_FALSE(from_cache());
  fs::remove(file(".sha256"));
  EXPECT_FALSE(from_cache());
  EXPECT_TRUE(from_cache());
}

TEST_F(Cache, DistrustsWhatOthersCouldHaveWritten) {
  EXPECT_FALSE(from_cache());
  fs::permissions(file(".cwasm"), fs::perms(0666));
  EXPECT_FALSE(from_cache());
  EXPECT_TRUE(from_cache());
}

TEST_F(Cache, DoesNotFollowLinks) {
  EXPECT_FALSE(from_cache());
  const auto code = file(".cwasm"), elsewhere = folder_ / "elsewhere";
  fs::rename(code, elsewhere);
  fs::create_symlink(elsewhere, code);
  EXPECT_FALSE(from_cache());
}

TEST_F(Cache, IsOffInAFolderThatOthersMayEnter) {
  const fs::path open = folder_ / "open";
  fs::create_directory(open);
  fs::permissions(open, fs::perms(0755));
  start_engine({.cache_dir = open.string()});
  EXPECT_FALSE(from_cache());
  EXPECT_FALSE(from_cache());
  EXPECT_TRUE(fs::is_empty(open));
}

TEST_F(Cache, IsOffWhereNoFolderCanBe) {
  std::ofstream(folder_ / "file") << "in the way";
  start_engine({.cache_dir = (folder_ / "file" / "cache").string()});
  EXPECT_FALSE(from_cache());
  EXPECT_FALSE(from_cache());
}

// /dev/full cannot stand in for a folder; a folder that vanished fails at the same place.
TEST_F(Cache, GoesOnWhenItCannotWrite) {
  start_engine({.cache_dir = cache()});
  fs::remove_all(cache());
  EXPECT_FALSE(from_cache());
  EXPECT_FALSE(from_cache());
}

TEST_F(Cache, TakesTheSameFromManyThreadsAtOnce) {
  const EngineHandle engine(wasm_engine_new());
  const Bytes wasm = wat(test_guest());
  wasmtime_module_t* module = nullptr;
  ASSERT_EQ(wasmtime_module_new(engine.get(), wasm.data(), wasm.size(), &module), nullptr);
  const Code code{ModuleHandle(module), false};
  const CodeCache shared(cache(), 42);
  std::atomic<int> missed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        shared.keep(code, "same");
        if (!shared.find(engine.get(), "same").module) ++missed;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(files(), 2u);
}

// What was used last stays whole, however long ago it was written.
TEST_F(Cache, DropsWhatWasUnusedForLongest) {
  using namespace std::chrono_literals;
  EXPECT_FALSE(from_cache());
  const auto now = fs::file_time_type::clock::now();
  for (const char* ending : {".cwasm", ".sha256"}) fs::last_write_time(file(ending), now - 240h);
  EXPECT_TRUE(from_cache());
  const fs::path unused = fs::path(cache()) / "unused.cwasm";
  std::ofstream(unused) << "code";
  fs::resize_file(unused, std::uintmax_t{2} << 30);  // a hole, as much as a cache may have
  fs::last_write_time(unused, now - 24h);
  loaded(test_guest("wasmbus"));  // is kept, and something has to go
  EXPECT_FALSE(fs::exists(unused));
  EXPECT_TRUE(from_cache());
}

TEST_F(Cache, TellsEnginesApart) {
  EXPECT_FALSE(from_cache());
  const std::string name = file(".cwasm").filename().string();
  EXPECT_EQ(name.size(), 64 + 1 + 16 + std::string_view("-restorable.cwasm").size());
  const CodeCache other(cache(), 42);
  auto module = loaded(test_guest());
  EXPECT_EQ(other.find(nullptr, module->info().content_hash).module, nullptr);
}

TEST(Sha256, IsLowerCaseHex) {
  EXPECT_EQ(sha256_hex(as_bytes("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace trellis::engine
