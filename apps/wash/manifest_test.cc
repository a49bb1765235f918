#include "manifest.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace trellis::wash {
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
  EXPECT_EQ(manifest->actors, (std::vector<std::string>{"wasmcloud.azurecr.io/echo:0.3.4"}));
  ASSERT_EQ(manifest->capabilities.size(), 2u);
  EXPECT_EQ(manifest->capabilities[1].link_name, "default");
  ASSERT_EQ(manifest->links.size(), 1u);
  EXPECT_EQ(manifest->links[0].values.at("PORT"), "8080");
  EXPECT_EQ(manifest->links[0].values.at("config_json"), R"({"a":1})");
  EXPECT_EQ(manifest->links[0].link_name, "default");
}

TEST(Manifest, ReadsJson) {
  Result<Manifest> manifest = parse_manifest(
      R"({"actors":["r:1"],"capabilities":[],"links":[{"actor":"M1","provider_id":"V1","contract_id":"c:d",
          "link_name":"x","values":{"PORT":"80"}}]})");
  ASSERT_TRUE(manifest) << manifest.error().detail;
  EXPECT_EQ(manifest->links.at(0).link_name, "x");
}

TEST(Manifest, SaysWhatIsMissing) {
  Result<Manifest> manifest = parse_manifest("links:\n  - actor: M1\n    contract_id: c:d\n");
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().detail, "an entry of `links` has no `provider_id`");
  EXPECT_EQ(parse_manifest("actors: 1").error().detail, "`actors` must be a list");
  EXPECT_FALSE(parse_manifest(""));
  EXPECT_FALSE(parse_manifest("- a\n- b\n"));
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
}  // namespace trellis::wash
