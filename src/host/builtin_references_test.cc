// Goal: the references of 2022 find the provider that replaces them, at any version, and no other
// reference does.
#include "host/builtin_references.h"

#include <gtest/gtest.h>

namespace trellis::host {
namespace {

TEST(BuiltinReferences, AnyVersionOfTheOldReference) {
  for (const char* reference :
       {"wasmcloud.azurecr.io/httpserver:0.16.3", "wasmcloud.azurecr.io/httpserver:0.17.0",
        "wasmcloud.azurecr.io/httpserver", "builtin:httpserver",
        "wasmcloud.azurecr.io/httpserver:0.16.3@sha256:00"}) {
    const auto* provider = find_builtin(reference);
    ASSERT_NE(provider, nullptr) << reference;
    EXPECT_EQ(provider->info.public_key,
              "VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M");
  }
}

TEST(BuiltinReferences, OthersAreNotTaken) {
  for (const char* reference :
       {"wasmcloud.azurecr.io/httpserver2:0.1.0", "localhost:5000/httpserver:0.16.3", "httpserver",
        "builtin:redis", ""}) {
    EXPECT_EQ(find_builtin(reference), nullptr) << reference;
  }
}

TEST(BuiltinReferences, GiveWayToTheArchivesThatAreWanted) {
  const std::string reference = "wasmcloud.azurecr.io/httpserver:0.16.3";
  const auto& builtin = *find_builtin(reference);
  for (const char* wanted : {"all", "httpserver", "wasmcloud.azurecr.io/httpserver",
                             "wasmcloud.azurecr.io/httpserver:0.16.3"})
    EXPECT_TRUE(is_external({"x", wanted}, builtin, reference)) << wanted;
  for (const char* wanted : {"", "kvredis", "wasmcloud.azurecr.io/httpserver:0.17.0"})
    EXPECT_FALSE(is_external({wanted}, builtin, reference)) << wanted;
  EXPECT_FALSE(is_external({}, builtin, reference));
  EXPECT_FALSE(is_external({"all"}, builtin, "builtin:httpserver"));
}

}  // namespace
}  // namespace trellis::host
