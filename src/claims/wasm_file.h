// A Wasm file as a sequence of sections, enough to carry claims in it: read the token, check the
// hash, embed a token. Section layout: WebAssembly core spec 1.0 §5.5; token: docs/protocol.md
// §5.3.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "claims/claims.h"

namespace trellis::claims {

// The claims of a signed actor module, fully checked: Wasm header, token form, module hash,
// validity at `now`, signature. Errors carry the 2022 texts: "No claims found in source module",
// "Failed to extract claims from module" (and why), "Claims token expired", "Claims token cannot be
// used yet", "Invalid signature on module token"; not a Wasm file says so. The hash is checked for
// either name of the section and whatever wascap_revision says: skipping it would let a token be
// moved to other code.
struct SignedModule {
  ActorClaims claims;
  std::string token;
};
Result<SignedModule> read_signed_module(BytesView file, std::uint64_t now);

// The same without validity (for inspect): expired modules still print.
Result<SignedModule> inspect_signed_module(BytesView file);

// The module with a fresh `jwt` section at its end, any former one removed. Sets
// claims.module_hash. Numbers in the code are written in their shortest form (claims/wasm_code.h),
// // unless debug information points into it or it is not of Wasm 1.0; the other sections are kept
// as they are.
Result<Bytes> sign_module(BytesView file, ActorClaims claims, const KeyPair& account);

// The module without what carries a token, and the section that carries one behind it.
Result<Bytes> unsigned_module(BytesView file);
void embed_token(Bytes& unsigned_module, std::string_view token);

std::string sha256_hex_upper(BytesView bytes);

}  // namespace trellis::claims
