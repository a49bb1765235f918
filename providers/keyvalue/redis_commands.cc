#include "keyvalue/redis_commands.h"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace trellis::keyvalue {
namespace {

using capability::KeyValueCall;
using capability::KeyValueOp;

constexpr const char* kSite = "kvredis.answer";

// What the caller can do about it, from the first word of Redis' error.
Errc code_of(std::string_view text) {
  const auto word = text.substr(0, text.find(' '));
  if (word == "NOAUTH" || word == "WRONGPASS") return Errc::unauthenticated;
  if (word == "NOPERM") return Errc::denied;
  if (word == "OOM") return Errc::exhausted;
  for (const auto passing :
       {"LOADING", "BUSY", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"})
    if (word == passing) return Errc::unavailable;
  return Errc::invalid;
}

tl::unexpected<Error> unexpected_type(const redisReply& reply) {
  return fail(Errc::corrupt, kSite,
              fmt::format("redis error: an answer of type {} was not expected", reply.type));
}

Result<Bytes> got(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_NIL) return capability::encode_get_response(std::nullopt);
  if (reply.type != REDIS_REPLY_STRING) return unexpected_type(reply);
  return capability::encode_get_response(text_of(reply));
}

Result<Bytes> flag(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_INTEGER) return unexpected_type(reply);
  return capability::encode_flag(reply.integer > 0);
}

Result<Bytes> number(const redisReply& reply, std::int64_t min, std::int64_t max,
                     std::string_view key) {
  if (reply.type != REDIS_REPLY_INTEGER) return unexpected_type(reply);
  if (reply.integer < min || reply.integer > max) {
    return fail(Errc::invalid, kSite,
                fmt::format("redis error: '{}' is at {} now, which the contract has no room for",
                            key, reply.integer));
  }
  return capability::encode_number(reply.integer);
}

Result<Bytes> strings(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY) return unexpected_type(reply);
  std::vector<std::string_view> values;
  values.reserve(reply.elements);
  for (std::size_t i = 0; i < reply.elements; ++i) {
    if (reply.element[i]->type != REDIS_REPLY_STRING) return unexpected_type(*reply.element[i]);
    values.push_back(text_of(*reply.element[i]));
  }
  return capability::encode_strings(values);
}

Bytes of_names(std::string_view command, const std::vector<std::string_view>& names) {
  std::vector<std::string_view> words{command};
  words.insert(words.end(), names.begin(), names.end());
  return redis_words(words);
}

Bytes of_words(std::initializer_list<std::string_view> words) {
  return redis_words(std::span(words.begin(), words.size()));
}

}  // namespace

Bytes redis_command(const KeyValueCall& call) {
  switch (call.op) {
    case KeyValueOp::get:
      return of_words({"GET", call.key});
    case KeyValueOp::set:
      if (call.expires == 0) return of_words({"SET", call.key, call.value});
      return of_words({"SETEX", call.key, std::to_string(call.expires), call.value});
    case KeyValueOp::del:
    case KeyValueOp::list_clear:
    case KeyValueOp::set_clear:
      return of_words({"DEL", call.key});
    case KeyValueOp::contains:
      return of_words({"EXISTS", call.key});
    case KeyValueOp::increment:
      return of_words({"INCRBY", call.key, std::to_string(call.by)});
    case KeyValueOp::list_add:
      return of_words({"RPUSH", call.key, call.value});
    case KeyValueOp::list_del:
      return of_words({"LREM", call.key, "1", call.value});
    case KeyValueOp::list_range:
      return of_words({"LRANGE", call.key, std::to_string(call.start), std::to_string(call.stop)});
    case KeyValueOp::set_add:
      return of_words({"SADD", call.key, call.value});
    case KeyValueOp::set_del:
      return of_words({"SREM", call.key, call.value});
    case KeyValueOp::set_intersection:
      return of_names("SINTER", call.names);
    case KeyValueOp::set_union:
      return of_names("SUNION", call.names);
    case KeyValueOp::set_query:
      return of_words({"SMEMBERS", call.key});
  }
  return {};
}

Result<Bytes> redis_answer(const KeyValueCall& call, const redisReply& reply) {
  if (reply.type == REDIS_REPLY_ERROR) {
    return fail(code_of(text_of(reply)), kSite, fmt::format("redis error: {}", text_of(reply)));
  }
  switch (call.op) {
    case KeyValueOp::get:
      return got(reply);
    case KeyValueOp::set:
      return Bytes{};
    case KeyValueOp::del:
    case KeyValueOp::contains:
    case KeyValueOp::list_del:
    case KeyValueOp::list_clear:
    case KeyValueOp::set_clear:
      return flag(reply);
    case KeyValueOp::increment:
      return number(reply, INT32_MIN, INT32_MAX, call.key);
    case KeyValueOp::list_add:
    case KeyValueOp::set_add:
    case KeyValueOp::set_del:
      return number(reply, 0, UINT32_MAX, call.key);
    case KeyValueOp::list_range:
    case KeyValueOp::set_intersection:
    case KeyValueOp::set_union:
    case KeyValueOp::set_query:
      return strings(reply);
  }
  return unexpected_type(reply);
}

}  // namespace trellis::keyvalue
