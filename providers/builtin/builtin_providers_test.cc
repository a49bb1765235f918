// Goal: every provider that is built in can be told from the others, whichever way it is asked for.
#include "builtin/builtin_providers.h"

#include <gtest/gtest.h>

#include <set>

#include "claims/nkey.h"

namespace trellis::builtin {
namespace {

TEST(BuiltinProviders, HaveNamesKeysAndReferencesOfTheirOwn) {
  std::set<std::string> seen;
  for (const auto& provider : builtin_providers()) {
    EXPECT_EQ(claims::key_type_of(provider.info.public_key).value(), claims::KeyType::service);
    EXPECT_TRUE(seen.insert(provider.name).second) << provider.name;
    EXPECT_TRUE(seen.insert(provider.info.public_key).second) << provider.name;
    for (const auto& reference : provider.references)
      EXPECT_TRUE(seen.insert(reference).second) << reference;
  }
}

TEST(BuiltinProviders, AreFoundByNameAndByKey) {
  for (const auto& provider : builtin_providers()) {
    EXPECT_EQ(find_by_name(provider.name), &provider);
    EXPECT_EQ(find_by_key(provider.info.public_key), &provider);
  }
  EXPECT_EQ(find_by_name("redis"), nullptr);
  EXPECT_EQ(find_by_name(""), nullptr);
  EXPECT_EQ(find_by_key(""), nullptr);
}

}  // namespace
}  // namespace trellis::builtin
