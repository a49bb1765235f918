#include "claims_arguments.h"

#include <gtest/gtest.h>

namespace trellis::wash {
namespace {

constexpr std::uint64_t kNow = 1'000'000;

ActorArguments parsed(std::vector<std::string> words) {
  CLI::App app;
  ActorArguments arguments;
  add_actor_options(app, arguments);
  words.insert(words.begin(), {"--name", "Echo"});
  std::reverse(words.begin(), words.end());  // as CLI11 wants a vector
  app.parse(words);
  return arguments;
}

TEST(ActorArguments, EachFlagIsItsContract) {
  const std::pair<const char*, const char*> flags[] = {{"-k", "wasmcloud:keyvalue"},
                                                       {"--keyvalue", "wasmcloud:keyvalue"},
                                                       {"-g", "wasmcloud:messaging"},
                                                       {"--msg", "wasmcloud:messaging"},
                                                       {"-q", "wasmcloud:httpserver"},
                                                       {"--http_server", "wasmcloud:httpserver"},
                                                       {"--http_client", "wasmcloud:httpclient"},
                                                       {"-f", "wasmcloud:blobstore"},
                                                       {"--blob_store", "wasmcloud:blobstore"},
                                                       {"-z", "wasmcloud:builtin:numbergen"},
                                                       {"-l", "wasmcloud:builtin:logging"},
                                                       {"-e", "wasmcloud:eventstreams"}};
  for (const auto& [flag, contract] : flags)
    EXPECT_EQ(capabilities_of(parsed({flag})), std::vector<std::string>{contract}) << flag;
}

// Scripts compare `claims sign`'s list as text.
TEST(ActorArguments, ContractsStandInTheOrderOf2022) {
  EXPECT_EQ(
      capabilities_of(
          parsed({"-c", "acme:x", "-e", "-l", "-f", "-q", "--http_client", "-g", "-k"})),
      (std::vector<std::string>{"wasmcloud:keyvalue", "wasmcloud:messaging", "wasmcloud:httpclient",
                                "wasmcloud:httpserver", "wasmcloud:blobstore",
                                "wasmcloud:builtin:logging", "wasmcloud:eventstreams", "acme:x"}));
}

TEST(ActorArguments, RepeatedContractsAndTagsAreTakenOneByOne) {
  const ActorArguments arguments =
      parsed({"-k", "-c", "acme:x", "--cap", "wasmcloud:keyvalue", "-t", "a", "-t", "b"});
  EXPECT_EQ(capabilities_of(arguments), (std::vector<std::string>{"wasmcloud:keyvalue", "acme:x"}));
  EXPECT_EQ(arguments.tags, (std::vector<std::string>{"a", "b"}));
}

// 2022 swapped the two for `token actor`.
TEST(ActorArguments, ExpiresAndNotBeforeAreWhatTheySay) {
  const auto claims = actor_claims_of(parsed({"-x", "2", "-b", "1"}), kNow).value();
  EXPECT_EQ(claims.validity.expires, kNow + 2 * 86400);
  EXPECT_EQ(claims.validity.not_before, kNow + 86400);
}

TEST(ActorArguments, RefuseTimesThatMakeNoSense) {
  EXPECT_FALSE(actor_claims_of(parsed({"-x", "1", "-b", "2"}), kNow));
  EXPECT_FALSE(actor_claims_of(parsed({"-x", "18446744073709551615"}), kNow));
  EXPECT_FALSE(actor_claims_of(parsed({"-x", "-1"}), kNow));
}

TEST(ActorArguments, BecomeClaims) {
  const auto claims =
      actor_claims_of(parsed({"-q", "-r", "4", "-v", "0.3.4", "-a", "My Alias-X/y", "-t", "t"}),
                      kNow)
          .value();
  EXPECT_EQ(claims.name, "Echo");
  EXPECT_EQ(claims.issued_at, kNow);
  EXPECT_EQ(claims.rev, 4);
  EXPECT_EQ(claims.ver, "0.3.4");
  EXPECT_EQ(claims.call_alias, "my_alias_x/y");
  EXPECT_EQ(claims.tags, std::vector<std::string>{"t"});
  EXPECT_FALSE(claims.provider);
}

TEST(ActorArguments, RefuseInTheWordsOf2022) {
  EXPECT_EQ(actor_claims_of(parsed({"-p", "-q", "-k"}), kNow).error().detail,
            "Capability providers cannot provide multiple capabilities at once.");
  EXPECT_EQ(actor_claims_of(parsed({"-a", ""}), kNow).error().detail, "Call alias cannot be empty");
}

}  // namespace
}  // namespace trellis::wash
