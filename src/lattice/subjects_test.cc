// Goal: every subject is the one of docs/protocol.md §3.1 and §6.1, and what cannot be one is
// refused.
#include "lattice/subjects.h"

#include <gtest/gtest.h>

namespace trellis::lattice {
namespace {

TEST(Subjects, AreThoseOfTheProtocol) {
  const Subjects subjects{.prefix = "lab"};
  EXPECT_EQ(subjects.actor("MA"), "wasmbus.rpc.lab.MA");
  EXPECT_EQ(subjects.provider("VA", "default"), "wasmbus.rpc.lab.VA.default");
  EXPECT_EQ(subjects.provider_link_put("VA", "default"), "wasmbus.rpc.lab.VA.default.linkdefs.put");
  EXPECT_EQ(subjects.provider_link_del("VA", "default"), "wasmbus.rpc.lab.VA.default.linkdefs.del");
  EXPECT_EQ(subjects.provider_health("VA", "default"), "wasmbus.rpc.lab.VA.default.health");
  EXPECT_EQ(subjects.provider_shutdown("VA", "default"), "wasmbus.rpc.lab.VA.default.shutdown");
  EXPECT_EQ(subjects.events(), "wasmbus.evt.lab");
  EXPECT_EQ(subjects.invocation_events(), "wasmbus.rpcevt.lab");
  EXPECT_EQ(subjects.ctl("ping.hosts"), "wasmbus.ctl.lab.ping.hosts");
  EXPECT_EQ(subjects.ctl_queue(), "wasmbus.ctl.lab");
  EXPECT_EQ(subjects.command("NA", "la"), "wasmbus.ctl.lab.cmd.NA.la");
  EXPECT_EQ(subjects.inventory("NA"), "wasmbus.ctl.lab.get.NA.inv");
  EXPECT_EQ(subjects.config_request(), "wasmbus.cfg.lab.req");
}

TEST(Subjects, FollowACustomControlPrefix) {
  const Subjects subjects{.prefix = "default", .control = "my.ctl"};
  EXPECT_EQ(subjects.command("NA", "stop"), "my.ctl.default.cmd.NA.stop");
  EXPECT_EQ(subjects.ctl_queue(), "my.ctl.default");
}

TEST(Subjects, OfAnInvocationIsTakenApart) {
  const auto actor = parse_rpc_subject("wasmbus.rpc.lab.MA");
  ASSERT_TRUE(actor);
  EXPECT_EQ(actor->lattice, "lab");
  EXPECT_EQ(actor->key, "MA");
  EXPECT_EQ(actor->link, "");
  const auto provider = parse_rpc_subject("wasmbus.rpc.lab.VA.blue");
  ASSERT_TRUE(provider);
  EXPECT_EQ(provider->key, "VA");
  EXPECT_EQ(provider->link, "blue");
}

TEST(Subjects, OfSomethingElseIsNotAnInvocations) {
  for (const auto* subject :
       {"", "wasmbus.rpc.", "wasmbus.rpc.lab", "wasmbus.evt.lab.MA", "wasmbus.rpc..MA",
        "wasmbus.rpc.lab.VA.blue.health", "wasmbus.rpc.lab.*"}) {
    EXPECT_FALSE(parse_rpc_subject(subject)) << subject;
  }
}

TEST(Token, RefusesWhatWouldSplitOrWiden) {
  EXPECT_TRUE(valid_token("default"));
  EXPECT_TRUE(valid_token("VAG3-x_é"));
  using namespace std::string_view_literals;
  for (const auto token :
       {""sv, "a.b"sv, "*"sv, ">"sv, "a b"sv, "a\tb"sv, "a\r"sv, "a\0b"sv, "a*"sv})
    EXPECT_FALSE(valid_token(token)) << token;
}

TEST(LatticePrefix, MayBeWhatStreamsAndSubjectsCanBeNamed) {
  for (const auto* prefix : {"default", "b7a1e6f0-6b0b-4c8e-8d7e-4f0f1bd4a9ce", "team_1"})
    EXPECT_TRUE(check_lattice_prefix(prefix)) << prefix;
  for (const auto* prefix : {"", "a b", "a*", ">", "a/b", "a\\b", "a\n"})
    EXPECT_FALSE(check_lattice_prefix(prefix)) << prefix;
  const auto dotted = check_lattice_prefix("acme.prod");
  ASSERT_FALSE(dotted);
  EXPECT_EQ(dotted.error().code, Errc::invalid);
  EXPECT_EQ(dotted.error().detail,
            "the lattice prefix \"acme.prod\" has a dot in it, which subjects and streams of NATS "
            "cannot have in a name; use \"-\" or \"_\" instead");
}

TEST(Subject, MustBeLiteralToPublish) {
  EXPECT_TRUE(valid_subject("a"));
  EXPECT_TRUE(valid_subject("a.b.c"));
  for (const auto* subject : {"", ".", "a.", ".a", "a..b", "a.*", "a.>", "a b"})
    EXPECT_FALSE(valid_subject(subject)) << subject;
  EXPECT_TRUE(valid_subject(std::string(512, 'a')));
  EXPECT_FALSE(valid_subject(std::string(513, 'a')));
}

TEST(Pattern, MayHaveWildcardsAsWholeTokens) {
  for (const auto* pattern : {"a", "*", ">", "a.*.c", "a.>", "*.*", "*.>"})
    EXPECT_TRUE(valid_pattern(pattern)) << pattern;
  for (const auto* pattern : {"", "a.>.b", "a*", "a.b>", "a..>", ">."})
    EXPECT_FALSE(valid_pattern(pattern)) << pattern;
}

}  // namespace
}  // namespace trellis::lattice
