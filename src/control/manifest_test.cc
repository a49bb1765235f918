#include "control/manifest.h"

#include <gtest/gtest.h>

namespace trellis::control {
namespace {

constexpr const char* kYaml = R"(
# an example
actors:
  - wasmcloud.azurecr.io/echo:0.3.4
capabilities:
  - image_ref: wasmcloud.azurecr.io/httpserver:0.16.3
    link_name: default
  - image_ref: "reg/other:1"
links:
  - actor: M1
    provider_id: V1
    contract_id: wasmcloud:httpserver
    values:
      PORT: 8080
      config_json: '{"a":1}'
)";

TEST(Manifest, ReadsYaml) {
  Result<Manifest> manifest = parse_manifest(kYaml);
  ASSERT_TRUE(manifest) << manifest.error().detail;
  ASSERT_EQ(manifest->actors.size(), 1u);
  EXPECT_EQ(manifest->actors[0].image_ref, "wasmcloud.azurecr.io/echo:0.3.4");
  EXPECT_EQ(manifest->actors[0].count, 1u);
  EXPECT_EQ(manifest->actors[0].line, 4u);
  ASSERT_EQ(manifest->capabilities.size(), 2u);
  EXPECT_EQ(manifest->capabilities[1].link_name, "default");
  ASSERT_EQ(manifest->links.size(), 1u);
  EXPECT_EQ(manifest->links[0].definition.values.at("PORT"), "8080");
  EXPECT_EQ(manifest->links[0].definition.values.at("config_json"), R"({"a":1})");
  EXPECT_EQ(manifest->links[0].definition.link_name, "default");
}

TEST(Manifest, ReadsJson) {
  Result<Manifest> manifest = parse_manifest(
      R"({"actors":["r:1"],"capabilities":[],"links":[{"actor":"M1","provider_id":"V1","contract_id":"c:d",
          "link_name":"x","values":{"PORT":"80"}}]})");
  ASSERT_TRUE(manifest) << manifest.error().detail;
  EXPECT_EQ(manifest->links.at(0).definition.link_name, "x");
}

TEST(Manifest, SaysWhatIsMissing) {
  Result<Manifest> manifest = parse_manifest("links:\n  - actor: M1\n    contract_id: c:d\n");
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().detail, "line 2: an entry of `links` has no `provider_id`");
  EXPECT_EQ(parse_manifest("actors: 1").error().detail, "line 1: `actors` must be a list");
  EXPECT_FALSE(parse_manifest(""));
  EXPECT_FALSE(parse_manifest("- a\n- b\n"));
}

TEST(Manifest, ActorsMayHaveACount) {
  auto manifest = parse_manifest("actors:\n  - image_ref: r:1\n    count: 3\n  - r:2\n");
  ASSERT_TRUE(manifest) << manifest.error().detail;
  EXPECT_EQ(manifest->actors[0].count, 3u);
  EXPECT_EQ(manifest->actors[1].count, 1u);
  manifest = parse_manifest("actors:\n  - image_ref: r:1\n    count: many\n");
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().detail, "line 3: count: 'many' is not a number from 1 to 65535");
}

constexpr const char* kLink = "links:\n- actor: M\n  provider_id: V\n  contract_id: c:d\n";

TEST(Manifest, ValuesOfLinksMayComeFromFiles) {
  ManifestRules rules;
  rules.read_file = [](const std::string& path) -> Result<std::string> {
    if (path == "/secret") return std::string("s3cret\n");
    return fail(Errc::not_found, "test", path + " is not there");
  };
  const std::string text = std::string(kLink) + "  values:\n    A: 1\n    PASSWORD: {file: ";
  auto manifest = parse_manifest(text + "/secret}\n", rules);
  ASSERT_TRUE(manifest) << manifest.error().detail;
  EXPECT_EQ(manifest->links[0].definition.values.at("PASSWORD"), "s3cret");
  manifest = parse_manifest(text + "/none}\n", rules);
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().detail, "line 7: the value `PASSWORD` of a link: /none is not there");
  EXPECT_FALSE(parse_manifest(text + "/secret}\n")) << "nobody reads files here";
}

TEST(Manifest, StrictRulesNameWhatIsMistyped) {
  ManifestRules strict;
  strict.strict = true;
  const auto why = [&](const std::string& text) {
    const auto manifest = parse_manifest(text, strict);
    return manifest ? std::string() : manifest.error().detail;
  };
  EXPECT_EQ(why("actor: [r:1]\n"), "line 1: `actor` means nothing here; did you mean `actors`?");
  EXPECT_TRUE(parse_manifest("actor: [r:1]\n")) << "2022 passed over it";
  EXPECT_EQ(why("links: []\nactors: [r:1]\nactors: [r:2]\n"),
            "line 3: `actors` is here twice in one map; take one away");
  EXPECT_EQ(parse_manifest("actors: [r:1]\nactors: [r:2]\n")->actors.at(0).image_ref, "r:2");
  EXPECT_EQ(why("actors: [r:1]\n---\n# nothing\n"), "");
  EXPECT_NE(why("actors: [r:1]\n---\n---\nactors: [r:2]\n").find("more than one document"),
            std::string::npos);
  EXPECT_TRUE(parse_manifest("actors: [r:1]\n---\nactors: [r:2]\n")) << "2022 read the first";
  EXPECT_NE(why("labels: {a: b}\n").find("HOST_"), std::string::npos);
  EXPECT_NE(why("actors: [r:1, r:1]\n").find("twice"), std::string::npos);
  EXPECT_NE(why(kLink).find("line 2: actor: 'M' is not a public key of the form M"),
            std::string::npos);
}

TEST(Variables, AreReplacedOrHaveDefaults) {
  auto variables = [](const std::string& name) -> std::optional<std::string> {
    if (name == "TAG") return "0.3.4";
    return std::nullopt;
  };
  EXPECT_EQ(expand_variables("echo:${TAG} ${PORT:8080} ${EMPTY:} $x {y}", variables).value(),
            "echo:0.3.4 8080  $x {y}");
  Result<std::string> missing = expand_variables("${NOPE}", variables);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().detail.find("NOPE"), std::string::npos);
}

}  // namespace
}  // namespace trellis::control
