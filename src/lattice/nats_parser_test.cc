// Goal: the parser gives the same commands however the bytes are split, and refuses what is none
// with the text a NATS client knows. Method: a session fed whole, byte by byte and cut at every
// point.
#include "lattice/nats_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace trellis::lattice {
namespace {

constexpr std::size_t kLineMax = 128;
constexpr std::size_t kPayloadMax = 1024;

void feed(NatsParser& parser, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto space = parser.prepare();
    const auto size = std::min(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), size);
    parser.commit(size);
    bytes.remove_prefix(size);
  }
}

std::string describe(const NatsCommand& command) {
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", static_cast<int>(command.op), command.subject,
                     command.reply, command.queue, command.sid, command.max, command.json,
                     command.has_headers, command.headers, as_text(command.payload));
}

// What the parser makes of the pieces; an error ends it.
std::vector<std::string> parse(const std::vector<std::string_view>& pieces,
                               NatsSide side = NatsSide::server) {
  NatsParser parser(kLineMax, kPayloadMax, side);
  std::vector<std::string> commands;
  for (const auto piece : pieces) {
    feed(parser, piece);
    for (;;) {
      const auto command = parser.next();
      if (!command) {
        commands.push_back("error " + command.error().detail);
        return commands;
      }
      if (!*command) break;
      commands.push_back(describe(**command));
    }
  }
  return commands;
}

std::vector<std::string> parse_whole(std::string_view bytes) { return parse({bytes}); }

using namespace std::string_view_literals;

constexpr std::string_view kSession =
    "CONNECT {\"verbose\":false}\r\n"
    "PING\r\n"
    "sub  a.*\tq  12\r\n"
    "SUB a.> 13\n"
    "PUB a.b 5\r\nhe\r\nl\r\n"
    "PUB a.b reply.to 0\r\n\r\n"
    "HPUB a.b 12 12\r\nNATS/1.0\r\n\r\n\r\n"
    "HPUB a.b r 18 20\r\nNATS/1.0\r\nA: b\r\n\r\n\0\xff\r\n"
    "UNSUB 12\r\n"
    "UnSub 13 5\r\n"
    "PONG\r\n"sv;

std::vector<std::string> session_commands() {
  return {
      "0|||||0|{\"verbose\":false}|false||",
      "1|||||0||false||",
      "3|a.*||q|12|0||false||",
      "3|a.>|||13|0||false||",
      "5|a.b||||0||false||he\r\nl",
      "5|a.b|reply.to|||0||false||",
      "5|a.b||||0||true|NATS/1.0\r\n\r\n|",
      std::string("5|a.b|r|||0||true|NATS/1.0\r\nA: b\r\n\r\n|\0\xff"sv),
      "4||||12|0||false||",
      "4||||13|5||false||",
      "2|||||0||false||",
  };
}

TEST(NatsParser, ReadsASession) { EXPECT_EQ(parse_whole(kSession), session_commands()); }

TEST(NatsParser, ReadsItTheSameCutAnywhere) {
  const auto expected = session_commands();
  for (std::size_t cut = 0; cut <= kSession.size(); ++cut)
    ASSERT_EQ(parse({kSession.substr(0, cut), kSession.substr(cut)}), expected) << "cut at " << cut;
}

TEST(NatsParser, ReadsItTheSameByteByByte) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < kSession.size(); ++i) pieces.push_back(kSession.substr(i, 1));
  EXPECT_EQ(parse(pieces), session_commands());
}

TEST(NatsParser, NamesWhatItRefuses) {
  const std::pair<std::string, const char*> cases[] = {
      {"GET / HTTP/1.1\r\n", "Unknown Protocol Operation"},
      {"\r\n", "Unknown Protocol Operation"},
      {"PUBX a 1\r\n", "Unknown Protocol Operation"},
      {std::string("\x16\x03\x01\n", 4), "Unknown Protocol Operation"},
      {"PUB a\r\n", "Parser Error"},
      {"PUB a b c 1\r\n", "Parser Error"},
      {"PUB a b c d e f 1\r\n", "Parser Error"},
      {"PUB a -1\r\n", "Parser Error"},
      {"PUB a 1x\r\n", "Parser Error"},
      {"PUB a 99999999999999999999\r\n", "Parser Error"},
      {"HPUB a 5 4\r\n", "Parser Error"},
      {"HPUB a 5\r\n", "Parser Error"},
      {"SUB a\r\n", "Parser Error"},
      {"SUB a b c d\r\n", "Parser Error"},
      {"UNSUB\r\n", "Parser Error"},
      {"UNSUB 1 x\r\n", "Parser Error"},
      {"PUB a 1025\r\n", "Maximum Payload Violation"},
      {"HPUB a 12 1025\r\n", "Maximum Payload Violation"},
      {"PUB a 2\r\nxyz\r\n", "Unknown Protocol Operation"},
      {"SUB " + std::string(kLineMax, 'a') + " 1\r\n", "Maximum Control Line Exceeded"},
      {std::string(kLineMax + 2, 'a'), "Maximum Control Line Exceeded"},
  };
  for (const auto& [bytes, text] : cases)
    EXPECT_EQ(parse_whole(bytes), std::vector<std::string>{std::string("error ") + text}) << bytes;
}

TEST(NatsParser, TakesALineOfExactlyTheLimit) {
  const std::string line = "SUB " + std::string(kLineMax - 6, 'a') + " 1";
  ASSERT_EQ(line.size(), kLineMax);
  EXPECT_EQ(parse_whole(line + "\r\n").size(), 1u);
  EXPECT_EQ(parse_whole(line + "\r\n")[0].find("error"), std::string::npos);
}

TEST(NatsParser, TakesAPayloadOfExactlyTheLimit) {
  const std::string payload(kPayloadMax, '\n');
  const auto commands = parse_whole("PUB a 1024\r\n" + payload + "\r\nPING\r\n");
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0], "5|a||||0||false||" + payload);
}

TEST(NatsParser, GivesBackTheMemoryOfALargePayload) {
  constexpr std::size_t kLarge = 4'000'000;
  NatsParser parser(kLineMax, kLarge);
  for (int twice = 0; twice < 2; ++twice) {
    feed(parser, "PUB a 4000000\r\n");
    ASSERT_TRUE(parser.next());
    feed(parser, std::string(kLarge, 'x'));
    feed(parser, "\r\n");
    const auto command = parser.next();
    ASSERT_TRUE(command && *command);
    EXPECT_EQ((*command)->payload.size(), kLarge);
    EXPECT_LT(parser.capacity(), kLarge + 200'000);
    feed(parser, "PING\r\n");
    ASSERT_TRUE(parser.next());
    (void)parser.prepare();
    EXPECT_LT(parser.capacity(), 300'000u);
  }
}

TEST(NatsParser, AnnouncedPayloadTakesNoMemoryThatIsNotFilledYet) {
  NatsParser parser(kLineMax, 8'000'000);
  feed(parser, "PUB a 8000000\r\n");
  const auto command = parser.next();
  ASSERT_TRUE(command);
  EXPECT_FALSE(*command);
  EXPECT_LT(parser.capacity(), 100'000u);
}

constexpr std::string_view kServerSession =
    "INFO {\"max_payload\":1}\r\n"
    "+OK\r\n"
    "MSG a.b 7 5\r\nhello\r\n"
    "msg a.b 7 _INBOX.x 0\r\n\r\n"
    "HMSG a 8 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"
    "HMSG a 8 reply 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"
    "PING\r\nPONG\r\n"
    "-ERR 'Stale Connection'\r\n";

TEST(NatsParser, ReadsWhatAServerSays) {
  NatsParser parser(kLineMax, kPayloadMax, NatsSide::client);
  feed(parser, kServerSession);
  const auto next = [&] {
    auto command = parser.next();
    EXPECT_TRUE(command && *command);
    return command && *command ? **command : NatsCommand();
  };
  auto command = next();
  EXPECT_EQ(command.op, NatsOp::info);
  EXPECT_EQ(command.json, R"({"max_payload":1})");
  EXPECT_EQ(next().op, NatsOp::ok);
  command = next();
  EXPECT_EQ(command.op, NatsOp::msg);
  EXPECT_EQ(command.subject, "a.b");
  EXPECT_EQ(command.sid, "7");
  EXPECT_EQ(command.reply, "");
  EXPECT_EQ(as_text(command.payload), "hello");
  command = next();
  EXPECT_EQ(command.reply, "_INBOX.x");
  EXPECT_TRUE(command.payload.empty());
  command = next();
  EXPECT_TRUE(command.has_headers);
  EXPECT_EQ(command.sid, "8");
  EXPECT_EQ(as_text(command.payload), "hi");
  command = next();
  EXPECT_EQ(command.reply, "reply");
  EXPECT_EQ(command.headers, "NATS/1.0 503\r\n\r\n");
  EXPECT_EQ(next().op, NatsOp::ping);
  EXPECT_EQ(next().op, NatsOp::pong);
  command = next();
  EXPECT_EQ(command.op, NatsOp::err);
  EXPECT_EQ(command.json, "Stale Connection");
}

TEST(NatsParser, ReadsWhatAServerSaysHoweverItIsSplit) {
  const auto whole = parse({kServerSession}, NatsSide::client);
  EXPECT_EQ(whole.size(), 9u);
  for (std::size_t cut = 0; cut <= kServerSession.size(); ++cut)
    EXPECT_EQ(parse({kServerSession.substr(0, cut), kServerSession.substr(cut)}, NatsSide::client),
              whole)
        << "cut at " << cut;
}

TEST(NatsParser, TakesEachSidesWordsForItsOwnOnly) {
  for (const auto text :
       {"PUB a 0\r\n\r\n", "SUB a 1\r\n", "CONNECT {}\r\n", "MSG a 1\r\n", "MSG a 1 x\r\n",
        "HMSG a 1 9 8\r\n", "MSG a 1 r q 0\r\n", "MSG a 1 2000\r\n"}) {
    const auto said = parse({text}, NatsSide::client);
    ASSERT_EQ(said.size(), 1u) << text;
    EXPECT_TRUE(said[0].starts_with("error ")) << text;
  }
  for (const auto text : {"MSG a 1 0\r\n\r\n", "INFO {}\r\n", "+OK\r\n", "-ERR 'x'\r\n"}) {
    const auto said = parse({text}, NatsSide::server);
    ASSERT_EQ(said.size(), 1u) << text;
    EXPECT_TRUE(said[0].starts_with("error ")) << text;
  }
}

}  // namespace
}  // namespace trellis::lattice
