#include "keyvalue/redis_reader.h"

#include <fmt/format.h>

#include <vector>

namespace trellis::keyvalue {
namespace {

constexpr const char* kSite = "kvredis.reader";
// hiredis makes room for as many elements as an answer announces; one that lies must not get it.
constexpr int kElementsMax = 4 << 20;

const redisReplyObjectFunctions& hiredis_own() {
  static const redisReplyObjectFunctions kOwn = [] {
    redisReader* reader = redisReaderCreate();
    const redisReplyObjectFunctions functions = *reader->fn;
    redisReaderFree(reader);
    return functions;
  }();
  return kOwn;
}

void* create_array(const redisReadTask* task, int elements) {
  return elements > kElementsMax ? nullptr : hiredis_own().createArray(task, elements);
}

redisReader* make_reader() {
  static redisReplyObjectFunctions functions = [] {
    auto bounded = hiredis_own();
    bounded.createArray = create_array;
    return bounded;
  }();
  return redisReaderCreateWithFunctions(&functions);
}

}  // namespace

Bytes redis_words(std::span<const std::string_view> words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* formatted = nullptr;
  const int size = redisFormatCommandArgv(&formatted, static_cast<int>(words.size()), texts.data(),
                                          sizes.data());
  Bytes command;
  if (size > 0) command.assign(formatted, formatted + size);
  redisFreeCommand(formatted);
  return command;
}

RedisReader::RedisReader() : reader_(make_reader()) {}

void RedisReader::feed(BytesView bytes) {  // what goes wrong here, next() tells
  redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<RedisReply> RedisReader::next() {
  void* raw = nullptr;
  if (redisReaderGetReply(reader_.get(), &raw) == REDIS_OK)
    return RedisReply(static_cast<redisReply*>(raw));
  if (reader_->err == REDIS_ERR_OOM)
    return fail(Errc::exhausted, kSite,
                fmt::format("an answer of more than {} elements", kElementsMax));
  return fail(Errc::corrupt, kSite, reader_->errstr);
}

std::string_view text_of(const redisReply& reply) {
  return reply.str == nullptr ? std::string_view{} : std::string_view(reply.str, reply.len);
}

}  // namespace trellis::keyvalue
