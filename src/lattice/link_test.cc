// Goal: a link keeps its id and its two wire forms as docs/protocol.md §3.8, §6.5 and §8.2 have
// them.
#include "lattice/link.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "codec/msgpack.h"

namespace trellis::lattice {
namespace {

Link redis_link() {
  return {"M1", "V1", "default", "wasmcloud:keyvalue", {{"URL", "redis://127.0.0.1:6379"}}};
}

TEST(Link, HasTheIdOf060) {
  const Link link{"Mbob", "Vany", "default", "wasmcloud:testy", {}};
  EXPECT_EQ(link.id(), "B40411AD09B70A2C83D59923584F66BA2C5A3C274DC4F19416DA49CCD6531F9C");
}

TEST(Link, KeepsItsIdWhenValuesOrProviderChange) {
  auto link = redis_link();
  const auto id = link.id();
  link.values["URL"] = "redis://other";
  link.provider_id = "V2";
  EXPECT_EQ(link.id(), id);
  link.link_name = "blue";
  EXPECT_NE(link.id(), id);
}

TEST(Link, ReadsWhatARustPeerWrites) {
  // The vector of §3.8.
  const auto bytes =
      to_bytes(std::string_view("\x85\xa8"
                                "actor_id\xa2"
                                "M1\xab"
                                "provider_id\xa2"
                                "V1\xa9"
                                "link_name\xa7"
                                "default\xab"
                                "contract_id\xb2"
                                "wasmcloud:keyvalue\xa6"
                                "values\x81\xa3"
                                "URL\xb6"
                                "redis://127.0.0.1:6379"));
  const auto link = link_from_msgpack(bytes);
  ASSERT_TRUE(link) << link.error().describe();
  EXPECT_EQ(*link, redis_link());
}

TEST(Link, SurvivesMsgpackWithAndWithoutDeleted) {
  for (const bool deleted_field : {true, false}) {
    const auto bytes = to_msgpack(redis_link(), deleted_field);
    codec::MsgpackReader reader(bytes);
    EXPECT_EQ(*reader.map(), deleted_field ? 7u : 6u);
    EXPECT_EQ(as_text(bytes).find("deleted") != std::string_view::npos, deleted_field);
    const auto back = link_from_msgpack(bytes);
    ASSERT_TRUE(back) << back.error().describe();
    EXPECT_EQ(*back, redis_link());
  }
}

TEST(Link, RefusesMsgpackThatIsCutOrIncomplete) {
  const auto bytes = to_msgpack(redis_link(), false);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(link_from_msgpack(BytesView(bytes).first(size))) << size;
  Bytes empty_map{0x80};
  EXPECT_FALSE(link_from_msgpack(empty_map));
}

TEST(Link, SurvivesJson) {
  const auto object = to_json(redis_link());
  EXPECT_EQ(object.size(), 5u);
  const auto back = link_from_json(object, "test");
  ASSERT_TRUE(back) << back.error().describe();
  EXPECT_EQ(*back, redis_link());
}

TEST(Link, ValuesMayBeMissingButNotOfAnotherType) {
  auto object = to_json(redis_link());
  object.erase("values");
  EXPECT_TRUE(link_from_json(object, "test"));
  object["values"] = nullptr;
  EXPECT_TRUE(link_from_json(object, "test"));
  object["values"] = {{"PORT", 8080}};
  const auto refused = link_from_json(object, "test");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("PORT"), std::string::npos);
}

TEST(Link, NamesTheMissingField) {
  for (const auto* field : {"actor_id", "provider_id", "link_name", "contract_id"}) {
    auto object = to_json(redis_link());
    object.erase(field);
    const auto refused = link_from_json(object, "test");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find(field), std::string::npos);
  }
}

TEST(Link, IsRemovedByWhatClientsSend) {
  // docs/protocol.md §12: provider_id is empty and values too.
  const auto body = boost::json::parse(
      R"({"actor_id":"M1","provider_id":"","link_name":"default","contract_id":"c","values":{}})");
  const auto key = link_key_from_json(body.get_object(), "test");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->contract_id, "c");
  EXPECT_EQ(key->provider_id, "");
}

}  // namespace
}  // namespace trellis::lattice
