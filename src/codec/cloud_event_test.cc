#include "codec/cloud_event.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace trellis::codec {
namespace {

const CloudEvent kEvent{"4f0f1bd4-5b5c-4b3a-9a5e-2f5f3a1c0d11",
                        "NABC",
                        "com.wasmcloud.lattice.host_started",
                        "2022-11-28T12:00:00.123456Z",
                        {{"friendly_name", "x"}}};

// docs/protocol.md §7
TEST(CloudEvent, IsWrittenInStructuredForm) {
  EXPECT_EQ(write(kEvent),
            R"({"specversion":"1.0","id":"4f0f1bd4-5b5c-4b3a-9a5e-2f5f3a1c0d11","source":"NABC",)"
            R"("type":"com.wasmcloud.lattice.host_started","time":"2022-11-28T12:00:00.123456Z",)"
            R"("datacontenttype":"application/json","data":{"friendly_name":"x"}})");
}

TEST(CloudEvent, ComesBack) {
  const CloudEvent event = parse_cloud_event(write(kEvent)).value();
  EXPECT_EQ(event.id, kEvent.id);
  EXPECT_EQ(event.source, kEvent.source);
  EXPECT_EQ(event.type, kEvent.type);
  EXPECT_EQ(event.time, kEvent.time);
  EXPECT_EQ(event.data, kEvent.data);
}

TEST(CloudEvent, RefusesWhatIsNone) {
  for (const char* bad : {"", "[]", "{}", R"({"specversion":"1.0","id":"1","source":"s"})",
                          R"({"specversion":"0.3","id":"1","source":"s","type":"t"})",
                          R"({"specversion":"1.0","id":"1","source":"s","type":"t","data":3})",
                          R"({"specversion":"1.0","id":1,"source":"s","type":"t"})"}) {
    EXPECT_FALSE(parse_cloud_event(bad)) << bad;
  }
}

TEST(Uuid4, HasItsFormAndIsNew) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string id = uuid4();
    EXPECT_TRUE(std::regex_match(id, form)) << id;
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(Rfc3339, PadsEveryFieldAndKeepsMicroseconds) {
  using namespace std::chrono;
  EXPECT_EQ(rfc3339(system_clock::time_point(seconds(1669593600) + microseconds(7))),
            "2022-11-28T00:00:00.000007Z");
  EXPECT_EQ(rfc3339(system_clock::time_point(microseconds(-1))), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace trellis::codec
