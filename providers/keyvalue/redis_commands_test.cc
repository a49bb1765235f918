// Goal: each operation is the command that kvredis of 2022 sent, and what Redis answers, expected
// or not, becomes the contract's bytes or an error in Redis' words.
#include "keyvalue/redis_commands.h"

#include <gtest/gtest.h>

#include "codec/hex_test_input.h"

namespace trellis::keyvalue {
namespace {

using capability::KeyValueCall;
using capability::KeyValueOp;

// "GET k" of "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".
std::string sent(KeyValueCall call) {
  call.key = "k";
  call.value = "v";
  RedisReader reader;
  reader.feed(redis_command(call));
  const auto command = reader.next();
  EXPECT_TRUE(command && *command);
  std::string words;
  for (std::size_t i = 0; i < (*command)->elements; ++i) {
    words += i == 0 ? "" : " ";
    words += text_of(*(*command)->element[i]);
  }
  return words;
}
std::string sent(KeyValueOp op) {
  return sent(KeyValueCall{.op = op, .key = {}, .value = {}, .names = {}});
}

TEST(RedisCommands, AreThoseOf2022) {
  EXPECT_EQ(sent(KeyValueOp::get), "GET k");
  EXPECT_EQ(sent(KeyValueOp::set), "SET k v");
  KeyValueCall set{.op = KeyValueOp::set, .key = {}, .value = {}, .names = {}};
  set.expires = 7;
  EXPECT_EQ(sent(set), "SETEX k 7 v");
  for (const auto op : {KeyValueOp::del, KeyValueOp::list_clear, KeyValueOp::set_clear})
    EXPECT_EQ(sent(op), "DEL k");
  EXPECT_EQ(sent(KeyValueOp::contains), "EXISTS k");
  KeyValueCall increment{.op = KeyValueOp::increment, .key = {}, .value = {}, .names = {}};
  increment.by = -3;
  EXPECT_EQ(sent(increment), "INCRBY k -3");
  EXPECT_EQ(sent(KeyValueOp::list_add), "RPUSH k v");
  EXPECT_EQ(sent(KeyValueOp::list_del), "LREM k 1 v");
  KeyValueCall range{.op = KeyValueOp::list_range, .key = {}, .value = {}, .names = {}};
  range.stop = -1;
  EXPECT_EQ(sent(range), "LRANGE k 0 -1");
  EXPECT_EQ(sent(KeyValueOp::set_add), "SADD k v");
  EXPECT_EQ(sent(KeyValueOp::set_del), "SREM k v");
  EXPECT_EQ(sent(KeyValueOp::set_query), "SMEMBERS k");
  KeyValueCall join{.op = KeyValueOp::set_union, .key = {}, .value = {}, .names = {"a", "b"}};
  EXPECT_EQ(sent(join), "SUNION a b");
  join.op = KeyValueOp::set_intersection;
  EXPECT_EQ(sent(join), "SINTER a b");
}

Result<Bytes> answered(KeyValueOp op, std::string_view reply) {
  RedisReader reader;
  reader.feed(as_bytes(reply));
  auto read = reader.next();
  EXPECT_TRUE(read && *read) << reply;
  return redis_answer({.op = op, .key = "k", .value = {}, .names = {}}, **read);
}
std::string hex(KeyValueOp op, std::string_view reply) {
  const auto answer = answered(op, reply);
  return answer ? codec::to_hex(*answer) : answer.error().detail;
}
Error refusal(KeyValueOp op, std::string_view reply) {
  auto answer = answered(op, reply);
  EXPECT_FALSE(answer) << reply;
  return answer ? Error{} : answer.error();
}

TEST(RedisAnswers, BecomeTheContractsBytes) {
  EXPECT_EQ(hex(KeyValueOp::get, "$1\r\nv\r\n"), "82a576616c7565a176a6657869737473c3");
  EXPECT_EQ(hex(KeyValueOp::get, "$-1\r\n"), "82a576616c7565a0a6657869737473c2");
  EXPECT_EQ(hex(KeyValueOp::set, "+OK\r\n"), "");
  EXPECT_EQ(hex(KeyValueOp::del, ":1\r\n"), "c3");
  EXPECT_EQ(hex(KeyValueOp::list_del, ":0\r\n"), "c2");
  EXPECT_EQ(hex(KeyValueOp::increment, ":-5\r\n"), "fb");
  EXPECT_EQ(hex(KeyValueOp::list_add, ":3\r\n"), "03");
  EXPECT_EQ(hex(KeyValueOp::set_query, "*2\r\n$1\r\na\r\n$1\r\nb\r\n"), "92a161a162");
  EXPECT_EQ(hex(KeyValueOp::list_range, "*0\r\n"), "90");
}

TEST(RedisAnswers, ErrorsKeepTheirWordsAndSayWhatCanBeDone) {
  const auto kind = refusal(KeyValueOp::get, "-WRONGTYPE Operation against a key\r\n");
  EXPECT_EQ(kind.detail, "redis error: WRONGTYPE Operation against a key");
  EXPECT_EQ(kind.code, Errc::invalid);
  EXPECT_EQ(refusal(KeyValueOp::get, "-NOAUTH x\r\n").code, Errc::unauthenticated);
  EXPECT_EQ(refusal(KeyValueOp::get, "-NOPERM x\r\n").code, Errc::denied);
  EXPECT_EQ(refusal(KeyValueOp::set, "-OOM x\r\n").code, Errc::exhausted);
  EXPECT_EQ(refusal(KeyValueOp::set, "-LOADING x\r\n").code, Errc::unavailable);
  EXPECT_NE(refusal(KeyValueOp::increment, ":2147483648\r\n").detail.find("'k' is at 2147483648"),
            std::string::npos);
}

TEST(RedisAnswers, OfAnotherKindAreNotBelieved) {
  EXPECT_EQ(refusal(KeyValueOp::get, ":1\r\n").code, Errc::corrupt);
  EXPECT_EQ(refusal(KeyValueOp::del, "$1\r\n1\r\n").code, Errc::corrupt);
  EXPECT_EQ(refusal(KeyValueOp::set_query, "*1\r\n:1\r\n").code, Errc::corrupt);
  EXPECT_EQ(refusal(KeyValueOp::set_query, "+OK\r\n").code, Errc::corrupt);
  RedisReader liar;
  liar.feed(as_bytes("*1000000000\r\n"));
  EXPECT_EQ(liar.next().error().code, Errc::exhausted);
  RedisReader stranger;
  stranger.feed(as_bytes("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_EQ(stranger.next().error().code, Errc::corrupt);
}

}  // namespace
}  // namespace trellis::keyvalue
