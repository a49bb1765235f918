// Goal: providers of 2022 find every member they insist on, under the name they look for; what
// other hosts leave out does not stop ours.
#include "capability/host_data.h"

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::capability {
namespace {

HostData sample() {
  HostData data;
  data.host_id = "NHOST";
  data.lattice = "default";
  data.link_name = "main";
  data.provider_key = "VPROVIDER";
  data.instance_id = "c1e2";
  data.bus_url = "127.0.0.1:4222";
  data.links = {{.actor_id = "M1",
                 .provider_id = "VPROVIDER",
                 .link_name = "main",
                 .contract_id = "wasmcloud:keyvalue",
                 .values = {{"URL", "redis://127.0.0.1"}}}};
  data.config_json = R"({"a":1})";
  data.rpc_timeout = std::chrono::milliseconds(2000);
  data.cluster_issuers = {"C1", "C2"};
  data.invocation_seed = "SCSEED";
  return data;
}

codec::json::object json_of(const std::string& line) {
  EXPECT_TRUE(line.ends_with('\n'));
  const auto bytes = codec::base64_decode(line.substr(0, line.size() - 1), codec::Base64::standard);
  return codec::json_parse(as_text(bytes.value())).value().as_object();
}

std::string line_of(const std::string& json) {
  return codec::base64_encode(as_bytes(json), codec::Base64::standard);
}

TEST(HostData, HasWhatProvidersOf2022InsistOn) {
  const auto json = json_of(to_line(sample()));
  EXPECT_EQ(codec::json_write(json),
            R"~({"host_id":"NHOST","lattice_rpc_prefix":"default","link_name":"main",)~"
            R"~("lattice_rpc_user_jwt":"","lattice_rpc_user_seed":"",)~"
            R"~("lattice_rpc_url":"127.0.0.1:4222","lattice_rpc_tls":0,"env_values":{},)~"
            R"~("instance_id":"c1e2","provider_key":"VPROVIDER","link_definitions":[)~"
            R"~({"actor_id":"M1","provider_id":"VPROVIDER","link_name":"main",)~"
            R"~("contract_id":"wasmcloud:keyvalue","values":{"URL":"redis://127.0.0.1"}}],)~"
            R"~("config_json":"{\"a\":1}","default_rpc_timeout_ms":2000,)~"
            R"~("cluster_issuers":["C1","C2"],"invocation_seed":"SCSEED","js_domain":null,)~"
            R"~("structured_logging":false,"enable_structured_logging":false})~");
}

TEST(HostData, IsReadAsItWasWritten) {
  auto data = sample();
  data.structured_logging = true;
  data.js_domain = "leaf";
  data.env_values = {{"A", "b"}};
  data.tls = true;
  const auto read = parse_host_data(to_line(data));
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(to_line(*read), to_line(data));
  EXPECT_EQ(read->links, data.links);
  EXPECT_EQ(read->rpc_timeout, data.rpc_timeout);
}

TEST(HostData, MayLackOrNullWhatIsNotNeeded) {
  const auto read = parse_host_data(line_of(
      R"({"lattice_rpc_prefix":"p","link_name":"l","provider_key":"V","invocation_seed":"S",
          "config_json":null,"lattice_rpc_user_jwt":null,"link_definitions":null})"));
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->lattice, "p");
  EXPECT_TRUE(read->links.empty());
}

TEST(HostData, ThatIsNoneIsRefusedWithoutRepeatingIt) {
  const std::string secret = "SCSECRET";
  for (const std::string& line :
       {std::string(), std::string("\n"), std::string("%%%") + secret, line_of(secret),
        line_of("[]"), line_of(R"({"invocation_seed":"SCSECRET"})"),
        line_of(R"({"lattice_rpc_prefix":1,"invocation_seed":"SCSECRET"})"),
        line_of(R"({"lattice_rpc_prefix":"p","link_name":"l","provider_key":"V",)"
                R"("invocation_seed":"SCSECRET","link_definitions":[{"actor_id":"M"}]})")}) {
    const auto read = parse_host_data(line);
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error().detail.find(secret), std::string::npos) << read.error().detail;
  }
}

}  // namespace
}  // namespace trellis::capability
