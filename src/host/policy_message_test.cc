// Goal: the bytes that policy services of 2022 read and write (docs/protocol.md §9.4), whole.
#include "host/policy_message.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace trellis::host {
namespace {

const PolicyHost kHost{.public_key = "N1",
                       .issuer = "C1",
                       .lattice = "default",
                       .labels = {{"zone", "eu"}},
                       .cluster_issuers = {"C1", "C2"}};

constexpr std::string_view kHostJson =
    R"("host":{"publicKey":"N1","issuer":"C1","latticeId":"default","labels":{"zone":"eu"},)"
    R"("clusterIssuers":["C1","C2"]}})";

TEST(PolicyMessage, TheStartOfAnActorHasNoSourceAndNoContract) {
  const PolicyStart actor{
      .public_key = "M1", .issuer = "A1", .contract_id = "", .link_name = "", .provider = false};
  EXPECT_EQ(start_question("r1", actor, kHost, 1000),
            R"({"requestId":"r1","action":"start_actor","source":{"publicKey":"","contractId":"",)"
            R"("linkName":"","capabilities":[],"issuer":"","issuedOn":"","expiresAt":1060,)"
            R"("expired":false},"target":{"publicKey":"M1","issuer":"A1","contractId":null,)"
            R"("linkName":null},)" +
                std::string(kHostJson));
}

TEST(PolicyMessage, TheStartOfAProviderNamesContractAndLinkName) {
  const auto text = start_question("r2",
                                   {.public_key = "V1",
                                    .issuer = "A1",
                                    .contract_id = "wasmcloud:httpserver",
                                    .link_name = "default",
                                    .provider = true},
                                   kHost, 1000);
  EXPECT_NE(text.find(R"("action":"start_provider")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("target":{"publicKey":"V1","issuer":"A1",)"
                      R"("contractId":"wasmcloud:httpserver","linkName":"default"})"),
            std::string::npos)
      << text;
}

TEST(PolicyMessage, ACallNamesBothSides) {
  const PolicyCall call{
      .source = {.public_key = "V1", .link_name = "default", .contract_id = "a:b"},
      .source_issuer = "A1",
      .source_capabilities = "c:d,e:f",
      .target_key = "M1",
      .target_issuer = "A2"};
  EXPECT_EQ(call_question("r3", call, kHost),
            R"({"requestId":"r3","action":"perform_invocation","source":{"publicKey":"V1",)"
            R"("contractId":"a:b","linkName":"default","capabilities":"c:d,e:f","issuer":"A1",)"
            R"("issuedOn":null,"expiresAt":null,"expired":false},"target":{"publicKey":"M1",)"
            R"("issuer":"A2","contractId":"","linkName":""},)" +
                std::string(kHostJson));
}

TEST(PolicyMessage, ADecisionMayComeWithoutAMessage) {
  auto yes = parse_decision(R"({"permitted":true,"message":null,"requestId":"r"})");
  ASSERT_TRUE(yes);
  EXPECT_EQ(*yes, (PolicyDecision{true, ""}));
  EXPECT_EQ(*parse_decision(R"({"permitted":false,"message":"not today","requestId":"r"})"),
            (PolicyDecision{false, "not today"}));
  EXPECT_EQ(*parse_decision(R"({"permitted":false})"),
            (PolicyDecision{false, "reason not specified"}));
}

TEST(PolicyMessage, NonsenseIsNotADecision) {
  for (const char* body :
       {"", "yes", "[]", "{}", "null", R"({"permitted":"true"})", R"({"permitted":1})",
        R"({"permitted":true,"message":7})", R"({"message":"fine"})", "{\"permitted\":true"}) {
    const auto parsed = parse_decision(body);
    ASSERT_FALSE(parsed) << body;
    EXPECT_EQ(parsed.error().detail, "Policy response failed to decode");
  }
}

TEST(PolicyMessage, AMessageIsCutBetweenCharacters) {
  std::string euros;
  for (int i = 0; i < 1000; ++i) euros += "€";
  const auto decision = parse_decision(R"({"permitted":false,"message":")" + euros + R"("})");
  ASSERT_TRUE(decision);
  EXPECT_LE(decision->message.size(), 1'003U);
  EXPECT_TRUE(decision->message.starts_with("€€€"));
}

TEST(PolicyMessage, AChangeSpellsTheRequestInSnakeCase) {
  auto change = parse_change(R"({"request_id":"r","permitted":false,"message":"revoked"})");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->request_id, "r");
  EXPECT_EQ(change->decision, (PolicyDecision{false, "revoked"}));
  for (const char* body : {"", "[]", R"({"requestId":"r","permitted":true})",
                           R"({"request_id":"r"})", R"({"request_id":1,"permitted":true})"})
    EXPECT_FALSE(parse_change(body)) << body;
}

}  // namespace
}  // namespace trellis::host
