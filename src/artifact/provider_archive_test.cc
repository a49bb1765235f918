// Goal: what was signed is what is run: any change to claims, token or program is refused in words;
// archives made by 2022's layout are read.
#include "artifact/provider_archive.h"

#include <gtest/gtest.h>

#include "artifact/archive_files.h"
#include "artifact/tar_test_input.h"
#include "claims/jwt.h"
#include "claims/wasm_file.h"

namespace trellis::artifact {
namespace {

constexpr std::uint64_t kNow = 1'669'593'600;

const Bytes kProgram = to_bytes("#!/bin/sh\necho here\n");
const Bytes kOther = to_bytes("for another machine");

struct Keys {
  claims::KeyPair account = claims::KeyPair::generate(claims::KeyType::account);
  claims::KeyPair service = claims::KeyPair::generate(claims::KeyType::service);
};

claims::ProviderClaims claims_for(const Keys& keys) {
  claims::ProviderClaims claims;
  claims.subject = keys.service.public_key();
  claims.issued_at = kNow;
  claims.name = "KV";
  claims.contract_id = "wasmcloud:keyvalue";
  claims.vendor = "Test";
  claims.rev = 2;
  claims.ver = "0.1.0";
  return claims;
}

std::map<std::string, Bytes> both() {
  return {{std::string(this_target()), kProgram}, {"mips_64-plan9", kOther}};
}

// An archive put together by hand: these claims, this signer, these files.
Bytes packed(claims::ProviderClaims claims, const claims::KeyPair& signer,
             const std::map<std::string, Bytes>& programs) {
  std::vector<ArchiveFile> files;
  files.push_back({.name = "claims.jwt",
                   .bytes = to_bytes(claims::sign_jwt(claims::to_jwt(claims), signer)),
                   .hash = {}});
  for (const auto& [target, bytes] : programs)
    files.push_back({.name = target + ".bin", .bytes = bytes, .hash = {}});
  return write_archive_files(files, false).value();
}

std::string refusal(const Bytes& archive, std::uint64_t now = kNow) {
  const auto program = read_provider_program(archive, now);
  return program ? "accepted" : program.error().detail;
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(ProviderArchive, IsReadAsItWasWritten) {
  const Keys keys;
  for (const bool gzip : {false, true}) {
    const auto archive = write_provider_archive(claims_for(keys), both(), keys.account, gzip);
    ASSERT_TRUE(archive) << archive.error().describe();
    EXPECT_EQ(is_gzip(*archive), gzip);
    const auto whole = read_provider_archive(*archive);
    ASSERT_TRUE(whole) << whole.error().describe();
    EXPECT_EQ(whole->programs, both());
    EXPECT_EQ(whole->claims.subject, keys.service.public_key());
    EXPECT_EQ(whole->claims.issuer, keys.account.public_key());
    EXPECT_EQ(whole->claims.name, "KV");
    const auto program = read_provider_program(*archive, kNow);
    ASSERT_TRUE(program) << program.error().describe();
    EXPECT_EQ(program->program, kProgram);
    EXPECT_EQ(program->claims.contract_id, "wasmcloud:keyvalue");
  }
}

TEST(ProviderArchive, HasTheClaimsFirstAndOneFileForEachTarget) {
  const Keys keys;
  const auto archive = write_provider_archive(claims_for(keys), both(), keys.account, false);
  const auto files = read_archive_files(*archive, [](std::string_view) { return true; });
  ASSERT_TRUE(files) << files.error().describe();
  ASSERT_EQ(files->size(), 3U);
  EXPECT_EQ((*files)[0].name, "claims.jwt");
  EXPECT_EQ((*files)[1].name, "mips_64-plan9.bin");
  EXPECT_EQ((*files)[2].name, std::string(this_target()) + ".bin");
}

TEST(ProviderArchive, AProgramThatWasChangedIsRefused) {
  const Keys keys;
  auto claims = claims_for(keys);
  claims.target_hashes = {{std::string(this_target()), claims::sha256_hex_upper(kOther)}};
  EXPECT_SAYS(refusal(packed(claims, keys.account, {{std::string(this_target()), kProgram}})),
              "File hash and verify hash do not match for '" + std::string(this_target()) + "'");
}

TEST(ProviderArchive, AProgramOfAnotherTargetThatWasChangedIsRefusedToo) {
  const Keys keys;
  auto claims = claims_for(keys);
  claims.target_hashes = {{std::string(this_target()), claims::sha256_hex_upper(kProgram)},
                          {"mips_64-plan9", claims::sha256_hex_upper(kProgram)}};
  EXPECT_SAYS(refusal(packed(claims, keys.account, both())), "do not match for 'mips_64-plan9'");
}

TEST(ProviderArchive, AProgramThatTheClaimsDoNotNameIsRefused) {
  const Keys keys;
  auto claims = claims_for(keys);
  claims.target_hashes = {{"mips_64-plan9", claims::sha256_hex_upper(kOther)}};
  EXPECT_SAYS(refusal(packed(claims, keys.account, both())), "put there after signing");
}

TEST(ProviderArchive, AForgedSignatureIsRefused) {
  const Keys keys;
  const Keys others;
  auto claims = claims_for(keys);
  claims.target_hashes = {{std::string(this_target()), claims::sha256_hex_upper(kProgram)}};
  auto jwt = claims::to_jwt(claims);
  // Signed by others, said to be by the account.
  std::string token = claims::sign_jwt(jwt, others.account);
  claims.issuer = keys.account.public_key();
  const std::string honest = claims::sign_jwt(claims::to_jwt(claims), keys.account);
  token = honest.substr(0, honest.rfind('.')) + token.substr(token.rfind('.'));
  const auto archive = write_archive_files(
      {{.name = "claims.jwt", .bytes = to_bytes(token), .hash = {}},
       {.name = std::string(this_target()) + ".bin", .bytes = kProgram, .hash = {}}},
      false);
  EXPECT_SAYS(refusal(*archive), "Invalid signature on provider token");
  EXPECT_FALSE(read_provider_archive(*archive)) << "inspecting does not trust it either";
}

TEST(ProviderArchive, ClaimsAreValidOnlyInTheirTime) {
  const Keys keys;
  auto claims = claims_for(keys);
  claims.validity = {.expires = kNow + 10, .not_before = kNow - 10};
  const auto archive = *write_provider_archive(claims, both(), keys.account, true);
  EXPECT_EQ(refusal(archive), "accepted");
  EXPECT_EQ(refusal(archive, kNow + 11 + claims::kClockLeeway), "Claims token expired");
  EXPECT_EQ(refusal(archive, kNow - 11 - claims::kClockLeeway), "Claims token cannot be used yet");
  EXPECT_TRUE(read_provider_archive(archive));  // inspecting shows what it is, whenever that is
}

TEST(ProviderArchive, WithoutAProgramForThisMachineSaysWhichItHas) {
  const Keys keys;
  const auto archive =
      write_provider_archive(claims_for(keys), {{"mips_64-plan9", kOther}}, keys.account, false);
  const auto text = refusal(*archive);
  EXPECT_SAYS(text, "No suitable target found in provider archive");
  EXPECT_SAYS(text, "mips_64-plan9");
}

TEST(ProviderArchive, HalfAnArchiveIsRefused) {
  const Keys keys;
  const std::string says =
      "Not enough files found in provider archive. Is this a complete archive?";
  EXPECT_SAYS(refusal(packed(claims_for(keys), keys.account, {})), says);
  EXPECT_SAYS(refusal(to_bytes(testing_tar::tar({}))), says);
  EXPECT_SAYS(refusal(*write_archive_files(
                  {{.name = "x86_64-linux.bin", .bytes = kProgram, .hash = {}}}, false)),
              says);
}

TEST(ProviderArchive, ClaimsOfAnActorAreNoClaimsOfAProvider) {
  const Keys keys;
  auto claims = claims_for(keys);
  claims.subject = claims::KeyPair::generate(claims::KeyType::module).public_key();
  claims.target_hashes = {{std::string(this_target()), claims::sha256_hex_upper(kProgram)}};
  EXPECT_SAYS(refusal(packed(claims, keys.account, {{std::string(this_target()), kProgram}})),
              "Failed to read the claims");
  EXPECT_FALSE(write_provider_archive(claims, both(), keys.account, false));
}

TEST(ProviderArchive, TokensThatAreNoneAreRefused) {
  for (const std::string& token :
       {std::string("hello"), std::string(100'000, 'x'), std::string()}) {
    const auto archive =
        write_archive_files({{.name = "claims.jwt", .bytes = to_bytes(token), .hash = {}},
                             {.name = "x86_64-linux.bin", .bytes = kProgram, .hash = {}}},
                            false);
    EXPECT_NE(refusal(*archive), "accepted");
  }
}

TEST(ProviderArchive, TargetsAreAnArchitectureAndASystem) {
  for (const char* good : {"x86_64-linux", "aarch64-macos", "arm-linux"})
    EXPECT_TRUE(check_target(good)) << good;
  for (const char* bad : {"", "x86_64", "-linux", "x86_64-", "x86-64-linux", "../x-y", "X86-linux"})
    EXPECT_FALSE(check_target(bad)) << bad;
}

}  // namespace
}  // namespace trellis::artifact
