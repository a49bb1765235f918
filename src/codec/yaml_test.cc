// Goal: what people write for Kubernetes is read as Kubernetes reads it, and no text costs more
// than its limits.
#include "codec/yaml.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace trellis::codec {
namespace {

std::string read(std::string_view text, YamlScalars scalars = YamlScalars::resolved,
                 YamlLimits limits = {}) {
  const auto documents = yaml_parse(text, scalars, limits);
  if (!documents) return documents.error().detail;
  std::string all;
  for (const auto& document : *documents) all += json_write(document) + "\n";
  return all;
}

TEST(Yaml, ReadsEveryDocumentOfAStream) {
  EXPECT_EQ(read("a: 1\n---\n# nothing\n---\n- b\n- {c: d}\n"),
            "{\"a\":1}\nnull\n[\"b\",{\"c\":\"d\"}]\n");
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read(std::string_view()), "");
  EXPECT_EQ(read(R"({"a": ["b", 1.5, null]})"), "{\"a\":[\"b\",1.5,null]}\n");
  EXPECT_EQ(read("a: |\n  one\n  two\nb: >-\n  three\n  four\n"),
            "{\"a\":\"one\\ntwo\\n\",\"b\":\"three four\"}\n");
}

TEST(Yaml, ResolvesPlainScalarsAsKubernetesDoes) {
  EXPECT_EQ(read("[true, True, yes, on, False, NO, null, ~, tRue, y]"),
            "[true,true,true,true,false,false,null,null,\"tRue\",\"y\"]\n");
  EXPECT_EQ(read("a:\n"), "{\"a\":null}\n");
  EXPECT_EQ(read("[0, 8080, -1, 0644, 0x1F, 0o17, 0b11, 1_000, 18446744073709551615]"),
            "[0,8080,-1,420,31,15,3,1000,18446744073709551615]\n");
  EXPECT_EQ(read("[1.5, -.5, 1e3, +2]"), "[1.5,-0.5,1000.0,2]\n");
  EXPECT_EQ(
      read("[1.2.3, 10.0.0.1, 2022-11-28, 100m, 1Gi, e1, ., -, 0x, 089, nan, 1:30, _1]"),
      R"(["1.2.3","10.0.0.1","2022-11-28","100m","1Gi","e1",".","-","0x",89.0,"nan","1:30","_1"])"
      "\n");
}

TEST(Yaml, LeavesQuotedScalarsAndKeysText) {
  EXPECT_EQ(read("\"wasmcloud.dev/route-to\": \"true\"\n'a': '1'\n3: !!str 4\n"),
            R"({"wasmcloud.dev/route-to":"true","a":"1","3":"4"})"
            "\n");
  EXPECT_EQ(read("[8080, true, '', ~]", YamlScalars::text), R"(["8080","true","",null])"
                                                            "\n");
}

TEST(Yaml, RepeatsWhatIsReferredToWithinBounds) {
  EXPECT_EQ(read("a: &x {b: 1}\nc: *x\n"), "{\"a\":{\"b\":1},\"c\":{\"b\":1}}\n");
  EXPECT_NE(read("a: &x [*x]").find("refers to nothing"), std::string::npos);
  EXPECT_NE(read("a: &x 1\n---\nb: *x").find("line 3: *x"), std::string::npos);
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i)
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + [&] {
      std::string ten;
      for (int j = 0; j < 10; ++j) ten += (j > 0 ? ",*a" : "*a") + std::to_string(i - 1);
      return ten;
    }() + "]\n";
  EXPECT_NE(read(bomb).find("too large"), std::string::npos);
}

// By bytes, by what is kept for references, and by levels: few values each.
TEST(Yaml, NoReferenceMakesMuchOfLittle) {
  std::string text = "a: &x " + std::string(100'000, 'x') + "\nb: [*x";
  for (int i = 0; i < 2'000; ++i) text += ",*x";
  EXPECT_NE(read(text + "]\n").find("too large"), std::string::npos);
  std::string keys = "a: &x {" + std::string(900, 'k') + ": 1}\nb: [*x";
  for (int i = 0; i < 100; ++i) keys += ",*x";
  EXPECT_NE(read(keys + "]\n", YamlScalars::text, {.values_max = 5'000}).find("too large"),
            std::string::npos);
  std::string kept = "[" + std::string(1'000, 'x') + "]";
  for (int i = 0; i < 20; ++i) kept = "&a" + std::to_string(i) + " [" + kept + "]";
  EXPECT_NE(read(kept, YamlScalars::text, {.values_max = 500}).find("too large"),
            std::string::npos);
  std::string deep = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i)
    deep += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            "]\n";
  EXPECT_NE(read(deep).find("line 32: it is nested too deep"), std::string::npos) << read(deep);
}

TEST(Yaml, RefusesAKeyThatIsTwiceWhereItIsAsked) {
  EXPECT_EQ(read("a: 1\nb: 2\na: 3\n"), "{\"a\":3,\"b\":2}\n");
  EXPECT_EQ(read("a: 1\nb: 2\n'a': 3\n", YamlScalars::text, {.unique_keys = true}),
            "line 3: `a` is here twice in one map; take one away");
  EXPECT_EQ(read("a: {c: 1}\nb: {c: 1}\n", YamlScalars::text, {.unique_keys = true}),
            "{\"a\":{\"c\":\"1\"},\"b\":{\"c\":\"1\"}}\n");
}

TEST(Yaml, NamesTheLineOfWhatItDoesNotRead) {
  EXPECT_EQ(read("a: 1\nb: [1, 2\n").substr(0, 4), "line");
  EXPECT_NE(read("a: 1\n<<: {b: 2}\n").find("line 2: merging"), std::string::npos);
  EXPECT_NE(read("a: !mine 1").find("the tag '!mine'"), std::string::npos);
  EXPECT_NE(read("? [a]\n: b\n").find("must be plain text"), std::string::npos);
  EXPECT_NE(read(std::string(1000, '[')).find("nested too deep"), std::string::npos);
  EXPECT_NE(
      read("a\n---\nb\n---\nc\n", YamlScalars::text, {.documents_max = 2}).find("2 documents"),
      std::string::npos);
}

TEST(Yaml, TellsWhereEachValueBegins) {
  YamlLines lines;
  ASSERT_TRUE(yaml_parse("a:\n  - x\n  - b: 1\n    c:\n      d: 2\ne: 3\n---\ne: 4\n",
                         YamlScalars::text, {}, &lines));
  EXPECT_EQ(lines["/a/0"], 2u);
  EXPECT_EQ(lines["/a/1"], 3u);
  EXPECT_EQ(lines["/a/1/c/d"], 5u);
  EXPECT_EQ(lines["/e"], 6u);
}

}  // namespace
}  // namespace trellis::codec
