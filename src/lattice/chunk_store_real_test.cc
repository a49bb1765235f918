// Goal: large payloads pass between us and both generations of 2022's clients, nothing is taken for
// what it is not, nothing is left behind. Method: a real nats-server; objects are written and
// looked at by hand in the forms of docs/protocol.md §3.6.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "codec/base64.h"
#include "codec/json.h"
#include "lattice/chunk_store.h"
#include "lattice/over_nats.h"

namespace trellis::lattice {
namespace {

using runtime::Task;
using namespace std::chrono_literals;
namespace json = boost::json;

constexpr const char* kName = "4f0f1bd4-5b5c-4b3a-9a5e-2f5f3a1c0d11";
constexpr const char* kBase64Name = "NGYwZjFiZDQtNWI1Yy00YjNhLTlhNWUtMmY1ZjNhMWMwZDEx";
// sha256("hello, lattice") in the form of async-nats 0.23, made with another program.
constexpr const char* kHelloDigest = "SHA-256=A8OqaGFS0yRJ8bWMheu3PmqahWZZ7lcJuLLkPK-xxj0=";

Bytes some_bytes(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t x = 1;
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>((x = x * 1664525 + 1013904223) >> 24);
  return bytes;
}

ChunkStore::Options in_lab() {
  ChunkStore::Options options;
  options.prefix = "lab";
  return options;
}

class ChunkStoreTest : public OverNats {
 protected:
  // A store and a connection besides.
  void with_store(JetStreamServer& server, ChunkStore::Options options,
                  std::function<Task<void>(ChunkStore&, NatsBus&)> test) {
    with_connections([&](Connections& connections) -> Task<void> {
      CO_TRY(auto* bus, co_await connections.open({.url = server.url()}));
      CO_TRY(auto* other, co_await connections.open({.url = server.url()}));
      ChunkStore store(*bus, options);
      co_return co_await test(store, *other);
    });
  }
  // As clients of 2022 make it.
  static Task<void> make_stream(Bus& bus) {
    JetStream jetstream(bus, {});
    CO_TRY_OK(
        co_await jetstream.ensure_stream({{"name", "OBJ_lab"},
                                          {"subjects", json::array{"$O.lab.C.>", "$O.lab.M.>"}},
                                          {"storage", "file"},
                                          {"discard", "new"},
                                          {"num_replicas", 0},
                                          {"allow_rollup_hdrs", true}}));
    co_return Result<void>();
  }
  static Task<void> write(Bus& bus, std::string meta_name, std::string_view meta,
                          std::vector<std::string_view> chunks) {
    CO_TRY_OK(co_await make_stream(bus));
    JetStream jetstream(bus, {});
    for (const auto chunk : chunks)
      CO_TRY_OK(co_await jetstream.publish(text_message("$O.lab.C.nuid1", chunk)));
    CO_TRY_OK(co_await jetstream.publish(
        text_message("$O.lab.M." + meta_name, meta, {{"Nats-Rollup", "sub"}})));
    co_return Result<void>();
  }
  static std::string meta(std::size_t size, std::size_t chunks, std::string_view digest) {
    return fmt::format(
        R"({{"name":"{}","description":null,"link":null,"bucket":"lab","nuid":"nuid1","size":{},"chunks":{},"modified":"2022-11-28T00:00:00Z","digest":"{}","deleted":false}})",
        kName, size, chunks, digest);
  }
  static Task<std::uint64_t> messages_in_stream(Bus& bus) {
    JetStream jetstream(bus, {});
    CO_TRY(const auto info, co_await jetstream.stream_info("OBJ_lab"));
    co_return info.messages;
  }
};

TEST_F(ChunkStoreTest, PutsAnObjectAsBothGenerationsReadIt) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus& other) -> Task<void> {
    Received wire;
    CO_TRY(const auto heard, other.subscribe("$O.lab.>", "", wire.handler()));
    CO_TRY_OK(co_await other.flush(soon()));
    const auto bytes = some_bytes(300'000);
    CO_TRY_OK(co_await store.put(kName, bytes));
    CO_TRY_OK(co_await wire.wait_for(5));
    const auto& messages = wire.messages();
    const auto subject = messages[0].subject;
    EXPECT_TRUE(subject.starts_with("$O.lab.C.")) << subject;
    const auto nuid = subject.substr(std::string("$O.lab.C.").size());
    EXPECT_EQ(nuid.size(), 22u);
    Bytes joined;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(messages[i].subject, subject);
      EXPECT_LE(messages[i].data.size(), 131'072u);
      append(joined, messages[i].data);
    }
    EXPECT_EQ(joined, bytes);
    EXPECT_EQ(messages[3].subject, std::string("$O.lab.M.") + kBase64Name);
    EXPECT_EQ(messages[4].subject, std::string("$O.lab.M.") + kName);
    EXPECT_EQ(messages[3].data, messages[4].data);
    for (int i : {3, 4}) EXPECT_EQ(messages[i].headers, (Headers{{"Nats-Rollup", "sub"}}));
    auto written = json::parse(std::string(as_text(messages[3].data))).as_object();
    EXPECT_TRUE(written.at("modified").as_string().ends_with("Z"));
    written.erase("modified");
    const json::object expected{
        {"name", kName},   {"description", nullptr},
        {"link", nullptr}, {"bucket", "lab"},
        {"nuid", nuid},    {"size", 300'000},
        {"chunks", 3},     {"digest", "SHA-256=y78aoXJNagePEJ4THgU-qufrZp9u8Asa1GAEphGNll0="},
        {"deleted", false}};
    EXPECT_EQ(json::value(written), json::value(expected)) << codec::json_pretty(written);
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, GivesBackWhatWasPutWhateverItsSize) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus& other) -> Task<void> {
    ChunkStore reader(other, in_lab());
    for (const std::size_t size : {0, 1, 131'071, 131'072, 131'073, 1'000'000, 9'000'001}) {
      const auto bytes = some_bytes(size);
      const auto name = fmt::format("object-{}", size);
      CO_TRY_OK(co_await store.put(name, bytes));
      CO_TRY(const auto back, co_await reader.get(name, size));
      EXPECT_TRUE(back == bytes) << size;
      CO_TRY_OK(co_await reader.remove(name));
    }
    CO_TRY(const auto left, co_await messages_in_stream(other));
    EXPECT_EQ(left, 0u);
    co_return Result<void>();
  });
}

// The server sends as much as the reader says it can take, not more.
TEST_F(ChunkStoreTest, TakesALargeObjectAtItsOwnPace) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus& other) -> Task<void> {
    Received paces;
    CO_TRY(const auto heard, other.subscribe("$JS.FC.OBJ_lab.>", "", paces.handler()));
    CO_TRY_OK(co_await other.flush(soon()));
    const auto bytes = some_bytes(48'000'000);
    CO_TRY_OK(co_await store.put(kName, bytes));
    CO_TRY(const auto back, co_await store.get(kName, bytes.size()));
    EXPECT_TRUE(back == bytes);
    co_return co_await paces.wait_for(1);
  });
}

TEST_F(ChunkStoreTest, ReadsWhatEarlierClientsWrote) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus& other) -> Task<void> {
    CO_TRY_OK(co_await write(other, kName, meta(14, 2, ""), {"hello, ", "lattice"}));
    CO_TRY(const auto back, co_await store.get(kName, 14));
    EXPECT_EQ(as_text(back), "hello, lattice");
    // Their raw names have no dots and no spaces.
    CO_TRY_OK(co_await write(other, "a_b_c", meta(14, 2, ""), {}));
    CO_TRY(const auto again, co_await store.get("a.b c", 14));
    EXPECT_EQ(as_text(again), "hello, lattice");
    CO_TRY_OK(co_await store.remove(kName));
    const auto gone = co_await store.get(kName, 14);
    EXPECT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Errc::not_found);
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, ReadsWhatLaterClientsWroteAndChecksIt) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus& other) -> Task<void> {
    CO_TRY_OK(
        co_await write(other, kBase64Name, meta(14, 2, kHelloDigest), {"hello, ", "lattice"}));
    CO_TRY(const auto back, co_await store.get(kName, 14));
    EXPECT_EQ(as_text(back), "hello, lattice");
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, RefusesWhatIsNotWhatItSays) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus& other) -> Task<void> {
    CO_TRY_OK(co_await write(other, kBase64Name, meta(14, 2, ""), {"hello, ", "lattice"}));
    const std::string other_digest = "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=";
    const std::pair<std::string, const char*> cases[] = {
        {meta(14, 2, other_digest), "its SHA-256 is another"},
        {meta(14, 2, "MD5=abc"), "its SHA-256 is another"},
        {meta(13, 2, ""), "more bytes than it says"},
        {meta(15, 2, ""), "parts of it are missing"},
        {meta(14, 3, ""), "parts of it are missing"},
        {R"({"nuid":">","size":1,"chunks":1})", "lacks \"nuid\""},
        {R"({"nuid":"a","chunks":1})", "lacks \"nuid\", \"size\""},
        {"[]", "no JSON object"},
    };
    for (const auto& [described, why] : cases) {
      CO_TRY_OK(co_await write(other, kBase64Name, described, {}));
      const auto refused = co_await store.get(kName, 1'000);
      EXPECT_FALSE(refused) << described;
      if (refused) continue;
      EXPECT_EQ(refused.error().code, Errc::corrupt) << described;
      EXPECT_NE(refused.error().detail.find(why), std::string::npos) << refused.error().detail;
    }
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, SaysWhatIsGoneOrWasDeleted) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus& other) -> Task<void> {
    const auto no_stream = co_await store.get(kName, 1'000);
    EXPECT_FALSE(no_stream);
    EXPECT_EQ(no_stream.error().code, Errc::not_found);
    CO_TRY_OK(co_await store.remove(kName));
    CO_TRY_OK(co_await write(other, kBase64Name, meta(14, 2, ""), {"hello, ", "lattice"}));
    JetStream jetstream(other, {});
    CO_TRY_OK(co_await jetstream.purge("OBJ_lab", "$O.lab.C.nuid1"));
    const auto emptied = co_await store.get(kName, 1'000);
    EXPECT_FALSE(emptied);
    EXPECT_NE(emptied.error().detail.find("its parts are gone"), std::string::npos);
    CO_TRY_OK(co_await write(
        other, kBase64Name,
        R"({"name":"x","nuid":"nuid1","size":0,"chunks":0,"digest":"","deleted":true})", {}));
    const auto deleted = co_await store.get(kName, 1'000);
    EXPECT_FALSE(deleted);
    EXPECT_EQ(deleted.error().code, Errc::not_found);
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, TakesNoMoreThanTheCallerDoes) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus&) -> Task<void> {
    CO_TRY_OK(co_await store.put(kName, some_bytes(1'001)));
    const auto refused = co_await store.get(kName, 1'000);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::exhausted);
    EXPECT_NE(refused.error().detail.find("has 1001 bytes; at most 1000 are taken"),
              std::string::npos);
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, WorksWhereMessagesMustBeSmall) {
  JetStreamServer server(std::string(kWithJetStream) + "max_payload: 4096\n");
  auto options = in_lab();
  options.payload_bytes_max = 4'096;
  with_store(server, options, [](ChunkStore& store, NatsBus&) -> Task<void> {
    const auto bytes = some_bytes(100'000);
    CO_TRY_OK(co_await store.put(kName, bytes));
    CO_TRY(const auto back, co_await store.get(kName, bytes.size()));
    EXPECT_TRUE(back == bytes);
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, ForgetsInAStreamOfItsOwnAndTakesThatOfOthersAsItIs) {
  for (const bool made_before : {false, true}) {
    JetStreamServer server;
    with_store(server, in_lab(), [&](ChunkStore& store, NatsBus& other) -> Task<void> {
      if (made_before) CO_TRY_OK(co_await make_stream(other));
      CO_TRY_OK(co_await store.put(kName, some_bytes(10)));
      CO_TRY(const auto answer,
             co_await other.request(text_message("$JS.API.STREAM.INFO.OBJ_lab", ""), soon()));
      const auto info = json::parse(std::string(as_text(answer.data))).as_object();
      EXPECT_EQ(info.at("config").as_object().at("max_age").as_int64(),
                made_before ? 0 : 300'000'000'000);
      co_return Result<void>();
    });
  }
}

TEST_F(ChunkStoreTest, MakesItsStreamAgainWhenSomebodyRemovedIt) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus& other) -> Task<void> {
    CO_TRY_OK(co_await store.put(kName, some_bytes(10)));
    CO_TRY_OK(co_await other.request(text_message("$JS.API.STREAM.DELETE.OBJ_lab", ""), soon()));
    CO_TRY_OK(co_await store.put(kName, some_bytes(20)));
    CO_TRY(const auto back, co_await store.get(kName, 100));
    EXPECT_EQ(back.size(), 20u);
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, APutThatIsRefusedLeavesNothingBehind) {
  JetStreamServer server("jetstream { store_dir: \"FOLDER/js\", max_file_store: 1MB }\n");
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus& other) -> Task<void> {
    const auto refused = co_await store.put(kName, some_bytes(3'000'000));
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::exhausted);
    EXPECT_NE(refused.error().detail.find("JetStream has no room left"), std::string::npos)
        << refused.error().detail;
    CO_TRY(const auto left, co_await messages_in_stream(other));
    EXPECT_EQ(left, 0u);
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, RefusesNamesThatWouldMatchOthers) {
  JetStreamServer server;
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus&) -> Task<void> {
    CO_TRY_OK(co_await store.put(kName, some_bytes(10)));
    for (const auto& name : {std::string(), std::string("*"), std::string(">"), std::string("a\nb"),
                             std::string(129, 'a')}) {
      const auto got = co_await store.get(name, 100);
      EXPECT_FALSE(got) << name;
      if (!got) EXPECT_EQ(got.error().code, Errc::invalid) << name;
      EXPECT_FALSE(co_await store.put(name, some_bytes(1))) << name;
    }
    co_return Result<void>();
  });
}

TEST_F(ChunkStoreTest, SaysThatTheServerHasNoJetStream) {
  JetStreamServer server("");
  with_store(server, in_lab(), [](ChunkStore& store, NatsBus&) -> Task<void> {
    const auto put = co_await store.put(kName, some_bytes(10));
    EXPECT_FALSE(put);
    EXPECT_NE(put.error().detail.find("this NATS server has no JetStream"), std::string::npos);
    const auto got = co_await store.get(kName, 10);
    EXPECT_FALSE(got);
    EXPECT_NE(got.error().detail.find("this NATS server has no JetStream"), std::string::npos);
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace trellis::lattice
