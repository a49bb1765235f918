#include "host/peers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace trellis::host {
namespace {

lattice::Message event(const char* type, const char* source, const std::string& data) {
  return {"wasmbus.evt.default",
          "",
          {},
          to_bytes(fmt::format(
              R"({{"specversion":"1.0","id":"1","source":"{}","type":"com.wasmcloud.lattice.{}",
                  "time":"2022-11-28T12:00:00Z","datacontenttype":"application/json","data":{}}})",
              source, type, data))};
}

lattice::Message beat(const char* source, const char* seal) {
  return event("host_heartbeat", source, fmt::format(R"({{"trellis_seal":"{}"}})", seal));
}

TEST(Peers, KnowTheSealAsLongAsNobodySaysOtherwise) {
  Peers peers("NSELF", "sealed-1");
  EXPECT_TRUE(peers.all_know_the_seal());
  peers.take(beat("NA", "sealed-1"));
  EXPECT_TRUE(peers.all_know_the_seal());
  peers.take(beat("NB", "sealed-2"));
  EXPECT_FALSE(peers.all_know_the_seal());
  peers.take(beat("NB", "sealed-1"));
  EXPECT_TRUE(peers.all_know_the_seal());
  EXPECT_EQ(peers.size(), 2u);
}

TEST(Peers, OfAnotherKindCountUntilTheyStop) {
  Peers peers("NSELF", "sealed-1");
  peers.take(event("host_heartbeat", "N2022", R"({"version":"0.59.0"})"));
  EXPECT_FALSE(peers.all_know_the_seal());
  peers.take(event("host_stopped", "N2022", "{}"));
  EXPECT_TRUE(peers.all_know_the_seal());
  EXPECT_EQ(peers.size(), 0u);
}

TEST(Peers, SayWhereAProviderRuns) {
  Peers peers("NSELF", "sealed-1");
  const char* one = R"({"public_key":"V1","link_name":"default","contract_id":"a:b"})";
  peers.take(event("provider_started", "NA", one));
  EXPECT_EQ(peers.host_of_provider("V1", "default"), "") << "of a host nobody has heard of";
  peers.take(event("host_heartbeat", "NA",
                   fmt::format(R"({{"trellis_seal":"sealed-1","providers":[{}]}})", one)));
  EXPECT_EQ(peers.host_of_provider("V1", "default"), "NA");
  EXPECT_EQ(peers.host_of_provider("V1", "other"), "");
  peers.take(event("provider_stopped", "NA", one));
  EXPECT_EQ(peers.host_of_provider("V1", "default"), "");
  peers.take(event("provider_started", "NA", one));
  EXPECT_EQ(peers.host_of_provider("V1", "default"), "NA");
  peers.take(event("host_heartbeat", "NA",
                   R"({"trellis_seal":"sealed-1","providers":[{"link_name":7},3]})"));
  EXPECT_EQ(peers.host_of_provider("V1", "default"), "") << "a heartbeat names them all";
  EXPECT_TRUE(peers.all_know_the_seal());
}

TEST(Peers, AreNotThisHostNorWhatIsNoHeartbeat) {
  Peers peers("NSELF", "sealed-1");
  peers.take(event("host_heartbeat", "NSELF", "{}"));
  peers.take(event("actor_started", "NA", "{}"));
  peers.take(event("host_started", "NA", "{}"));
  peers.take({"wasmbus.evt.default", "", {}, to_bytes("com.wasmcloud.lattice.host_ no event")});
  EXPECT_EQ(peers.size(), 0u);
  EXPECT_TRUE(peers.all_know_the_seal());
}

}  // namespace
}  // namespace trellis::host
