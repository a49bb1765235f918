// Goal: actors and provider archives are told by what is in them, and what is neither is refused
// with what is missing.
#include "artifact/kind.h"

#include <gtest/gtest.h>

#include <string>

#include "artifact/provider_archive.h"
#include "artifact/tar_test_input.h"
#include "claims/claims.h"
#include "claims/nkey.h"
#include "claims/wasm_file.h"

namespace trellis::artifact {
namespace {

const Bytes kModule = {0, 'a', 's', 'm', 1, 0, 0, 0};

std::string new_key(claims::KeyType type) { return claims::KeyPair::generate(type).public_key(); }

Bytes signed_archive(bool gzip) {
  const auto account = claims::KeyPair::generate(claims::KeyType::account);
  claims::ProviderClaims claims;
  claims.subject = new_key(claims::KeyType::service);
  claims.name = "P";
  claims.contract_id = "test:p";
  return *write_provider_archive(claims, {{"x86_64-linux", to_bytes("ELF")}}, account, gzip);
}

Bytes signed_module() {
  const auto account = claims::KeyPair::generate(claims::KeyType::account);
  claims::ActorClaims claims;
  claims.subject = new_key(claims::KeyType::module);
  return *claims::sign_module(kModule, claims, account);
}

std::string why_not(BytesView bytes) {
  const auto kind = kind_of(bytes);
  return kind ? "it is one" : kind.error().detail;
}

TEST(Kind, ASignedModuleIsAnActor) {
  const auto module = signed_module();
  EXPECT_EQ(*kind_of(module), Kind::actor);
  EXPECT_EQ(media_type_by_magic(module), layer_media_type(Kind::actor));
  EXPECT_NE(why_not(kModule).find("wash claims sign"), std::string::npos);
}

TEST(Kind, ASignedArchiveIsAProvider) {
  for (const bool gzip : {false, true}) {
    const auto par = signed_archive(gzip);
    EXPECT_EQ(*kind_of(par), Kind::provider) << gzip << why_not(par);
    EXPECT_EQ(media_type_by_magic(par), layer_media_type(Kind::provider));
  }
}

TEST(Kind, AnArchiveThatNoHostWouldRunIsNone) {
  EXPECT_NE(why_not(to_bytes(testing_tar::tar({{.name = "readme", .content = "x"}})))
                .find("Not enough files"),
            std::string::npos);
  auto changed = signed_archive(false);
  const auto at = as_text(changed).find("ELF");
  changed[at] = 'e';
  EXPECT_NE(why_not(changed).find("do not match"), std::string::npos);
  auto cut = signed_archive(true);
  cut.resize(cut.size() / 2);
  EXPECT_FALSE(kind_of(cut));
}

TEST(Kind, WhatIsNothingIsRefused) {
  for (const std::string text : {"", "hello", "\x1f\x8b", "\x1f\x8bnot gzip at all", "<html>"}) {
    EXPECT_FALSE(kind_of(as_bytes(text))) << text;
  }
}

}  // namespace
}  // namespace trellis::artifact
