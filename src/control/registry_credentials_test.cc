// Goal: registries.put is read as clients of 2022 write it, entry by entry, and no secret is ever
// part of an error.
#include "control/registry_credentials.h"

#include <gtest/gtest.h>

#include <string>

namespace trellis::control {
namespace {

TEST(RegistryCredentials, AreReadByRegistry) {
  const auto all = parse_registry_credentials(
      R"({"https://reg.io":{"username":"u","password":"p","token":null,"registryType":"oci"},
          "b.io":{"token":"t","registryType":"oci"}})");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->registries.at("https://reg.io").username, "u");
  EXPECT_EQ(all->registries.at("https://reg.io").password, "p");
  EXPECT_EQ(all->registries.at("b.io").token, "t");
  EXPECT_TRUE(all->passed_over.empty());
}

TEST(RegistryCredentials, EntriesThatSayTooLittleArePassedOverWithAReason) {
  const auto all = parse_registry_credentials(
      R"({"a":{"username":"u","password":"p"},"b":{"registryType":"oci","username":"u"},
          "c":{"registryType":"bindle","token":"t"},"d":1,"e":{"registryType":"oci","password":7}})");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->registries.empty());
  EXPECT_EQ(all->passed_over.size(), 5u);
  EXPECT_NE(all->passed_over.at("a").find("registryType"), std::string::npos);
  EXPECT_NE(all->passed_over.at("b").find("username and password"), std::string::npos);
}

TEST(RegistryCredentials, AreNotTooManyAtOnce) {
  std::string body = "{";
  for (int i = 0; i <= 1'000; ++i) body += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":{}";
  EXPECT_EQ(parse_registry_credentials(body + "}").error().code, Errc::exhausted);
}

TEST(RegistryCredentials, ErrorsHoldNoSecret) {
  for (const auto* body : {"s3cret", "[\"s3cret\"]", R"({"a":{"password":"s3cret)"}) {
    const auto all = parse_registry_credentials(body);
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().detail.find("s3cret"), std::string::npos) << all.error().detail;
  }
}

}  // namespace
}  // namespace trellis::control
