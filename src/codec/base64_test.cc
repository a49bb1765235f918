#include "codec/base64.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace trellis::codec {
namespace {

// RFC 4648 §10
TEST(Base64, WritesTheVectorsOfTheRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [text, encoded] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(text), Base64::standard), encoded);
    EXPECT_EQ(base64_decode(encoded, Base64::standard).value(), to_bytes(text));
  }
}

TEST(Base64, HasThreeForms) {
  const Bytes bytes{0xfb, 0xff, 0xfe, 0xff};
  EXPECT_EQ(base64_encode(bytes, Base64::standard), "+//+/w==");
  EXPECT_EQ(base64_encode(bytes, Base64::url), "-__-_w");
  EXPECT_EQ(base64_encode(bytes, Base64::url_padded), "-__-_w==");
}

TEST(Base64, PaddingIsOptionalOnlyInTheStandardForm) {
  EXPECT_TRUE(base64_decode("Zg", Base64::standard));
  EXPECT_FALSE(base64_decode("Zg", Base64::url_padded));
  EXPECT_FALSE(base64_decode("Zg==", Base64::url));
}

TEST(Base64, RefusesWhatIsNotExact) {
  for (const char* bad : {"Z", "Zg=", "Z===", "=", "Zh==", "Zm9=", "Zm 9", "Zm9v\n",
                          "Zg==Zg==", "-_", "Zm9\xc3", "===="}) {
    EXPECT_FALSE(base64_decode(bad, Base64::standard)) << bad;
  }
  EXPECT_FALSE(base64_decode("+/", Base64::url));
}

RC_GTEST_PROP(Base64, ComesBackInEveryForm, (const Bytes& bytes)) {
  for (const Base64 form : {Base64::standard, Base64::url, Base64::url_padded}) {
    RC_ASSERT(base64_decode(base64_encode(bytes, form), form).value() == bytes);
  }
}

// One text for one value: what decodes is what encoding writes.
RC_GTEST_PROP(Base64, HasOneTextForOneValue, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("AQgwZ4-_=\n")));
  const auto decoded = base64_decode(text, Base64::url);
  if (decoded) RC_ASSERT(base64_encode(*decoded, Base64::url) == text);
}

}  // namespace
}  // namespace trellis::codec
