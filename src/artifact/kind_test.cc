// Goal: actors and provider archives are told by what is in them, and what is neither is refused
// with what is missing.
#include "artifact/kind.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "claims/claims.h"
#include "claims/jwt.h"
#include "claims/nkey.h"
#include "claims/wasm_file.h"

namespace trellis::artifact {
namespace {

const Bytes kModule = {0, 'a', 's', 'm', 1, 0, 0, 0};

std::string new_key(claims::KeyType type) { return claims::KeyPair::generate(type).public_key(); }

std::string provider_token() {
  const auto account = claims::KeyPair::generate(claims::KeyType::account);
  claims::ProviderClaims claims;
  claims.subject = new_key(claims::KeyType::service);
  claims.issuer = account.public_key();
  claims.name = "P";
  claims.contract_id = "test:p";
  return claims::sign_jwt(claims::to_jwt(claims), account);
}

Bytes signed_module() {
  const auto account = claims::KeyPair::generate(claims::KeyType::account);
  claims::ActorClaims claims;
  claims.subject = new_key(claims::KeyType::module);
  return *claims::sign_module(kModule, claims, account);
}

Bytes archive_of(const std::vector<std::pair<std::string, std::string>>& files, bool gzip) {
  Bytes out(1 << 20);
  std::size_t used = 0;
  archive* writer = archive_write_new();
  if (gzip) archive_write_add_filter_gzip(writer);
  archive_write_set_format_gnutar(writer);
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const auto& [name, text] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
    archive_write_header(writer, entry);
    archive_write_data(writer, text.data(), text.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
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

TEST(Kind, AnArchiveWithAProvidersClaimsIsAProvider) {
  for (const bool gzip : {false, true}) {
    const auto par =
        archive_of({{"claims.jwt", provider_token()}, {"x86_64-linux.bin", "ELF"}}, gzip);
    EXPECT_EQ(*kind_of(par), Kind::provider) << gzip << why_not(par);
    EXPECT_EQ(media_type_by_magic(par), layer_media_type(Kind::provider));
  }
  EXPECT_EQ(
      *kind_of(archive_of({{"a.bin", "x"}, {"./sub/claims.jwt", provider_token() + "\n"}}, true)),
      Kind::provider);
}

TEST(Kind, OtherArchivesAreNone) {
  EXPECT_NE(why_not(archive_of({{"readme", "x"}}, true)).find("without claims.jwt"),
            std::string::npos);
  EXPECT_NE(why_not(archive_of({{"claims.jwt", "x.y.z"}}, false)).find("not that of a provider"),
            std::string::npos);
  EXPECT_NE(why_not(archive_of({{"claims.jwt", std::string(200'000, 'x')}}, true))
                .find("not that of a provider"),
            std::string::npos);
  auto cut = archive_of({{"x", std::string(100'000, 'x')}, {"claims.jwt", provider_token()}}, true);
  cut.resize(cut.size() / 2);
  EXPECT_FALSE(kind_of(cut));
  std::vector<std::pair<std::string, std::string>> many(100, {"x", ""});
  many.emplace_back("claims.jwt", provider_token());
  EXPECT_FALSE(kind_of(archive_of(many, false)));
}

TEST(Kind, WhatIsNothingIsRefused) {
  for (const std::string text : {"", "hello", "\x1f\x8b", "\x1f\x8bnot gzip at all", "<html>"}) {
    EXPECT_FALSE(kind_of(as_bytes(text))) << text;
  }
}

}  // namespace
}  // namespace trellis::artifact
