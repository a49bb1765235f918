// Goal: only what the cluster signed, for here, now and once, is let through. Method: one good
// invocation and a matrix of forgeries of it, each wrong in one thing; the texts are those 2022
// clients know (docs/protocol.md §3.5).
#include <gtest/gtest.h>

#include <functional>

#include "claims/jwt.h"
#include "lattice/golden_invocation.h"
#include "lattice/invocation.h"
#include "lattice/replay_window.h"
#include "lattice/subjects.h"

namespace trellis::lattice {
namespace {

constexpr auto kNow = golden::kIssuedAt + 1;

const claims::KeyPair& cluster() {
  static const auto key = golden::key_pair(claims::KeyType::cluster);
  return key;
}

Invocation good(Bytes msg = {0xa2, 0x6b, 0x31}) {
  auto invocation = golden::invocation();
  invocation.msg = std::move(msg);
  sign(invocation, cluster(), golden::kCluster, {claims::new_jti(), golden::kIssuedAt});
  return invocation;
}

InvocationVerifier verifier(std::chrono::seconds window = std::chrono::seconds(60)) {
  return InvocationVerifier({.cluster_issuers = {std::string(golden::kCluster)},
                             .lattice = "default",
                             .replay_window = window});
}

std::string subject(std::string_view lattice = "default") {
  return Subjects{.prefix = std::string(lattice)}.provider(golden::kProvider, "default");
}

// Signs again after `change` touched the token.
void resign(Invocation& invocation, const std::function<void(claims::Jwt&)>& change,
            const claims::KeyPair& key = cluster()) {
  auto jwt = *claims::decode_jwt(invocation.encoded_claims);
  change(jwt);
  invocation.encoded_claims = claims::sign_jwt(jwt, key);
}

struct Forgery {
  const char* name;
  std::function<void(Invocation&)> forge;
  const char* refused_with;  // part of the text
  std::string arrives_on = subject();
};

void PrintTo(const Forgery& forgery, std::ostream* out) { *out << forgery.name; }

class ForgedInvocation : public ::testing::TestWithParam<Forgery> {};

TEST_P(ForgedInvocation, IsRefused) {
  auto checks = verifier();
  auto invocation = good();
  GetParam().forge(invocation);
  const auto verdict = checks.verify_arrival(invocation, GetParam().arrives_on, kNow);
  ASSERT_FALSE(verdict) << "let through";
  EXPECT_NE(verdict.error().detail.find(GetParam().refused_with), std::string::npos)
      << verdict.error().describe();
  EXPECT_TRUE(checks.verify_arrival(good(), subject(), kNow)) << "a good one still passes";
}

Forgery forgeries[] = {
    {"signature",
     [](Invocation& i) {
       auto& last = i.encoded_claims[i.encoded_claims.size() - 10];
       last = last == 'A' ? 'B' : 'A';
     },
     "Invocation claims signature invalid"},
    {"issuer",
     [](Invocation& i) {
       resign(i, [](claims::Jwt&) {}, claims::KeyPair::generate(claims::KeyType::cluster));
     },
     "Issuer of this invocation is not among the list of valid issuers"},
    {"target",
     [](Invocation& i) {
       i.target.public_key = golden::key_pair(claims::KeyType::module).public_key();
     },
     "Invocation claims and invocation target URL do not match"},
    {"target_not_the_subjects",
     [](Invocation& i) {
       i.target.public_key = claims::KeyPair::generate(claims::KeyType::service).public_key();
       sign(i, cluster(), golden::kCluster, {claims::new_jti(), golden::kIssuedAt});
     },
     "target key mismatch"},
    {"link_not_the_subjects",
     [](Invocation& i) {
       i.target.link_name = "other";
       sign(i, cluster(), golden::kCluster, {claims::new_jti(), golden::kIssuedAt});
     },
     "target link mismatch"},
    {"origin", [](Invocation& i) { i.origin.public_key[5] = 'X'; },
     "Invocation claims and invocation origin URL do not match"},
    {"operation", [](Invocation& i) { i.operation = "KeyValue.Set"; },
     "Invocation claims and invocation target URL do not match"},
    {"body", [](Invocation& i) { i.msg.back() ^= 1; },
     "Invocation hash does not match signed claims hash"},
    {"empty_body", [](Invocation& i) { i.msg.clear(); },
     "Invocation hash does not match signed claims hash"},
    {"host_id_letter", [](Invocation& i) { i.host_id[0] = 'M'; },
     "Invalid host ID on invocation: 'MAB2"},
    {"host_id_length", [](Invocation& i) { i.host_id = "N"; },
     "Invalid host ID on invocation: 'N'"},
    {"expired",
     [](Invocation& i) {
       resign(i, [](claims::Jwt& jwt) { jwt.exp = kNow - 1 - claims::kClockLeeway; });
     },
     "Invocation claims token expired"},
    {"not_yet",
     [](Invocation& i) {
       resign(i, [](claims::Jwt& jwt) { jwt.nbf = kNow + 1 + claims::kClockLeeway; });
     },
     "Attempt to use invocation before claims token allows"},
    {"algorithm",
     [](Invocation& i) {
       // {"typ":"jwt","alg":"none"} and the old payload without a signature
       i.encoded_claims.replace(0, i.encoded_claims.find('.'),
                                "eyJ0eXAiOiJqd3QiLCJhbGciOiJub25lIn0");
       i.encoded_claims.resize(i.encoded_claims.rfind('.') + 1);
     },
     ""},
    {"truncated", [](Invocation& i) { i.encoded_claims.resize(i.encoded_claims.size() - 40); }, ""},
    {"no_token", [](Invocation& i) { i.encoded_claims.clear(); }, ""},
    {"no_metadata", [](Invocation& i) { resign(i, [](claims::Jwt& jwt) { jwt.wascap.clear(); }); },
     "No wascap metadata found on claims"},
    {"other_id", [](Invocation& i) { i.id = "another"; }, "made for another invocation id"},
    {"old", [](Invocation& i) { resign(i, [](claims::Jwt& jwt) { jwt.iat = kNow - 61; }); },
     "issued 61 s before this host's clock"},
    {"from_the_future",
     [](Invocation& i) { resign(i, [](claims::Jwt& jwt) { jwt.iat = kNow + 61; }); },
     "issued 61 s after this host's clock"},
    {"wrong_lattice", [](Invocation&) {},
     "Invocation arrived in lattice 'lab', this host is in 'default'", subject("lab")},
};

INSTANTIATE_TEST_SUITE_P(Matrix, ForgedInvocation, ::testing::ValuesIn(forgeries),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(InvocationVerifier, LetsTheGoldenOneThroughOnce) {
  auto checks = verifier();
  const auto decoded = decode_invocation(golden::from_hex(golden::kInvocationHex));
  ASSERT_TRUE(decoded);
  const auto first = checks.verify(*decoded, golden::kProvider, kNow);
  EXPECT_TRUE(first) << first.error().describe();
  const auto replayed = checks.verify(*decoded, golden::kProvider, kNow + 1);
  ASSERT_FALSE(replayed);
  EXPECT_EQ(replayed.error().code, Errc::unauthenticated);
  EXPECT_NE(replayed.error().detail.find("received before"), std::string::npos);
}

TEST(InvocationVerifier, RefusesAReplayAtAnyLaterTime) {
  auto checks = verifier();
  const auto invocation = good();
  ASSERT_TRUE(checks.verify(invocation, golden::kProvider, kNow));
  for (const auto later : {0, 1, 30, 59, 60, 61, 62, 120, 3600})
    EXPECT_FALSE(checks.verify(invocation, golden::kProvider, kNow + later)) << later;
}

TEST(InvocationVerifier, ForgetsARefusedOne) {
  auto checks = verifier();
  auto invocation = good();
  invocation.msg.push_back(0);
  ASSERT_FALSE(checks.verify(invocation, golden::kProvider, kNow));
  invocation.msg.pop_back();
  EXPECT_TRUE(checks.verify(invocation, golden::kProvider, kNow));
}

TEST(InvocationVerifier, WithoutWindowTakesOldOnesAndResentOnes) {
  auto checks = verifier(std::chrono::seconds(0));
  const auto invocation = good();
  EXPECT_TRUE(checks.verify(invocation, golden::kProvider, kNow));
  EXPECT_TRUE(checks.verify(invocation, golden::kProvider, kNow + 100'000));
}

TEST(InvocationVerifier, TakesAGenuinelyEmptyBody) {
  auto checks = verifier();
  EXPECT_TRUE(checks.verify(good({}), golden::kProvider, kNow));
}

TEST(InvocationVerifier, TakesTheHostIdOfWash) {
  auto checks = verifier();
  auto invocation = good();
  invocation.host_id = "NwashHostCallerId000000000000000000000000000000000000000";
  const auto verdict = checks.verify(invocation, golden::kProvider, kNow);
  EXPECT_TRUE(verdict) << verdict.error().describe();
}

TEST(InvocationVerifier, LeavesOutIssuersThatAreNoKeys) {
  InvocationVerifier checks(
      {.cluster_issuers = {"not a key", std::string(golden::kCluster)}, .lattice = "default"});
  EXPECT_TRUE(checks.verify(good(), golden::kProvider, kNow));
}

TEST(InvocationVerifier, TrustsAnyConfiguredIssuer) {
  const auto second = claims::KeyPair::generate(claims::KeyType::cluster);
  InvocationVerifier checks(
      {.cluster_issuers = {std::string(golden::kCluster), second.public_key()},
       .lattice = "default"});
  auto invocation = golden::invocation();
  sign(invocation, second, golden::kCluster, {claims::new_jti(), golden::kIssuedAt});
  EXPECT_TRUE(checks.verify(invocation, golden::kProvider, kNow));
}

TEST(ReplayWindow, ForgetsInTimeAndNeverGrowsBeyondItsBound) {
  ReplayWindow window(100);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(window.remember("t" + std::to_string(i), 1'060, 1'000), ReplayWindow::Seen::fresh);
  EXPECT_EQ(window.remember("t7", 1'060, 1'000), ReplayWindow::Seen::repeated);
  EXPECT_EQ(window.remember("one more", 1'060, 1'000), ReplayWindow::Seen::full);
  EXPECT_EQ(window.remember("t7", 1'060, 1'060), ReplayWindow::Seen::repeated)
      << "still within its time";
  EXPECT_EQ(window.remember("one more", 1'121, 1'061), ReplayWindow::Seen::fresh);
  EXPECT_EQ(window.size(), 1u);
}

}  // namespace
}  // namespace trellis::lattice
