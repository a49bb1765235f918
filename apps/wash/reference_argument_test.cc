// Goal: a path typed where a reference belongs is met before anything is sent, and the answer is
// the reference to type; no reference is taken for a path.
#include "reference_argument.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace trellis::wash {
namespace {

class ReferenceMistake : public ::testing::Test {
 protected:
  ReferenceMistake() {
    char pattern[] = "/tmp/wash-reference-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    std::ofstream(folder_ / "echo_s.wasm") << "x";
    std::ofstream(folder_ / "my actor.wasm") << "x";
    std::ofstream(folder_ / "echo:0.3.4") << "x";
  }
  ~ReferenceMistake() override { std::filesystem::remove_all(folder_); }

  std::string of(std::string_view text) const { return reference_mistake(text, folder_); }
  std::string meant(const std::string& path) const {
    return "Did you mean file://" + folder_.string() + "/" + path + "?";
  }

  std::filesystem::path folder_;
};

TEST_F(ReferenceMistake, NamesTheReferenceOfAPathThatWasTyped) {
  const std::string from_above = "../" + folder_.filename().string() + "/echo_s.wasm";
  for (const std::string& typed :
       {std::string("./echo_s.wasm"), std::string("echo_s.wasm"), from_above})
    EXPECT_TRUE(of(typed).ends_with(meant("echo_s.wasm"))) << of(typed);
  std::string whole = (folder_ / "echo_s.wasm").string();
  EXPECT_TRUE(of(whole).ends_with(meant("echo_s.wasm"))) << of(whole);
  EXPECT_TRUE(of("./my actor.wasm").ends_with(meant("my%20actor.wasm")));
}

TEST_F(ReferenceMistake, MendsFileUrlsThatAreNotAbsolute) {
  for (const char* typed : {"file://echo_s.wasm", "file://./echo_s.wasm", "file:echo_s.wasm"})
    EXPECT_TRUE(of(typed).ends_with(meant("echo_s.wasm"))) << of(typed);
  EXPECT_NE(of("file:/x/y.wasm").find("file:///x/y.wasm"), std::string::npos);
}

TEST_F(ReferenceMistake, SaysWhenThereIsNoSuchFile) {
  EXPECT_NE(of("./nowhere.wasm").find("no such file"), std::string::npos);
  EXPECT_EQ(of("./echo_s.wasm").find("no such file"), std::string::npos);
}

TEST_F(ReferenceMistake, LeavesReferencesAlone) {
  for (const char* typed :
       {"wasmcloud.azurecr.io/echo:0.3.4", "builtin:httpserver", "file:///x/y.wasm",
        "echo:0.3.4",  // a file, too, but whole as a reference
        "nowhere_s.wasm", ""})
    EXPECT_EQ(of(typed), "") << typed;
}

}  // namespace
}  // namespace trellis::wash
