// Goal: invocations and their answers have exactly the bytes, hash and token of docs/protocol.md
// §3.2–3.4 and §11.5, and whatever a 2022 peer writes is read.
#include "lattice/invocation.h"

#include <gtest/gtest.h>

#include "claims/jwt.h"
#include "codec/msgpack.h"
#include "lattice/golden_invocation.h"

namespace trellis::lattice {
namespace {

Invocation golden_signed() {
  auto invocation = golden::invocation();
  const auto cluster = golden::key_pair(claims::KeyType::cluster);
  sign(invocation, cluster, golden::kCluster, {std::string(golden::kJti), golden::kIssuedAt});
  return invocation;
}

TEST(Entity, UrlsAreThoseOf2022) {
  EXPECT_EQ((Entity{"MABC", "", ""}.url()), "wasmbus://MABC");
  EXPECT_EQ((Entity{"VABC", "default", "wasmcloud:keyvalue"}.url()),
            "wasmbus://wasmcloud/keyvalue/default/VABC");
  EXPECT_EQ((Entity{"VABC", "My Link", "Acme Corp:Thing"}.url()),
            "wasmbus://acme_corp/thing/my_link/VABC");
  EXPECT_EQ((Entity{"__WASH__", "", ""}.url()), "wasmbus:////__WASH__");
}

TEST(Invocation, HashIsTheGoldenOne) {
  EXPECT_EQ(invocation_hash(golden::invocation()), golden::kHash);
}

TEST(Invocation, TokenIsTheGoldenOne) { EXPECT_EQ(golden_signed().encoded_claims, golden::kToken); }

TEST(Invocation, EncodesToTheGoldenBytes) {
  EXPECT_EQ(encode(golden_signed()), golden::from_hex(golden::kInvocationHex));
}

TEST(Invocation, DecodesTheGoldenBytes) {
  const auto decoded = decode_invocation(golden::from_hex(golden::kInvocationHex));
  ASSERT_TRUE(decoded) << decoded.error().describe();
  EXPECT_EQ(*decoded, golden_signed());
}

TEST(Invocation, SignFillsWhatIsMissing) {
  auto invocation = golden::invocation();
  invocation.id.clear();
  const auto cluster = golden::key_pair(claims::KeyType::cluster);
  sign(invocation, cluster, "Nhost");
  EXPECT_EQ(invocation.id.size(), 36u);
  EXPECT_EQ(invocation.host_id, "Nhost");
  EXPECT_EQ(invocation.content_length, 3u);
  const auto jwt = claims::verify_jwt(invocation.encoded_claims);
  ASSERT_TRUE(jwt) << jwt.error().describe();
  EXPECT_EQ(jwt->sub, invocation.id);
  EXPECT_EQ(jwt->iss, golden::kCluster);
  EXPECT_EQ(jwt->jti.size(), 22u);
}

TEST(Invocation, CutAnywhereIsAnErrorNotACrash) {
  const auto bytes = golden::from_hex(golden::kInvocationHex);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_invocation(BytesView(bytes).first(size))) << size;
}

// The reference host writes msg as str with any bytes, other keys, and nil for what an actor has
// not.
TEST(Invocation, ReadsWhatTheReferenceHostWrites) {
  Bytes bytes;
  codec::MsgpackWriter writer(bytes);
  const auto entity = [&](std::string_view key) {
    writer.str(key);
    writer.map(3);
    writer.str("link_name");
    writer.nil();
    writer.str("contract_id");
    writer.nil();
    writer.str("public_key");
    writer.str("MABC");
  };
  writer.map(9);
  entity("target");
  entity("origin");
  for (const auto* key : {"operation", "id", "encoded_claims", "host_id"}) {
    writer.str(key);
    writer.str(key);
  }
  writer.str("msg");
  writer.str("\xff\xfe");
  writer.str("content_length");
  writer.nil();
  writer.str("traceContext");
  writer.map(1);
  writer.str("a");
  writer.str("b");
  const auto decoded = decode_invocation(bytes);
  ASSERT_TRUE(decoded) << decoded.error().describe();
  EXPECT_EQ(decoded->msg, (Bytes{0xff, 0xfe}));
  EXPECT_TRUE(decoded->origin.is_actor());
  EXPECT_EQ(decoded->content_length, std::nullopt);
}

TEST(Invocation, WithAMissingFieldIsRefused) {
  Bytes bytes;
  codec::MsgpackWriter writer(bytes);
  writer.map(1);
  writer.str("operation");
  writer.str("A.B");
  const auto decoded = decode_invocation(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::invalid);
}

TEST(InvocationResponse, HasTheGoldenBytes) {
  InvocationResponse response;
  response.msg = {0xc0};
  response.invocation_id = golden::invocation().id;
  response.content_length = 1;
  EXPECT_EQ(encode(response), golden::from_hex(golden::kResponseHex));
  InvocationResponse failed;
  failed.invocation_id = golden::invocation().id;
  failed.error = "boom";
  EXPECT_EQ(encode(failed), golden::from_hex(golden::kErrorResponseHex));
  EXPECT_EQ(*decode_invocation_response(golden::from_hex(golden::kResponseHex)), response);
  EXPECT_EQ(*decode_invocation_response(golden::from_hex(golden::kErrorResponseHex)), failed);
}

TEST(InvocationResponse, NilErrorIsNone) {
  Bytes bytes;
  codec::MsgpackWriter writer(bytes);
  writer.map(4);
  writer.str("msg");
  writer.str("");
  writer.str("invocation_id");
  writer.str("x");
  writer.str("error");
  writer.nil();
  writer.str("instance_id");
  writer.str("i");
  const auto decoded = decode_invocation_response(bytes);
  ASSERT_TRUE(decoded) << decoded.error().describe();
  EXPECT_EQ(decoded->error, std::nullopt);
  EXPECT_EQ(decoded->instance_id, "i");
}

TEST(InvocationResponse, CutAnywhereIsAnError) {
  const auto bytes = golden::from_hex(golden::kErrorResponseHex);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_invocation_response(BytesView(bytes).first(size))) << size;
}

}  // namespace
}  // namespace trellis::lattice
