// The msgpack of wasmbus: golden vectors of docs/protocol.md §2, tolerance of the reader, and
// refusal of everything that is cut short or lies about its length.
#include "codec/msgpack.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <limits>

#include "codec/hex_test_input.h"
#include "codec/msgpack_oracle.h"

namespace trellis::codec {
namespace {

Bytes written(const std::function<void(MsgpackWriter&)>& write) {
  Bytes out;
  MsgpackWriter writer(out);
  write(writer);
  return out;
}

struct Golden {
  const char* name;
  const char* hex;
  std::function<void(MsgpackWriter&)> write;
};

// docs/protocol.md §2.3–2.11
const Golden kGolden[] = {
    {"HttpRequest",
     "85 a66d6574686f64 a3474554 a470617468 a22f61 ab7175657279537472696e67 a3783d31"
     "a6686561646572 81 a4686f7374 91 a96c6f63616c686f7374 a4626f6479 c4020102",
     [](MsgpackWriter& w) {
       w.map(5);
       w.str("method"), w.str("GET"), w.str("path"), w.str("/a");
       w.str("queryString"), w.str("x=1");
       w.str("header"), w.map(1), w.str("host"), w.array(1), w.str("localhost");
       w.str("body"), w.bin(Bytes{1, 2});
     }},
    {"HttpResponse", "83 aa737461747573436f6465 ccc8 a6686561646572 80 a4626f6479 c4026869",
     [](MsgpackWriter& w) {
       w.map(3);
       w.str("statusCode"), w.uint(200), w.str("header"), w.map(0);
       w.str("body"), w.bin(as_bytes("hi"));
     }},
    {"HttpClientRequest",
     "84 a66d6574686f64a3474554 a375726ca9687474703a2f2f782f a76865616465727380 a4626f6479c400",
     [](MsgpackWriter& w) {
       w.map(4);
       w.str("method"), w.str("GET"), w.str("url"), w.str("http://x/");
       w.str("headers"), w.map(0), w.str("body"), w.bin({});
     }},
    {"PubMessage", "82 a77375626a656374 a3612e62 a4626f6479 c40178",
     [](MsgpackWriter& w) {
       w.map(2);
       w.str("subject"), w.str("a.b"), w.str("body"), w.bin(as_bytes("x"));
     }},
    {"PubMessageWithReply", "83 a77375626a656374a3612e62 a77265706c79546f a25f52 a4626f6479c40178",
     [](MsgpackWriter& w) {
       w.map(3);
       w.str("subject"), w.str("a.b"), w.str("replyTo"), w.str("_R");
       w.str("body"), w.bin(as_bytes("x"));
     }},
    {"KeyValueGet", "a26b31", [](MsgpackWriter& w) { w.str("k1"); }},
    {"GetResponse", "82 a576616c7565 a176 a6657869737473 c3",
     [](MsgpackWriter& w) {
       w.map(2);
       w.str("value"), w.str("v"), w.str("exists"), w.boolean(true);
     }},
    {"SetRequest", "83 a36b6579 a16b a576616c7565 a176 a765787069726573 00",
     [](MsgpackWriter& w) {
       w.map(3);
       w.str("key"), w.str("k"), w.str("value"), w.str("v"), w.str("expires"), w.uint(0);
     }},
    {"IncrementRequest", "82 a36b6579a16b a576616c7565 ff",
     [](MsgpackWriter& w) {
       w.map(2);
       w.str("key"), w.str("k"), w.str("value"), w.sint(-1);
     }},
    {"SmallNegative", "fb", [](MsgpackWriter& w) { w.sint(-5); }},
    {"ListRangeRequest", "83 a86c6973744e616d65 a16c a57374617274 00 a473746f70 ff",
     [](MsgpackWriter& w) {
       w.map(3);
       w.str("listName"), w.str("l"), w.str("start"), w.sint(0), w.str("stop"), w.sint(-1);
     }},
    {"SqlStatement", "82 aa706172616d6574657273 91 92 01 ccc8 a373716c a873656c6563742031",
     [](MsgpackWriter& w) {
       w.map(2);
       w.str("parameters"), w.array(1), w.array(2), w.uint(1), w.uint(200);
       w.str("sql"), w.str("select 1");
     }},
    {"SqlExecuteResult", "81 ac726f77734166666563746564 01",
     [](MsgpackWriter& w) { w.map(1), w.str("rowsAffected"), w.uint(1); }},
    {"LogEntry", "82 a56c6576656c a4696e666f a474657874 a568656c6c6f",
     [](MsgpackWriter& w) {
       w.map(2);
       w.str("level"), w.str("info"), w.str("text"), w.str("hello");
     }},
    {"RangeLimit", "82 a36d696e 00 a36d6178 ceffffffff",
     [](MsgpackWriter& w) {
       w.map(2);
       w.str("min"), w.uint(0), w.str("max"), w.uint(UINT32_MAX);
     }},
    {"HealthCheckRequest", "80", [](MsgpackWriter& w) { w.map(0); }},
    {"HealthCheckResponse", "81 a76865616c746879 c3",
     [](MsgpackWriter& w) { w.map(1), w.str("healthy"), w.boolean(true); }},
    {"Uint200", "ccc8", [](MsgpackWriter& w) { w.uint(200); }},
    {"Uint300", "cd012c", [](MsgpackWriter& w) { w.sint(300); }},
    {"Uint70000", "ce00011170", [](MsgpackWriter& w) { w.uint(70000); }},
};

class GoldenVector : public testing::TestWithParam<Golden> {};

TEST_P(GoldenVector, IsWrittenByteForByteAndSkippedWhole) {
  const Bytes expected = from_hex(GetParam().hex);
  EXPECT_EQ(written(GetParam().write), expected);
  MsgpackReader reader(expected);
  ASSERT_TRUE(reader.skip());
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(oracle::disagreement(expected), "");
}

TEST_P(GoldenVector, IsRefusedWhenCutShortAnywhere) {
  const Bytes whole = from_hex(GetParam().hex);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    MsgpackReader reader(BytesView(whole).first(size));
    EXPECT_FALSE(reader.skip()) << size;
    EXPECT_EQ(reader.position(), 0U) << "a refused value is not consumed";
  }
}

INSTANTIATE_TEST_SUITE_P(Protocol, GoldenVector, testing::ValuesIn(kGolden),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(MsgpackReader, ReadsAnHttpRequestFieldByField) {
  const Bytes in = from_hex(kGolden[0].hex);
  MsgpackReader r(in);
  ASSERT_EQ(r.map().value(), 5U);
  EXPECT_EQ(r.text().value(), "method");
  EXPECT_EQ(r.text().value(), "GET");
  ASSERT_TRUE(r.skip() && r.skip());  // path
  EXPECT_EQ(r.text().value(), "queryString");
  EXPECT_EQ(r.text().value(), "x=1");
  ASSERT_TRUE(r.skip() && r.skip());  // header
  EXPECT_EQ(r.text().value(), "body");
  EXPECT_EQ(r.bytes().value(), (Bytes{1, 2}));
  EXPECT_TRUE(r.at_end());
}

// rmp-serde takes bytes as bin, str or array, and text as str or bin (docs/protocol.md §2.2).
TEST(MsgpackReader, TakesBytesInEachOfTheirForms) {
  for (const char* hex : {"c403010203", "a3010203", "93010203", "930102d003"}) {
    const Bytes in = from_hex(hex);
    MsgpackReader reader(in);
    EXPECT_EQ(reader.bytes().value(), (Bytes{1, 2, 3})) << hex;
  }
  const Bytes invalid_utf8 = from_hex("a2c328");
  EXPECT_EQ(MsgpackReader(invalid_utf8).bytes().value(), (Bytes{0xc3, 0x28}));
  const Bytes bin = from_hex("c4026869");
  EXPECT_EQ(MsgpackReader(bin).text().value(), "hi");
}

TEST(MsgpackReader, RefusesAnArrayThatHoldsMoreThanBytesAndStaysWhereItWas) {
  for (const char* hex : {"9201cd0100", "9201ff", "9201a161"}) {
    const Bytes in = from_hex(hex);
    MsgpackReader reader(in);
    EXPECT_FALSE(reader.bytes()) << hex;
    EXPECT_EQ(reader.position(), 0U);
  }
}

TEST(MsgpackReader, TakesAnyIntegerFormThatFits) {
  for (const char* hex : {"05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005",
                          "d10005", "d200000005", "d30000000000000005"}) {
    const Bytes in = from_hex(hex);
    EXPECT_EQ(MsgpackReader(in).uint(5).value(), 5U) << hex;
    EXPECT_EQ(MsgpackReader(in).sint(-5, 5).value(), 5) << hex;
    EXPECT_FALSE(MsgpackReader(in).uint(4)) << hex;
    EXPECT_FALSE(MsgpackReader(in).sint(6)) << hex;
  }
  const Bytes negative = from_hex("d1ff00");
  EXPECT_EQ(MsgpackReader(negative).sint().value(), -256);
  EXPECT_FALSE(MsgpackReader(negative).uint());
  const Bytes huge = from_hex("cfffffffffffffffff");
  EXPECT_EQ(MsgpackReader(huge).uint().value(), UINT64_MAX);
  EXPECT_FALSE(MsgpackReader(huge).sint());
}

TEST(MsgpackReader, ReadsFloatsOfBothWidthsAndIntegers) {
  const Bytes narrow = from_hex("ca3fc00000");
  const Bytes wide = from_hex("cb3ff8000000000000");
  const Bytes integer = from_hex("fe");
  EXPECT_EQ(MsgpackReader(narrow).floating().value(), 1.5);
  EXPECT_EQ(MsgpackReader(wide).floating().value(), 1.5);
  EXPECT_EQ(MsgpackReader(integer).floating().value(), -2.0);
}

TEST(MsgpackReader, TellsNilFromAValue) {
  const Bytes in = from_hex("c007");
  MsgpackReader reader(in);
  EXPECT_TRUE(reader.try_nil().value());
  EXPECT_FALSE(reader.try_nil().value());
  EXPECT_EQ(reader.uint().value(), 7U);
  EXPECT_FALSE(reader.try_nil()) << "there is no value left";
}

TEST(MsgpackReader, SaysWhichTypeItMet) {
  const Bytes in = from_hex("c3");
  MsgpackReader reader(in);
  EXPECT_EQ(reader.uint().error().detail,
            "msgpack: expected an integer at byte 0, found a boolean");
  const Bytes reserved = from_hex("c1");
  EXPECT_EQ(MsgpackReader(reserved).peek().error().detail,
            "wrong msgpack marker Reserved at byte 0");
}

// A count of 2^32-1 in five bytes must not make a reader reserve gigabytes.
TEST(MsgpackReader, RefusesLengthsBeyondTheInput) {
  for (const char* hex : {"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01"}) {
    const Bytes in = from_hex(hex);
    EXPECT_FALSE(MsgpackReader(in).array()) << hex;
    EXPECT_FALSE(MsgpackReader(in).map()) << hex;
    EXPECT_FALSE(MsgpackReader(in).bytes()) << hex;
    EXPECT_FALSE(MsgpackReader(in).skip()) << hex;
  }
}

TEST(MsgpackReader, BoundsNesting) {
  Bytes deep(64, 0x91);
  deep.push_back(0x01);
  EXPECT_TRUE(MsgpackReader(deep).skip());
  deep.insert(deep.begin(), 0x91);
  EXPECT_EQ(MsgpackReader(deep).skip().error().code, Errc::exhausted);
}

RC_GTEST_PROP(Msgpack, IntegersComeBackAsTheyWent, (std::int64_t number, std::uint64_t natural)) {
  const Bytes out = written([&](MsgpackWriter& w) { w.sint(number), w.uint(natural); });
  MsgpackReader reader(out);
  RC_ASSERT(reader.sint().value() == number);
  RC_ASSERT(reader.uint().value() == natural);
  RC_ASSERT(reader.at_end());
}

TEST(MsgpackWriter, UsesTheSmallestFormAtEveryBoundary) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const std::int64_t offset : {-1, 0, 1}) {
      const auto natural = (std::uint64_t{1} << shift) + static_cast<std::uint64_t>(offset);
      EXPECT_EQ(written([&](MsgpackWriter& w) { w.uint(natural); }),
                oracle::Foreign::to_msgpack(natural));
      if (shift == 63 && offset < 0) continue;  // below the least int64
      const auto negative = static_cast<std::int64_t>(0 - (std::uint64_t{1} << shift)) + offset;
      EXPECT_EQ(written([&](MsgpackWriter& w) { w.sint(negative); }),
                oracle::Foreign::to_msgpack(negative));
    }
  }
  for (const std::size_t size : {0U, 15U, 16U, 31U, 32U, 255U, 256U, 65535U, 65536U}) {
    const std::string text(size, 'x');
    EXPECT_EQ(written([&](MsgpackWriter& w) { w.str(text); }), oracle::Foreign::to_msgpack(text));
    const auto blob = oracle::Foreign::binary(Bytes(size, 7));
    EXPECT_EQ(written([&](MsgpackWriter& w) { w.bin(blob.get_binary()); }),
              oracle::Foreign::to_msgpack(blob));
    const oracle::Foreign list(size, 1);
    Bytes ours = written([&](MsgpackWriter& w) {
      w.array(size);
      for (std::size_t i = 0; i < size; ++i) w.uint(1);
    });
    EXPECT_EQ(ours, oracle::Foreign::to_msgpack(list.is_null() ? oracle::Foreign::array() : list));
  }
}

RC_GTEST_PROP(Msgpack, AgreesWithAnIndependentReaderOnAnyBytes, (const Bytes& bytes)) {
  RC_ASSERT(oracle::disagreement(bytes) == "");
}

// Bytes drawn from the markers make structures far more often than uniform ones do.
RC_GTEST_PROP(Msgpack, AgreesWithAnIndependentReaderOnStructures, ()) {
  const auto byte = rc::gen::oneOf(
      rc::gen::element<std::uint8_t>(0x81, 0x82, 0x91, 0x92, 0xa1, 0xa2, 0xc0, 0xc2, 0xc4, 0xca,
                                     0xcb, 0xcc, 0xd0, 0xd3, 0xd9, 0xdc, 0xde),
      rc::gen::inRange<std::uint8_t>(0, 4), rc::gen::arbitrary<std::uint8_t>());
  const auto bytes = *rc::gen::container<Bytes>(byte);
  RC_ASSERT(oracle::disagreement(bytes) == "");
}

}  // namespace
}  // namespace trellis::codec
