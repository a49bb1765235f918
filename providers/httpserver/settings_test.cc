// Goal: link values of 2022 mean what they meant, and wrong ones are refused with a sentence that
// names them.
#include "httpserver/settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "codec/base64.h"
#include "httpserver/unknown_settings.h"

namespace trellis::httpserver {
namespace {

using namespace std::chrono_literals;
using Values = std::map<std::string, std::string>;

class TempFile {
 public:
  TempFile(const std::string& name, const std::string& text)
      : path_(std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + name)) {
    std::ofstream(path_) << text;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string refusal(const Values& values) {
  auto settings = parse_settings(values);
  return settings ? "accepted" : settings.error().detail;
}

TEST(HttpSettings, DefaultsAreThoseOf2022) {
  auto settings = parse_settings({});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->address, "127.0.0.1:8000");
  EXPECT_FALSE(settings->timeout);
  EXPECT_EQ(settings->cors.max_age_secs, 300u);
}

TEST(HttpSettings, KeysAreCaseInsensitive) {
  EXPECT_EQ(parse_settings({{"ADDRESS", "0.0.0.0:8080"}})->address, "0.0.0.0:8080");
  EXPECT_EQ(parse_settings({{"Port", "8087"}})->address, "127.0.0.1:8087");
}

TEST(HttpSettings, TheSameKeyTwiceIsRefused) {
  EXPECT_NE(refusal({{"PORT", "1"}, {"port", "2"}}).find("given twice"), std::string::npos);
}

TEST(HttpSettings, LaterSourcesWin) {
  const std::string b64 = codec::base64_encode(
      as_bytes(R"({"address":"0.0.0.0:2","timeout_ms":7})"), codec::Base64::standard);
  const TempFile file(".json", R"({"address":"0.0.0.0:1","cors":{"max_age_secs":9}})");
  auto settings = parse_settings({{"config_file", file.path()}, {"config_b64", b64}});
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->address, "0.0.0.0:2");
  EXPECT_EQ(settings->timeout, 7ms);
  EXPECT_EQ(settings->cors.max_age_secs, 9u);
  settings = parse_settings({{"config_b64", b64}, {"config_json", R"({"address":"0.0.0.0:3"})"}});
  EXPECT_EQ(settings->address, "0.0.0.0:3");
  settings =
      parse_settings({{"config_json", R"({"address":"0.0.0.0:3"})"}, {"address", "0.0.0.0:4"}});
  EXPECT_EQ(settings->address, "0.0.0.0:4");
  settings = parse_settings({{"address", "0.0.0.0:4"}, {"port", "5"}});
  EXPECT_EQ(settings->address, "127.0.0.1:5");
}

TEST(HttpSettings, ReadsToml) {
  const TempFile file(".toml", "address = '0.0.0.0:6'\n[cors]\nallowed_origins = ['http://a']\n");
  auto settings = parse_settings({{"config_file", file.path()}});
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->address, "0.0.0.0:6");
  EXPECT_EQ(settings->cors.allowed_origins, std::vector<std::string>{"http://a"});
}

TEST(HttpSettings, TlsNeedsBothFiles) {
  EXPECT_NE(refusal({{"config_json", R"({"tls":{"cert_file":"a.pem"}})"}}).find("both"),
            std::string::npos);
  auto settings =
      parse_settings({{"config_json", R"({"tls":{"cert_file":"a.pem","priv_key_file":"b.pem"}})"}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->tls_private_key, "b.pem");
}

TEST(HttpSettings, RefusalsNameWhatIsWrong) {
  EXPECT_NE(refusal({{"address", "8080"}}).find("'8080' is not of the form ip:port"),
            std::string::npos);
  EXPECT_NE(refusal({{"address", "0.0.0.0:99999"}}).find("0.0.0.0:99999"), std::string::npos);
  EXPECT_NE(refusal({{"port", "80a"}}).find("80a"), std::string::npos);
  EXPECT_NE(refusal({{"port", ""}}).find("port"), std::string::npos);
  EXPECT_NE(refusal({{"config_json", "{"}}).find("config_json is not valid JSON"),
            std::string::npos);
  EXPECT_NE(refusal({{"config_json", "[]"}}).find("must be a JSON object"), std::string::npos);
  EXPECT_NE(refusal({{"config_b64", "%%"}}).find("config_b64"), std::string::npos);
  EXPECT_NE(refusal({{"config_file", "/nowhere/x.json"}}).find("/nowhere/x.json"),
            std::string::npos);
  EXPECT_NE(refusal({{"config_json", R"({"timeout_ms":0})"}}).find("timeout_ms"),
            std::string::npos);
  EXPECT_NE(
      refusal({{"config_json", R"({"cors":{"allowed_origins":"x"}})"}}).find("allowed_origins"),
      std::string::npos);
}

std::string unknown_of(const Values& values) {
  auto settings = parse_settings(values);
  return settings ? unknown_text(settings->unknown) : settings.error().detail;
}

TEST(HttpSettings, KnownOnesGiveNothingToSay) {
  const std::string whole =
      R"({"address":"0.0.0.0:1","tls":{"cert_file":"a","priv_key_file":"b"},"timeout_ms":5,
          "cors":{"allowed_origins":[],"allowed_headers":[],"allowed_methods":[],
                  "exposed_headers":[],"max_age_secs":1},"log":{"log_level":"info"}})";
  EXPECT_EQ(unknown_of({{"ADDRESS", "0.0.0.0:1"}, {"Port", "1"}, {"config_json", whole}}), "");
  const auto b64 = codec::base64_encode(as_bytes(whole), codec::Base64::standard);
  const TempFile file(".json", whole);
  EXPECT_EQ(unknown_of({{"config_b64", b64}, {"CONFIG_FILE", file.path()}}), "");
}

TEST(HttpSettings, UnknownOnesAreNamedWithWhatWasMeantAndTheRestHolds) {
  const Values values{{"ADRESS", "0.0.0.0:9"},
                      {"timeout_ms", "5"},
                      {"colour", "red"},
                      {"config_json", R"({"timeout":7,"Address":"x","cors":{"alowed_origins":[]},
                                          "allowed_methods":[],"port":5,"tls":null})"},
                      {"port", "8087"}};
  EXPECT_EQ(parse_settings(values)->address, "127.0.0.1:8087");
  const auto text = unknown_of(values);
  for (const char* part :
       {"'ADRESS' (did you mean 'address'?)",
        "'timeout_ms' (it belongs into the JSON of config_json, as 'timeout_ms')",
        "'timeout' in config_json (did you mean 'timeout_ms'?)",
        "'Address' in config_json (did you mean 'address'?)",
        "'cors.alowed_origins' in config_json (did you mean "
        "'cors.allowed_origins'?)",
        "'allowed_methods' in config_json (did you mean 'cors.allowed_methods'?)",
        "'port' in config_json (it is a value of the link"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_NE(text.find("'colour',"), std::string::npos) << text;
}

TEST(HttpSettings, ManyUnknownOnesAreCountedAndLongOnesCut) {
  Values values{{std::string(10'000, 'x'), ""}};
  for (char c = 'a'; c <= 'z'; ++c) values[std::string("zz") + c] = "";
  const auto text = unknown_of(values);
  EXPECT_NE(text.find("and 19 more"), std::string::npos) << text;
  EXPECT_LT(text.size(), 1000u);
}

}  // namespace
}  // namespace trellis::httpserver
