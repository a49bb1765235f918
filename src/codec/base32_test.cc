#include "codec/base32.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace trellis::codec {
namespace {

// RFC 4648 §10, without the padding
TEST(Base32, WritesTheVectorsOfTheRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "MY"},
                                                         {"fo", "MZXQ"},
                                                         {"foo", "MZXW6"},
                                                         {"foob", "MZXW6YQ"},
                                                         {"fooba", "MZXW6YTB"},
                                                         {"foobar", "MZXW6YTBOI"}};
  for (const auto& [text, encoded] : vectors) {
    EXPECT_EQ(base32_encode(as_bytes(text)), encoded);
    EXPECT_EQ(base32_decode(encoded).value(), to_bytes(text));
  }
}

TEST(Base32, RefusesWhatIsNotExact) {
  for (const char* bad : {"my", "M", "MZX", "MZXW6Y", "MZ", "MY======", "M1", "M8", "MZXW 6"}) {
    EXPECT_FALSE(base32_decode(bad)) << bad;
  }
}

RC_GTEST_PROP(Base32, ComesBack, (const Bytes& bytes)) {
  RC_ASSERT(base32_decode(base32_encode(bytes)).value() == bytes);
}

}  // namespace
}  // namespace trellis::codec
