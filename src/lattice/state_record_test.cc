// Goal: what a lattice remembers has the subjects and bodies of docs/protocol.md §8.1, and what
// others write there is read as they mean it.
#include "lattice/state_record.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace trellis::lattice {
namespace {

const Subjects kLab{.prefix = "lab"};

Link redis_link() {
  return {"Mbob", "V1", "default", "wasmcloud:testy", {{"URL", "redis://127.0.0.1:6379"}}};
}
constexpr const char* kId = "B40411AD09B70A2C83D59923584F66BA2C5A3C274DC4F19416DA49CCD6531F9C";

Message said(const std::string& subject, std::string_view body) {
  return {subject, "", {}, to_bytes(body)};
}

void expect_message(const StateRecord& record, const std::string& subject, const char* body) {
  const auto message = to_message(record, kLab);
  EXPECT_EQ(message.subject, subject);
  EXPECT_EQ(boost::json::parse(std::string(as_text(message.data))), boost::json::parse(body));
  const auto back = from_message(message, kLab);
  ASSERT_TRUE(back) << back.error().describe();
  EXPECT_EQ(back->record, record);
}

TEST(StateRecord, IsWrittenAsHostsOf2022Do) {
  const std::string link_subject = std::string("lc.lab.linkdefs.") + kId;
  expect_message(
      redis_link(), link_subject,
      R"({"id":"B40411AD09B70A2C83D59923584F66BA2C5A3C274DC4F19416DA49CCD6531F9C","actor_id":"Mbob",
          "provider_id":"V1","link_name":"default","contract_id":"wasmcloud:testy",
          "values":{"URL":"redis://127.0.0.1:6379"},"deleted":false})");
  expect_message(
      DeletedLink{redis_link()}, link_subject,
      R"({"id":"B40411AD09B70A2C83D59923584F66BA2C5A3C274DC4F19416DA49CCD6531F9C","actor_id":"Mbob",
          "provider_id":"V1","link_name":"default","contract_id":"wasmcloud:testy",
          "values":{"URL":"redis://127.0.0.1:6379"},"deleted":true})");
  expect_message(Reference{"reg/echo:0.3.4", "ME"}, "lc.lab.refmap.cmVnL2VjaG86MC4zLjQ",
                 R"({"oci_url":"reg/echo:0.3.4","public_key":"ME"})");
  ClaimsRecord claims{.subject = "ME",
                      .issuer = "AI",
                      .name = "Echo",
                      .call_alias = "echo/one",
                      .version = "0.3.4",
                      .revision = "4",
                      .caps = {"wasmcloud:httpserver", "wasmcloud:keyvalue"},
                      .tags = {}};
  expect_message(claims, "lc.lab.claims.ME",
                 R"({"call_alias":"echo/one","caps":"wasmcloud:httpserver,wasmcloud:keyvalue",
                     "iss":"AI","name":"Echo","rev":"4","sub":"ME","tags":"","version":"0.3.4"})");
}

TEST(StateRecord, KeepsTheIdThatAnotherHostMadeUp) {
  const auto message = to_message(DeletedLink{redis_link()}, kLab, "4f0f1bd4-5b5c");
  EXPECT_EQ(message.subject, "lc.lab.linkdefs.4f0f1bd4-5b5c");
  EXPECT_NE(as_text(message.data).find(R"("id":"4f0f1bd4-5b5c")"), std::string_view::npos);
  const auto back = from_message(message, kLab);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->link_id, "4f0f1bd4-5b5c");
  EXPECT_EQ(key_of(back->record), std::string("LINKDEF_") + kId);
}

TEST(StateRecord, HasOneKeyForALinkAndItsDeletion) {
  EXPECT_EQ(key_of(redis_link()), std::string("LINKDEF_") + kId);
  EXPECT_EQ(key_of(DeletedLink{named_link("Mbob", "wasmcloud:testy", "default")}),
            std::string("LINKDEF_") + kId);
}

TEST(StateRecord, SurvivesTheJournal) {
  ClaimsRecord claims;
  claims.subject = "ME";
  claims.revision = "0";
  for (const StateRecord& record :
       {StateRecord(redis_link()), StateRecord(Reference{"reg/echo:0.3.4", "ME"}),
        StateRecord(claims)}) {
    const auto back = from_journal(to_journal(record));
    ASSERT_TRUE(back) << back.error().describe();
    EXPECT_EQ(*back, record);
  }
  EXPECT_EQ(to_journal(DeletedLink{redis_link()}).value, std::nullopt);
  EXPECT_FALSE(from_journal({"TOMORROW_x", "{}"}));
}

TEST(StateRecord, ReadsADeletionThatOnlyNamesItsLink) {
  const auto heard = from_message(
      said(
          "lc.lab.linkdefs.x",
          R"({"id":"x","actor_id":"M1","provider_id":"","link_name":"default","contract_id":"c","values":{},"deleted":true})"),
      kLab);
  ASSERT_TRUE(heard) << heard.error().describe();
  EXPECT_EQ(heard->record, StateRecord(DeletedLink{named_link("M1", "c", "default")}));
}

TEST(StateRecord, RefusesWhatIsNone) {
  for (const auto& [subject, body] : {std::pair("lc.lab.linkdefs.x", "{}"),
                                      {"lc.lab.linkdefs.x", "[]"},
                                      {"lc.lab.linkdefs.x", "not json"},
                                      {"lc.lab.linkdefs.x", R"({"deleted":"yes"})"},
                                      {"lc.lab.claims.x", "{}"},
                                      {"lc.lab.refmap.x", R"({"oci_url":"a"})"},
                                      {"lc.lab.other.x", "{}"},
                                      {"lc.another.claims.ME", R"({"sub":"ME"})"}})
    EXPECT_FALSE(from_message(said(subject, body), kLab)) << subject << " " << body;
}

}  // namespace
}  // namespace trellis::lattice
