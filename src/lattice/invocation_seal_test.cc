#include "lattice/invocation_seal.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "claims/nkey.h"

namespace trellis::lattice {
namespace {

constexpr std::uint64_t kNow = 1'700'000'000;
const std::string kHost = "N" + std::string(55, 'A');

const claims::KeyPair& cluster() {
  static const auto key = claims::KeyPair::generate(claims::KeyType::cluster);
  return key;
}

Invocation sealed(InvocationSeal& seal) {
  Invocation invocation;
  invocation.origin = {"MORIGIN", "", ""};
  invocation.target = {"VTARGET", "default", "wasmcloud:keyvalue"};
  invocation.operation = "KeyValue.Get";
  invocation.msg = {0xa2, 'k', '1'};
  invocation.depth = 2;
  seal.put_on(invocation, kHost, kNow);
  return invocation;
}

std::string subject_of(const InvocationSeal& seal) {
  return seal.subject("wasmbus.rpc.default.VTARGET.default");
}

TEST(InvocationSeal, IsReadByWhoHasTheSameSeedAndNobodyElse) {
  InvocationSeal seal(cluster(), "default");
  const InvocationSeal same(cluster(), "default");
  const InvocationSeal other_lattice(cluster(), "other");
  const InvocationSeal other_seed(claims::KeyPair::generate(claims::KeyType::cluster), "default");
  EXPECT_EQ(seal.name(), same.name());
  EXPECT_NE(seal.name(), other_lattice.name());
  EXPECT_NE(seal.name(), other_seed.name());
  const auto sent = decode_invocation(encode(sealed(seal)));
  ASSERT_TRUE(sent) << sent.error().describe();
  EXPECT_TRUE(same.is_whole(*sent));
  EXPECT_FALSE(other_lattice.is_whole(*sent));
  EXPECT_FALSE(other_seed.is_whole(*sent));
}

TEST(InvocationSeal, BreaksWithAnyChange) {
  InvocationSeal seal(cluster(), "default");
  const std::vector<std::function<void(Invocation&)>> changes{
      [](Invocation& i) { i.origin.public_key = "MOTHER"; },
      [](Invocation& i) { i.target.public_key = "VOTHER"; },
      [](Invocation& i) { i.target.link_name = "other"; },
      [](Invocation& i) { i.target.contract_id = "other"; },
      [](Invocation& i) { i.operation = "KeyValue.Set"; },
      [](Invocation& i) { i.operation += i.id.substr(0, 1), i.id.erase(0, 1); },
      [](Invocation& i) { i.msg.push_back(0); },
      [](Invocation& i) { i.msg.clear(); },
      [](Invocation& i) { i.id += "x"; },
      [](Invocation& i) { i.host_id = "N" + std::string(55, 'B'); },
      [](Invocation& i) { i.sealed_at += 1; },
      [](Invocation& i) { i.depth = 0; },
      [](Invocation& i) { i.sealed_by += 1; },
      [](Invocation& i) { i.sequence += 1; },
      [](Invocation& i) { i.content_length = 4; },
      [](Invocation& i) { i.content_length.reset(); },
      [](Invocation& i) { i.encoded_claims = "e30.e30.e30"; },
      [](Invocation& i) { i.seal[0] ^= 1; },
      [](Invocation& i) { i.seal.pop_back(); },
      [](Invocation& i) { i.seal.clear(); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto invocation = sealed(seal);
    ASSERT_TRUE(seal.is_whole(invocation));
    changes[i](invocation);
    EXPECT_FALSE(seal.is_whole(invocation)) << "change " << i;
  }
}

class SealedArrival : public ::testing::Test {
 protected:
  InvocationSeal seal{cluster(), "default"};
  InvocationVerifier verifier{
      {.cluster_issuers = {cluster().public_key()}, .lattice = "default", .seal = &seal}};

  std::string refused(const Invocation& invocation, const std::string& subject,
                      std::uint64_t now = kNow) {
    const auto result = verifier.verify_arrival(invocation, subject, now);
    return result ? "" : result.error().detail;
  }
};

TEST_F(SealedArrival, IsAcceptedOnceAndInTime) {
  const auto invocation = sealed(seal);
  EXPECT_EQ(refused(invocation, subject_of(seal)), "");
  EXPECT_NE(refused(invocation, subject_of(seal)).find("received before"), std::string::npos);
  const auto late = sealed(seal);
  EXPECT_NE(refused(late, subject_of(seal), kNow + 61).find("before this host's clock"),
            std::string::npos);
}

TEST_F(SealedArrival, IsRefusedOnAnyOtherSubject) {
  const auto invocation = sealed(seal);
  EXPECT_NE(refused(invocation, "wasmbus.rpc.default.VTARGET.default"), "") << "not a sealed one";
  EXPECT_NE(refused(invocation, seal.subject("wasmbus.rpc.default.VOTHER.default")), "");
  EXPECT_NE(refused(invocation, seal.subject("wasmbus.rpc.default.VTARGET.b")), "");
  EXPECT_NE(refused(invocation, seal.subject("wasmbus.rpc.other.VTARGET.default")), "");
  EXPECT_EQ(refused(invocation, subject_of(seal)), "");
}

TEST_F(SealedArrival, MustBeSealedEvenIfSigned) {
  auto invocation = sealed(seal);
  invocation.seal.clear();
  sign(invocation, cluster(), kHost, {"jti", kNow});
  EXPECT_EQ(refused(invocation, subject_of(seal)), "Invocation seal invalid");
  EXPECT_EQ(refused(invocation, "wasmbus.rpc.default.VTARGET.default"), "");
}

TEST_F(SealedArrival, HasItsBodyWithIt) {
  auto invocation = sealed(seal);
  invocation.msg.clear();  // as if it were elsewhere
  EXPECT_EQ(refused(invocation, subject_of(seal)), "Invocation seal invalid");
}

// Who has no seed takes a sealed call off the wire, says that its body is in the object store, and
// puts claims beside it that nobody signed.
TEST_F(SealedArrival, TakesNoBodyFromElsewhere) {
  auto invocation = sealed(seal);
  invocation.content_length = 1000;
  const auto stranger = claims::KeyPair::generate(claims::KeyType::cluster);
  auto forged = invocation;
  sign(forged, stranger, kHost, {"jti", kNow});
  invocation.encoded_claims = forged.encoded_claims;
  ASSERT_TRUE(is_body_apart(invocation));
  const auto head = verifier.verify_head(invocation, subject_of(seal), kNow);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().detail, "Invocation is sealed and its body is not with it");
  EXPECT_EQ(refused(invocation, subject_of(seal)), "Invocation seal invalid");
}

TEST_F(SealedArrival, IsKnownAgainHoweverManyCameMeanwhile) {
  InvocationVerifier small({.cluster_issuers = {cluster().public_key()},
                            .lattice = "default",
                            .remembered_max = 10,
                            .seal = &seal,
                            .sealers_max = 1});
  const auto first = sealed(seal);
  EXPECT_TRUE(small.verify_arrival(first, subject_of(seal), kNow));
  for (int i = 0; i < 1'000; ++i)
    EXPECT_TRUE(small.verify_arrival(sealed(seal), subject_of(seal), kNow));
  EXPECT_FALSE(small.verify_arrival(first, subject_of(seal), kNow));
  InvocationSeal further(cluster(), "default");  // another host, or another run of it
  EXPECT_FALSE(small.verify_arrival(sealed(further), subject_of(seal), kNow));
  auto later = sealed(further);
  further.put_on(later, kHost, kNow + 62);
  EXPECT_TRUE(small.verify_arrival(later, subject_of(seal), kNow + 62));
}

}  // namespace
}  // namespace trellis::lattice
