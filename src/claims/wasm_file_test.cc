// Signed modules: the smallest one of docs/protocol.md §11.4 byte for byte, tampering, and real
// artefacts where TRELLIS_FIXTURES names a folder with some.
#include "claims/wasm_file.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "claims/golden_test_input.h"
#include "codec/hex_test_input.h"

namespace trellis::claims {
namespace {

constexpr std::uint64_t kNow = golden::kIssuedAt + 10;
const Bytes kEmptyModule = {0, 'a', 's', 'm', 1, 0, 0, 0};

Bytes section(std::uint8_t id, BytesView content) {
  Bytes out{id};
  std::size_t size = content.size();
  for (; size >= 0x80; size >>= 7) out.push_back(static_cast<std::uint8_t>(size | 0x80));
  out.push_back(static_cast<std::uint8_t>(size));
  append(out, content);
  return out;
}

Bytes custom(std::string_view name, std::string_view content) {
  Bytes inside{static_cast<std::uint8_t>(name.size())};
  append(inside, name);
  append(inside, content);
  return section(0, inside);
}

Bytes module_of(std::initializer_list<Bytes> sections) {
  Bytes out = kEmptyModule;
  for (const Bytes& one : sections) append(out, one);
  return out;
}

Bytes signed_with(const ActorClaims& claims, BytesView file = kEmptyModule) {
  return sign_module(file, claims, golden::key(KeyType::account)).value();
}

std::string detail_of(const Result<SignedModule>& result) {
  return result ? "accepted" : result.error().detail;
}

// The tools of 2022 hash a module as they would write it.
TEST(SignedModule, HasItsCodeWithShortestNumbers) {
  const Bytes padded =
      section(10, Bytes{0x01, 0x08, 0x00, 0x10, 0x80, 0x80, 0x80, 0x80, 0x00, 0x0b});
  const Bytes shortest = section(10, Bytes{0x01, 0x04, 0x00, 0x10, 0x00, 0x0b});
  const auto has = [](const Bytes& file, const Bytes& part) {
    return as_text(file).find(as_text(part)) != std::string_view::npos;
  };
  EXPECT_TRUE(has(signed_with(golden::actor(), module_of({padded})), shortest));
  // Debug information says where in the code things are.
  EXPECT_TRUE(
      has(signed_with(golden::actor(), module_of({padded, custom(".debug_info", "x")})), padded));
  EXPECT_TRUE(has(
      signed_with(golden::actor(), module_of({padded, custom("sourceMappingURL", "x")})), padded));
  EXPECT_TRUE(
      has(signed_with(golden::actor(), module_of({padded, custom("name", "x")})), shortest));
  EXPECT_EQ(unsigned_module(module_of({padded})).value(), module_of({padded}));
}

TEST(SignedModule, SmallestIsTheGoldenOne) {
  Bytes file = unsigned_module(kEmptyModule).value();
  ActorClaims claims = golden::actor();
  claims.module_hash = sha256_hex_upper(file);
  EXPECT_EQ(claims.module_hash, "93A44BBB96C751218E4C00D479E4C14358122A389ACCA16205B1E4D0DC5F9476");
  Jwt jwt = to_jwt(claims);
  jwt.jti = golden::kJti;
  embed_token(file, sign_jwt(jwt, golden::key(KeyType::account)));
  EXPECT_EQ(file, codec::from_hex(golden::testdata("smallest_signed_module.hex")));
  EXPECT_EQ(read_signed_module(file, kNow).value().claims.name, "Echo");
}

TEST(SignedModule, ReadsBackWhatWasSigned) {
  const Bytes plain = module_of({section(1, Bytes{0}), custom("name", "x")});
  const Bytes file = signed_with(golden::actor(), plain);
  const SignedModule module = read_signed_module(file, kNow).value();
  EXPECT_EQ(module.claims.subject, golden::actor().subject);
  EXPECT_EQ(module.claims.caps, golden::actor().caps);
  EXPECT_EQ(module.claims.module_hash, sha256_hex_upper(plain));
  EXPECT_TRUE(verify_jwt(module.token));
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), file.begin()));
}

TEST(SignedModule, ReplacesFormerTokens) {
  const Bytes plain = module_of({section(1, Bytes{0}), custom("name", "x")});
  const Bytes old = module_of({custom("jwt", "old"), section(1, Bytes{0}),
                               custom("wasmcloud_jwt", "older"), custom("name", "x")});
  EXPECT_EQ(unsigned_module(old).value(), plain);
  const Bytes again = signed_with(golden::actor(), signed_with(golden::actor(), plain));
  EXPECT_EQ(unsigned_module(again).value(), plain);
  EXPECT_EQ(detail_of(read_signed_module(again, kNow)), "accepted");
}

// Linkers write sizes in five bytes; parity-wasm, which 2022 hosts hash with, in the fewest.
TEST(SignedModule, WritesSizesInTheirShortestForm) {
  Bytes padded = kEmptyModule;
  append(padded, Bytes{1, 0x81, 0x80, 0x80, 0x80, 0x00, 0x00});
  EXPECT_EQ(unsigned_module(padded).value(), module_of({section(1, Bytes{0})}));
  EXPECT_EQ(detail_of(read_signed_module(signed_with(golden::actor(), padded), kNow)), "accepted");
}

TEST(SignedModule, IsFoundInTheLaterSectionToo) {
  ActorClaims claims = golden::actor();
  claims.module_hash = sha256_hex_upper(kEmptyModule);
  claims.wascap_revision = 3;
  const std::string token = sign_jwt(to_jwt(claims), golden::key(KeyType::account));
  EXPECT_EQ(detail_of(read_signed_module(module_of({custom("wasmcloud_jwt", token)}), kNow)),
            "accepted");
  const Bytes moved = module_of({section(1, Bytes{0}), custom("wasmcloud_jwt", token)});
  EXPECT_NE(detail_of(read_signed_module(moved, kNow)), "accepted")
      << "a token must not be movable to other code";
}

TEST(SignedModule, FirstTokenWins) {
  Bytes file = signed_with(golden::actor());
  append(file, custom("jwt", "not a token"));
  EXPECT_EQ(detail_of(read_signed_module(file, kNow)), "accepted");
}

TEST(SignedModule, SaysThatThereIsNoToken) {
  EXPECT_EQ(detail_of(read_signed_module(kEmptyModule, kNow)), "No claims found in source module");
  EXPECT_EQ(detail_of(inspect_signed_module(module_of({custom("name", "jwt")}))),
            "No claims found in source module");
}

TEST(SignedModule, SaysThatItIsNoWasm) {
  for (const char* bad : {"",
                          "\x7f"
                          "ELF....",
                          "asm", "GIF89a.............."}) {
    EXPECT_NE(detail_of(read_signed_module(as_bytes(bad), kNow)).find("not a WebAssembly module"),
              std::string::npos);
  }
  const Bytes component = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
  EXPECT_NE(detail_of(read_signed_module(component, kNow)).find("component"), std::string::npos);
}

TEST(SignedModule, RefusesTimesOutsideItsValidity) {
  ActorClaims claims = golden::actor();
  claims.validity = {.expires = kNow + 100, .not_before = kNow};
  const Bytes file = signed_with(claims);
  EXPECT_EQ(detail_of(read_signed_module(file, kNow + 101 + kClockLeeway)), "Claims token expired");
  EXPECT_EQ(detail_of(read_signed_module(file, kNow - 1 - kClockLeeway)),
            "Claims token cannot be used yet");
  EXPECT_EQ(detail_of(read_signed_module(file, kNow)), "accepted");
  EXPECT_EQ(detail_of(inspect_signed_module(file)), "accepted") << "expired modules still print";
}

TEST(SignedModule, RefusesATokenOfSomebodyElse) {
  ActorClaims claims = golden::actor();
  claims.module_hash = sha256_hex_upper(kEmptyModule);
  std::string token = sign_jwt(to_jwt(claims), golden::key(KeyType::account));
  token[token.size() - 10] = token[token.size() - 10] == 'A' ? 'B' : 'A';
  const Bytes file = module_of({custom("jwt", token)});
  EXPECT_EQ(detail_of(read_signed_module(file, kNow)), "Invalid signature on module token");
}

TEST(SignedModule, RefusesEveryFlippedBit) {
  const Bytes file = signed_with(golden::actor(), module_of({section(1, Bytes{0})}));
  Bytes changed = file;
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_NE(detail_of(read_signed_module(changed, kNow)), "accepted") << bit;
    changed[bit / 8] = file[bit / 8];
  }
}

TEST(SignedModule, RefusesEveryCut) {
  const Bytes file = signed_with(golden::actor(), module_of({section(1, Bytes{0})}));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(read_signed_module(BytesView(file).first(size), kNow)) << size;
  }
}

TEST(SignedModule, RefusesSectionsThatLieAboutTheirSize) {
  for (const char* hex : {"01", "0105", "01ffffffff0f", "01ffffffff1f", "01ffffffffff", "0000",
                          "000105", "0002056a", "0001ff"}) {
    Bytes file = kEmptyModule;
    append(file, codec::from_hex(hex));
    EXPECT_FALSE(unsigned_module(file)) << hex;
    EXPECT_NE(detail_of(read_signed_module(file, kNow)).find("Failed to extract claims"),
              std::string::npos)
        << hex;
  }
}

TEST(SignModule, RefusesKeysThatWouldMakeItWorthless) {
  EXPECT_FALSE(sign_module(kEmptyModule, golden::actor(), golden::key(KeyType::user)));
  ActorClaims claims = golden::actor();
  claims.subject = "M";
  EXPECT_FALSE(sign_module(kEmptyModule, claims, golden::key(KeyType::account)));
  EXPECT_FALSE(sign_module(as_bytes("no"), golden::actor(), golden::key(KeyType::account)));
}

TEST(SignModule, RefusesATokenThatNoReaderWouldTake) {
  ActorClaims claims = golden::actor();
  claims.tags.assign(10'000, "a tag of some length");
  EXPECT_FALSE(sign_module(kEmptyModule, claims, golden::key(KeyType::account)));
}

RC_GTEST_PROP(SignedModule, ReadsBackWhateverItsSectionsHold,
              (const std::vector<Bytes>& contents)) {
  Bytes file = kEmptyModule;
  std::uint8_t id = 0;
  for (const Bytes& content : contents) {
    id = static_cast<std::uint8_t>(id % 12 + 1);
    if (id == 10) ++id;  // code: its numbers may change their form
    append(file, section(id, content));
  }
  const auto module = read_signed_module(signed_with(golden::actor(), file), kNow);
  RC_ASSERT(module.has_value());
  RC_ASSERT(module->claims.module_hash == sha256_hex_upper(file));
}

TEST(Fixtures, AllVerify) {
  const char* folder = std::getenv("TRELLIS_FIXTURES");
  if (folder == nullptr) GTEST_SKIP() << "TRELLIS_FIXTURES names no folder of signed modules";
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".wasm" || entry.file_size() == 0) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(detail_of(read_signed_module(as_bytes(file), kNow)), "accepted") << entry.path();
    ++seen;
  }
  EXPECT_GT(seen, 0);
}

}  // namespace
}  // namespace trellis::claims
