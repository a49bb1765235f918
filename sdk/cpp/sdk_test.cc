// Goal: what an actor in C++ sends is what 2022 actors sent, byte for byte, and what it is sent can
// be anything. Method: an actor with every kind of handler, natively, against a fake of the
// imports; vectors of docs/protocol.md §2 and §11.6.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "fake_host.h"
#include "trellis/actor.h"
#include "trellis/httpclient.h"
#include "trellis/json_reader.h"
#include "trellis/keyvalue.h"
#include "trellis/kubernetes.h"
#include "trellis/logging.h"
#include "trellis/messaging.h"
#include "trellis/numbergen.h"

namespace trellis::sdk {
namespace {

const auto kHttpRequest =
    hex("85 a6 6d6574686f64 a3 474554 a4 70617468 a2 2f61 ab 7175657279537472696e67 a3 783d31"
        "a6 686561646572 81 a4 686f7374 91 a9 6c6f63616c686f7374 a4 626f6479 c4 02 0102");

struct Everything {
  HttpResponse handle(const HttpRequest& request) {
    if (request.path == "/fail") return HttpResponse::failure({"no \"luck\""});
    std::string text(request.method);
    text += ' ';
    text += request.path;
    text += '?';
    text += request.query_string;
    text += ' ';
    text += request.header("host").value_or("-");
    text += ' ';
    text += request.header("absent").value_or("-");
    text += ' ' + std::to_string(request.body.size());
    return {201, {{"x", "1"}, {"y", "2"}, {"x", "3"}}, text};
  }
  Result<void> handle(const SubMessage& message) {
    if (message.subject == "bad") return Error{"no such subject"};
    return Messaging().publish(message.reply_to, message.body);
  }
  Result<Bytes> call(std::string_view operation, BytesView payload) {
    if (operation == "Test.Reverse") return Bytes(payload.rbegin(), payload.rend());
    return not_handled(operation);
  }
};

class Sdk : public testing::Test {
 protected:
  void SetUp() override { host_ = FakeHost{}; }
  // The next host call is answered with these bytes.
  void reply(std::string_view bytes_hex) {
    host_.answer = [text = hex_text(bytes_hex)](const FakeHost::Call&) {
      return FakeHost::Reply{true, text};
    };
  }
  void expect_call(std::string_view contract, std::string_view operation,
                   std::string_view payload_hex) {
    ASSERT_FALSE(host_.calls.empty());
    const auto& call = host_.calls.back();
    EXPECT_EQ(call.binding, "default");
    EXPECT_EQ(call.target, contract);
    EXPECT_EQ(call.operation, operation);
    EXPECT_EQ(call.payload, hex(payload_hex)) << operation;
  }
  FakeHost& host_ = fake_host();
};

TEST_F(Sdk, HandsTheRequestToTheHandlerAndItsHeadersGroupedByName) {
  ASSERT_TRUE(host_.invoke("HttpServer.HandleRequest", kHttpRequest)) << host_.error;
  const auto expected =
      hex_text(
          "83 aa 737461747573436f6465 cc c9 a6 686561646572 82 a178 92 a131 a133 a179 91 a132"
          "a4 626f6479 c4 18") +
      "GET /a?x=1 localhost - 2";
  EXPECT_EQ(host_.response, expected);
}

TEST_F(Sdk, ReadsARequestInEveryFormThatReadersAccepted) {
  // As an array of members; with unknown keys, another order, a body of integers, text as bin.
  const char* forms[] = {
      "95 a3474554 a22f61 a3783d31 81a4686f737491a96c6f63616c686f7374 c4020102",
      "86 a4626f6479 920102 a3666f6f 81c0 93 c0 c3 cb0000000000000000 a6686561646572 "
      "81a4686f737491a96c6f63616c686f7374"
      "ab7175657279537472696e67 c403783d31 a470617468 d9022f61 a66d6574686f64 c403474554",
  };
  for (const auto* form : forms) {
    ASSERT_TRUE(host_.invoke("HttpServer.HandleRequest", hex(form))) << host_.error;
    EXPECT_NE(host_.response.find("GET /a?x=1 localhost - 2"), std::string::npos) << form;
  }
}

TEST_F(Sdk, AnswersHealthAndRefusesTheUnknownInTheWordsOf2022) {
  ASSERT_TRUE(host_.invoke("Actor.HealthRequest", hex("80")));
  EXPECT_EQ(host_.response, hex_text("81a76865616c746879c3"));
  EXPECT_FALSE(host_.invoke("Foo.Bar", {}));
  EXPECT_EQ(host_.error,
            "Guest call failed for method Foo.Bar: method not handled Foo.Bar - unknown method");
  EXPECT_FALSE(host_.invoke("HandleRequest", kHttpRequest));
  EXPECT_EQ(host_.error,
            "Guest call failed for method HandleRequest: method not handled _.HandleRequest - "
            "unknown method");
}

TEST_F(Sdk, NamesWhatCouldNotBeRead) {
  EXPECT_FALSE(host_.invoke("HttpServer.HandleRequest", hex("c1")));
  EXPECT_EQ(
      host_.error,
      "Guest call failed for method HttpServer.HandleRequest: deserialization: 'HttpRequest': "
      "deserialization: wrong msgpack marker Reserved");
  EXPECT_FALSE(host_.invoke("HttpServer.HandleRequest", hex("81 a4626f6479 c400")));
  EXPECT_NE(host_.error.find("missing field `header`"), std::string::npos);
  EXPECT_FALSE(host_.invoke("HttpServer.HandleRequest", {}));
  EXPECT_NE(host_.error.find("unexpected end"), std::string::npos);
}

TEST_F(Sdk, SurvivesEveryCutAndManyDamagedRequests) {
  for (std::size_t size = 0; size < kHttpRequest.size(); ++size) {
    EXPECT_FALSE(host_.invoke("HttpServer.HandleRequest",
                              {kHttpRequest.begin(), kHttpRequest.begin() + size}));
  }
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    auto damaged = kHttpRequest;
    for (int j = 0; j < 3; ++j)
      damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    host_.invoke("HttpServer.HandleRequest", damaged);
  }
  // Lengths that promise more than is there must cost nothing.
  EXPECT_FALSE(host_.invoke("HttpServer.HandleRequest", hex("df ffffffff")));
  EXPECT_FALSE(host_.invoke("HttpServer.HandleRequest", hex("81 a4626f6479 c6ffffffff")));
  EXPECT_FALSE(host_.invoke("HttpServer.HandleRequest", hex("81 a3666f6f dd ffffffff")));
}

TEST_F(Sdk, TurnsAnErrorIntoAFailureResponse) {
  ASSERT_TRUE(host_.invoke("HttpServer.HandleRequest",
                           hex("82 a470617468 a5 2f6661696c a6686561646572 80")));
  EXPECT_NE(host_.response.find(R"({"error":"no \"luck\""})"), std::string::npos);
}

TEST_F(Sdk, HandlesMessagesAndReturnsTheHandlersError) {
  ASSERT_TRUE(
      host_.invoke("MessageSubscriber.HandleMessage",
                   hex("83 a77375626a656374 a3612e62 a77265706c79546f a25f52 a4626f6479 c40178")));
  EXPECT_EQ(host_.response, "");
  expect_call("wasmcloud:messaging", "Messaging.Publish",
              "82 a77375626a656374 a25f52 a4626f6479 c40178");
  EXPECT_FALSE(host_.invoke("MessageSubscriber.HandleMessage",
                            hex("82 a77375626a656374 a3626164 a4626f6479 c400")));
  EXPECT_EQ(host_.error,
            "Guest call failed for method MessageSubscriber.HandleMessage: no such subject");
}

TEST_F(Sdk, GivesOtherOperationsToCall) {
  ASSERT_TRUE(host_.invoke("Test.Reverse", hex("010203")));
  EXPECT_EQ(host_.response, hex_text("030201"));
}

TEST_F(Sdk, SpeaksKeyValue) {
  const std::string contract = "wasmcloud:keyvalue";
  const KeyValue kv;
  reply("82 a576616c7565 a176 a6657869737473 c3");
  EXPECT_EQ(**kv.get("k1"), "v");
  expect_call(contract, "KeyValue.Get", "a26b31");
  reply("82 a576616c7565 a0 a6657869737473 c2");
  EXPECT_FALSE(kv.get("k1")->has_value());
  reply("");
  EXPECT_TRUE(kv.set("k", "v"));
  expect_call(contract, "KeyValue.Set", "83 a36b6579 a16b a576616c7565 a176 a765787069726573 00");
  reply("fb");
  EXPECT_EQ(*kv.increment("k", -1), -5);
  expect_call(contract, "KeyValue.Increment", "82 a36b6579a16b a576616c7565 ff");
  reply("92 a161 a162");
  EXPECT_EQ(*kv.list_range("l", 0, -1), (KeyValue::Strings{"a", "b"}));
  expect_call(contract, "KeyValue.ListRange",
              "83 a86c6973744e616d65 a16c a57374617274 00 a473746f70 ff");
  reply("03");
  EXPECT_EQ(*kv.list_add("l", "v"), 3u);
  expect_call(contract, "KeyValue.ListAdd", "82 a86c6973744e616d65 a16c a576616c7565 a176");
  EXPECT_EQ(*kv.set_add("s", "v"), 3u);
  expect_call(contract, "KeyValue.SetAdd", "82 a77365744e616d65 a173 a576616c7565 a176");
  reply("c3");
  EXPECT_TRUE(*kv.del("k"));
  EXPECT_TRUE(*kv.contains("k"));
  EXPECT_TRUE(*kv.list_clear("l"));
  EXPECT_TRUE(*kv.list_del("l", "v"));
  EXPECT_TRUE(*kv.set_clear("s"));
  expect_call(contract, "KeyValue.SetClear", "a173");
  reply("91 a161");
  EXPECT_EQ(*kv.set_union({"s", "t"}), KeyValue::Strings{"a"});
  expect_call(contract, "KeyValue.SetUnion", "92 a173 a174");
  EXPECT_EQ(kv.set_intersection({"s"})->size(), 1u);
  EXPECT_EQ(kv.set_query("s")->size(), 1u);
}

TEST_F(Sdk, PassesOnTheWordsOfAFailedCallAndOfABadAnswer) {
  host_.answer = [](const FakeHost::Call&) {
    return FakeHost::Reply{false, "Failed to perform RPC call: request timeout"};
  };
  EXPECT_EQ(KeyValue().increment("k", 1).error().text,
            "Host send error Failed to perform RPC call: request timeout");
  reply("a178");
  EXPECT_NE(KeyValue().increment("k", 1).error().text.find("wrong msgpack marker 0xa1"),
            std::string::npos);
  reply("ce ffffffff");
  EXPECT_NE(KeyValue().increment("k", 1).error().text.find("out of range"), std::string::npos);
}

TEST_F(Sdk, UsesTheLinkNameItWasGiven) {
  reply("01");
  (void)KeyValue("second").increment("k", 1);
  EXPECT_EQ(host_.calls.back().binding, "second");
  (void)call_actor("my/alias", "Foo.Bar", {});
  EXPECT_EQ(host_.calls.back().binding, "");
  EXPECT_EQ(host_.calls.back().target, "my/alias");
}

TEST_F(Sdk, SpeaksHttpClientMessagingLoggingAndNumbers) {
  reply("83 aa737461747573436f6465 cd0194 a6686561646572 81 a178 92 a131 a132 a4626f6479 c4026869");
  const auto page = HttpClient().get("http://x/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 404);
  EXPECT_EQ(page->body, "hi");
  EXPECT_EQ(page->headers.size(), 2u);
  expect_call(
      "wasmcloud:httpclient", "HttpClient.Request",
      "84 a66d6574686f64a3474554 a375726ca9687474703a2f2f782f a76865616465727380 a4626f6479c400");
  reply("82 a77375626a656374 a172 a4626f6479 c40179");
  EXPECT_EQ(Messaging().request("a", as_bytes("x"), 500)->body, "y");
  log::info("hello");
  expect_call("wasmcloud:builtin:logging", "Logging.WriteLog",
              "82 a56c6576656c a4696e666f a474657874 a568656c6c6f");
  reply("07");
  EXPECT_EQ(*NumberGen().random_in_range(0, UINT32_MAX), 7u);
  expect_call("wasmcloud:builtin:numbergen", "NumberGen.RandomInRange",
              "82 a36d696e 00 a36d6178 ceffffffff");
  EXPECT_EQ(*NumberGen().random_32(), 7u);
  reply("a26964");
  EXPECT_EQ(*NumberGen().guid(), "id");
}

TEST_F(Sdk, SpeaksKubernetes) {
  const std::string contract = "cosmonic:kubernetes_applier";
  reply("81 a9 737563636565646564 c3");
  EXPECT_TRUE(KubernetesApplier().apply("a: \xc3\xa9")->succeeded);
  expect_call(contract, "KubernetesApplier.Apply", "95 61 3a 20 ccc3 cca9");
  reply("82 a9 737563636565646564 c2 a5 6572726f72 a2 6e6f");
  const auto refused = KubernetesApplier().remove({.version = "v1", .kind = "S", .name = "n"});
  EXPECT_FALSE(refused->succeeded);
  EXPECT_EQ(refused->error, "no");
  expect_call(contract, "KubernetesApplier.Delete",
              "84 a5 67726f7570 a0 a4 6b696e64 a153 a4 6e616d65 a16e a7 76657273696f6e a27631");
  reply("82 a9 737563636565646564 c3 a7 6f626a65637473 c402 5b5d");
  EXPECT_EQ(
      KubernetesApplier().list({.version = "v1", .kind = "S", .namespace_ = "x"}, "a=b")->objects,
      "[]");
  expect_call(contract, "KubernetesApplier.List",
              "85 a5 67726f7570 a0 a4 6b696e64 a153 ae 6c6162656c5f73656c6563746f72 a3613d62"
              "a9 6e616d657370616365 a178 a7 76657273696f6e a27631");
  host_.answer = [](const FakeHost::Call&) {
    return FakeHost::Reply{false, "method not handled KubernetesApplier.Repair"};
  };
  const auto old = KubernetesApplier().repair("a");
  ASSERT_FALSE(old);
  EXPECT_TRUE(KubernetesApplier::not_known(old.error()));
}

// Everything in `text`, written again.
void copy(JsonReader& from, JsonWriter& to) {
  const char next = from.next();
  if (next == '{') {
    to.object();
    from.object([&](std::string_view key) { return to.key(key), copy(from, to), true; });
    to.end();
  } else if (next == '[') {
    to.array();
    from.array([&] { copy(from, to); });
    to.end();
  } else if (next == '"') {
    to.string(from.string());
  } else if (next == 't' || next == 'f') {
    to.boolean(from.boolean());
  } else if (next == 'n') {
    from.null() ? void(to.null()) : from.skip();
  } else {
    to.number(from.integer());
  }
}
std::string copied(std::string_view text) {
  JsonReader from(text);
  JsonWriter to;
  copy(from, to);
  return from.finish() ? to.take() : from.error();
}

constexpr std::string_view kJson =
    R"({"a":[1,-9223372036854775808,9223372036854775807],"b":{},"c":[],"d":[true,false,null,{"e":"x"}]})";

TEST(JsonReader, ReadsWhatTheWriterWrites) {
  EXPECT_EQ(copied(kJson), kJson);
  EXPECT_EQ(copied(" [ 1 ,\n{ \"a\" : [ ] } ] "), R"([1,{"a":[]}])");
  EXPECT_EQ(copied(R"(["\"\\\/\b\n\u0041\u00e9\u20ac\ud83d\ude00\ud83d\u0041"])"),
            "[\"\\\"\\\\/\\b\\nA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd"
            "A\"]");
}

TEST(JsonReader, SkipsWhatNobodyAsksFor) {
  JsonReader json(R"({"a":{"b":[1.5e3,{"c":"}\"]"},[],{}]},"d":7,"e":"x"})");
  std::int64_t found = 0;
  json.object(
      [&](std::string_view key) { return key == "d" ? (found = json.integer(), true) : false; });
  EXPECT_TRUE(json.finish()) << json.error();
  EXPECT_EQ(found, 7);
  JsonReader raw(" [1, {\"a\": 2}] ");
  EXPECT_EQ(raw.raw(), "[1, {\"a\": 2}]");
  EXPECT_TRUE(raw.finish());
}

TEST(JsonReader, SaysWhereItIsWrong) {
  EXPECT_EQ(copied("[1 2]"), "expected ',' or ']' at byte 3");
  EXPECT_EQ(copied("{\"a\" 1}"), "expected ':' at byte 5");
  EXPECT_EQ(copied("[1.5]"), "expected a whole number at byte 2");
  EXPECT_EQ(copied("9223372036854775808"), "a number that is too large at byte 19");
  EXPECT_EQ(copied("\"a"), "a string without an end at byte 2");
  EXPECT_EQ(copied("[] x"), "unexpected text after the value at byte 3");
  EXPECT_NE(copied(std::string(1000, '[')).find("nested too deep"), std::string::npos);
  const std::string brackets(1000, '[');
  JsonReader deep(brackets);
  deep.skip();
  EXPECT_NE(deep.error().find("nested too deep"), std::string::npos);
  EXPECT_FALSE(JsonReader("").finish() && copied("").empty());
}

TEST(JsonReader, SurvivesEveryCutAndManyDamagedTexts) {
  for (std::size_t size = 0; size < kJson.size(); ++size) {
    JsonReader cut(kJson.substr(0, size));
    cut.skip();
    EXPECT_FALSE(cut.finish()) << size;
    EXPECT_NE(copied(kJson.substr(0, size)), kJson);
  }
  std::mt19937 random(1);
  constexpr std::string_view kAlphabet = "{}[]\",:\\u0e1tfn- \x01\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged(kJson);
    for (int j = 0; j < 3; ++j)
      damaged[random() % damaged.size()] = kAlphabet[random() % kAlphabet.size()];
    (void)copied(damaged);
    JsonReader skipped(damaged);
    skipped.skip();
    (void)skipped.finish();
  }
}

TEST(Msgpack, WritesTheSmallestFormAndReadsItBack) {
  const std::int64_t numbers[] = {0,  127, 128, 255,  256,  65535,  65536,  UINT32_MAX, INT64_MAX,
                                  -1, -32, -33, -128, -129, -32768, -32769, INT32_MIN,  INT64_MIN};
  const std::size_t sizes[] = {1, 1, 2, 2, 3, 3, 5, 5, 9, 1, 1, 2, 2, 3, 3, 5, 5, 9};
  for (std::size_t i = 0; i < std::size(numbers); ++i) {
    Bytes bytes;
    MsgpackWriter(bytes).sint(numbers[i]);
    EXPECT_EQ(bytes.size(), sizes[i]) << numbers[i];
    MsgpackReader reader(bytes);
    EXPECT_EQ(reader.sint(), numbers[i]);
    EXPECT_TRUE(reader.ok() && reader.at_end());
  }
  for (const std::size_t size : {0, 31, 32, 255, 256, 65535, 65536}) {
    Bytes bytes;
    MsgpackWriter writer(bytes);
    writer.str(std::string(size, 'x'));
    writer.bin(Bytes(size, 'y'));
    MsgpackReader reader(bytes);
    EXPECT_EQ(reader.text().size(), size);
    EXPECT_EQ(reader.view().size(), size);
    EXPECT_TRUE(reader.ok() && reader.at_end());
  }
}

TEST(Msgpack, SkipsAnyValueAndNestingCostsNoStack) {
  Bytes deep(1'000'000, 0x91);
  deep.push_back(0xc0);
  MsgpackReader reader(deep);
  reader.skip();
  EXPECT_TRUE(reader.ok() && reader.at_end());
  const auto all =
      hex("98 c70201aaaa d401aa d80100000000000000000000000000000000 ca00000000 d3ffffffffffffffff"
          "de0001a161c2 dc0001c3 d90161");
  MsgpackReader every(all);
  every.skip();
  EXPECT_TRUE(every.ok() && every.at_end()) << every.error();
}

TEST(Json, EscapesAndSeparates) {
  JsonWriter json;
  json.object().key("a").array().number(-1).number(0).end().key("b\n").string("\"\\\x01é");
  json.key("c")
      .boolean(true)
      .key("d")
      .null()
      .key("e")
      .object()
      .end()
      .key("f")
      .number(INT64_MIN)
      .end();
  EXPECT_EQ(json.text(),
            "{\"a\":[-1,0],\"b\\n\":\"\\\"\\\\\\u0001é\",\"c\":true,\"d\":null,\"e\":{},"
            "\"f\":-9223372036854775808}");
}

}  // namespace
}  // namespace trellis::sdk

TRELLIS_ACTOR(trellis::sdk::Everything)
