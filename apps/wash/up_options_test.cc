// Which bus `wash up` tells the host to join.
#include "up_options.h"

#include <gtest/gtest.h>

namespace trellis::wash {
namespace {

using Environment = std::map<std::string, std::string>;

Environment environment_of(std::vector<std::string> words) {
  ::unsetenv("TRELLIS_BUS");
  CLI::App app;
  UpOptions options(app);
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  app.parse(words);
  return options.environment();
}

std::string refusal_of(std::vector<std::string> words) {
  try {
    (void)environment_of(std::move(words));
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return "taken";
}

Environment remote(const std::string& url) {
  return environment_of({"--nats-remote-url", url, "--nats-credsfile", "x.creds"});
}

TEST(UpOptions, ByItselfAHostHasItsOwnBus) {
  EXPECT_EQ(environment_of({}).at("TRELLIS_BUS"), "embedded");
  EXPECT_EQ(environment_of({"--rpc-host", "127.0.0.1"}).at("TRELLIS_BUS"), "embedded");
  EXPECT_EQ(environment_of({"--rpc-host", "nats.example.com"}).at("TRELLIS_BUS"), "nats");
  EXPECT_EQ(environment_of({"--nats-connect-only"}).at("TRELLIS_BUS"), "nats");
}

TEST(UpOptions, ARemoteNatsIsForAllConnections) {
  const auto environment = remote("tls://nats.example.com:4333");
  for (const std::string connection : {"WASMCLOUD_RPC_", "WASMCLOUD_CTL_", "WASMCLOUD_PROV_RPC_"}) {
    EXPECT_EQ(environment.at(connection + "HOST"), "nats.example.com");
    EXPECT_EQ(environment.at(connection + "PORT"), "4333");
    EXPECT_EQ(environment.at(connection + "TLS"), "1");
    EXPECT_EQ(environment.at(connection + "CREDSFILE"), "x.creds");
  }
  EXPECT_EQ(environment.at("TRELLIS_BUS"), "nats");
  EXPECT_FALSE(remote("nats.example.com").contains("WASMCLOUD_RPC_TLS"));
  EXPECT_EQ(remote("nats.example.com").at("WASMCLOUD_RPC_PORT"), "4222");
  EXPECT_EQ(remote("nats://[::1]").at("WASMCLOUD_RPC_HOST"), "::1");
  EXPECT_EQ(remote("nats://[::1]:4000").at("WASMCLOUD_RPC_PORT"), "4000");
}

TEST(UpOptions, ARemoteNatsThatIsNoAddressIsRefused) {
  const auto refusal = [](const std::string& url) {
    return refusal_of({"--nats-remote-url", url, "--nats-credsfile", "x"});
  };
  EXPECT_NE(refusal("nats://me:secret@nats.example.com").find("--nats-credsfile"),
            std::string::npos);
  EXPECT_NE(refusal("nats://host:port").find("is no address of a NATS server"), std::string::npos);
  EXPECT_NE(refusal_of({"--nats-remote-url", "nats.example.com"}), "taken")
      << "the credentials are missing";
}

}  // namespace
}  // namespace trellis::wash
