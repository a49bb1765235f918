#include "claims/wasm_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/leb128.h"
#include "base/limits.h"
#include "claims/sha256.h"
#include "claims/wasm_code.h"

namespace trellis::claims {
namespace {

constexpr std::array<std::uint8_t, 8> kModuleHeader = {0, 'a', 's', 'm', 1, 0, 0, 0};
constexpr std::array<std::uint8_t, 8> kComponentHeader = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
constexpr std::string_view kSectionName = "jwt";  // docs/protocol.md §5.3
constexpr std::string_view kLateSectionName = "wasmcloud_jwt";
constexpr std::uint8_t kCustomSection = 0;  // core spec 1.0 §5.5.2
constexpr std::uint8_t kCodeSection = 10;

struct Section {
  std::uint8_t id = 0;
  BytesView whole;  // with id and size
  BytesView content;
  std::string_view token;  // of a custom section that carries one
  bool carries_token = false;
  bool points_into_code = false;  // and would point elsewhere if the code got shorter
};

tl::unexpected<Error> damaged(std::string why) {
  return fail(Errc::corrupt, "claims.wasm", "the Wasm module is damaged: " + std::move(why));
}

Result<void> check_header(BytesView file) {
  const auto begins_with = [&](BytesView header) {
    return file.size() >= header.size() && std::equal(header.begin(), header.end(), file.begin());
  };
  if (begins_with(kModuleHeader)) return {};
  if (begins_with(kComponentHeader)) {
    return fail(Errc::invalid, "claims.wasm.header",
                "this is a WebAssembly component; only core modules carry actor claims");
  }
  if (begins_with(BytesView(kModuleHeader).first(4))) {
    return fail(Errc::invalid, "claims.wasm.header",
                "this WebAssembly file is of another version than 1");
  }
  return fail(Errc::invalid, "claims.wasm.header",
              "this is not a WebAssembly module: it does not begin with \\0asm");
}

// Reads sections one after the other; every step consumes at least two bytes.
class SectionReader {
 public:
  explicit SectionReader(BytesView file) : file_(file), pos_(kModuleHeader.size()) {}
  bool at_end() const { return pos_ == file_.size(); }

  Result<Section> next() {
    const std::size_t start = pos_;
    Section section;
    section.id = file_[pos_++];
    TRY(std::uint32_t size, leb128(file_, pos_));
    if (size > file_.size() - pos_) {
      return damaged(fmt::format("the section at byte {} is longer than the file", start));
    }
    section.content = file_.subspan(pos_, size);
    pos_ += size;
    section.whole = file_.subspan(start, pos_ - start);
    if (section.id == kCustomSection) TRY_OK(read_name(section));
    return section;
  }

 private:
  // The number at `pos`, which is then behind it.
  static Result<std::uint32_t> leb128(BytesView bytes, std::size_t& pos) {
    BytesView rest = bytes.subspan(pos);
    const auto number = read_leb128<std::uint32_t>(rest);
    const std::size_t start = std::exchange(pos, bytes.size() - rest.size());
    if (number) return *number;
    if (rest.empty()) return damaged("it ends inside a section");
    return damaged(fmt::format("the number at byte {} is too large", start));
  }

  static Result<void> read_name(Section& section) {
    std::size_t pos = 0;
    TRY(std::uint32_t size, leb128(section.content, pos));
    if (size > section.content.size() - pos) return damaged("a section's name is too long");
    const std::string_view name = as_text(section.content.subspan(pos, size));
    section.points_into_code = points_into_code(name);
    section.carries_token = name == kSectionName || name == kLateSectionName;
    if (section.carries_token) section.token = as_text(section.content.subspan(pos + size));
    return {};
  }

  // With byte offsets; "name" and its kind count functions and locals.
  static bool points_into_code(std::string_view section) {
    return section.starts_with(".debug_") || section.starts_with("reloc.") ||
           section.starts_with("metadata.code.") || section == "sourceMappingURL" ||
           section == "external_debug_info";
  }

  BytesView file_;
  std::size_t pos_;
};

Result<void> check_size_and_header(BytesView file) {
  if (file.size() > limits::kModuleBytesMax) {
    return fail(Errc::exhausted, "claims.wasm.size",
                fmt::format("the module is {} bytes; the most that is accepted is {}", file.size(),
                            limits::kModuleBytesMax));
  }
  return check_header(file);
}

struct TokenAndHash {
  std::string_view token;  // of the first section that carries one
  std::string hash;        // of the module without such sections
};

tl::unexpected<Error> not_extracted(const std::string& why) {
  return fail(Errc::invalid, "claims.wasm.extract", "Failed to extract claims from module: " + why);
}

Result<TokenAndHash> find_token(BytesView file) {
  TRY_OK(check_size_and_header(file));
  Sha256 hash;
  hash.add(file.first(kModuleHeader.size()));
  std::optional<std::string_view> token;
  SectionReader sections(file);
  while (!sections.at_end()) {
    auto section = sections.next();
    if (!section) return not_extracted(section.error().detail);
    if (!section->carries_token) {
      hash.add(section->whole);
    } else if (!token) {
      token = section->token;
    }
  }
  if (!token) {
    return fail(Errc::unauthenticated, "claims.wasm.unsigned", "No claims found in source module");
  }
  return TokenAndHash{*token, hash.hex_upper()};
}

// Everything but validity and signature.
Result<std::pair<Jwt, SignedModule>> extract(BytesView file) {
  TRY(TokenAndHash found, find_token(file));
  auto jwt = decode_jwt(found.token);
  if (!jwt) return not_extracted(jwt.error().detail);
  auto claims = actor_claims(*jwt);
  if (!claims) return not_extracted(claims.error().detail);
  if (claims->module_hash != found.hash) {
    return fail(
        Errc::unauthenticated, "claims.wasm.hash",
        "Failed to extract claims from module: Invalid module hash: its bytes are not those "
        "that were signed");
  }
  return std::pair(*std::move(jwt), SignedModule{*std::move(claims), std::string(found.token)});
}

Result<void> check_signature(std::string_view token) {
  if (verify_jwt(token)) return {};
  return fail(Errc::unauthenticated, "claims.wasm.signature", "Invalid signature on module token");
}

void append_section(Bytes& out, std::uint8_t id, BytesView content) {
  out.push_back(id);
  append_leb128(out, static_cast<std::uint32_t>(content.size()));
  append(out, content);
}

template <class Append>
Result<Bytes> without_token(BytesView file, Append append_to) {
  TRY_OK(check_size_and_header(file));
  Bytes out;
  out.reserve(file.size() + 2048);  // room for the token
  append(out, file.first(kModuleHeader.size()));
  SectionReader sections(file);
  while (!sections.at_end()) {
    TRY(Section section, sections.next());
    if (!section.carries_token) append_to(section, out);
  }
  return out;
}

Result<bool> has_sections_that_point_into_code(BytesView file) {
  SectionReader sections(file);
  while (!sections.at_end()) {
    TRY(const Section section, sections.next());
    if (section.points_into_code) return true;
  }
  return false;
}

// The module as the tools of 2022 hash it.
Result<Bytes> module_to_sign(BytesView file) {
  TRY_OK(check_size_and_header(file));
  TRY(const bool keep_code, has_sections_that_point_into_code(file));
  return without_token(file, [keep_code](const Section& section, Bytes& out) {
    const auto shorter = section.id == kCodeSection && !keep_code
                             ? with_shortest_numbers(section.content)
                             : std::nullopt;
    append_section(out, section.id, shorter ? BytesView(*shorter) : section.content);
  });
}

}  // namespace

Result<SignedModule> read_signed_module(BytesView file, std::uint64_t now) {
  TRY(auto extracted, extract(file));
  auto& [jwt, module] = extracted;
  switch (state_at(jwt, now)) {
    case JwtState::expired:
      return fail(Errc::unauthenticated, "claims.wasm.expired", "Claims token expired");
    case JwtState::not_yet_valid:
      return fail(Errc::unauthenticated, "claims.wasm.not_yet", "Claims token cannot be used yet");
    case JwtState::valid:
      break;
  }
  TRY_OK(check_signature(module.token));
  return std::move(module);
}

Result<SignedModule> inspect_signed_module(BytesView file) {
  TRY(auto extracted, extract(file));
  TRY_OK(check_signature(extracted.second.token));
  return std::move(extracted.second);
}

Result<Bytes> unsigned_module(BytesView file) {
  return without_token(file, [](const Section& section, Bytes& out) {
    append_section(out, section.id, section.content);
  });
}

void embed_token(Bytes& unsigned_module, std::string_view token) {
  Bytes content;
  append_leb128(content, static_cast<std::uint32_t>(kSectionName.size()));
  append(content, kSectionName);
  append(content, token);
  append_section(unsigned_module, kCustomSection, content);
}

Result<Bytes> sign_module(BytesView file, ActorClaims claims, const KeyPair& account) {
  TRY(Bytes out, module_to_sign(file));
  claims.module_hash = sha256_hex_upper(out);
  claims.issuer = account.public_key();
  const Jwt jwt = to_jwt(claims);
  TRY_OK(actor_claims(jwt));  // a key of the wrong kind would make a module nobody accepts
  const std::string token = sign_jwt(jwt, account);
  if (token.size() > limits::kJwtBytesMax) {
    return fail(Errc::invalid, "claims.wasm.token",
                fmt::format("the claims make a token of {} bytes; the most is {}", token.size(),
                            limits::kJwtBytesMax));
  }
  embed_token(out, token);
  return out;
}

std::string sha256_hex_upper(BytesView bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex_upper();
}

}  // namespace trellis::claims
