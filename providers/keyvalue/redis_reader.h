// Redis' answers out of the bytes of a connection: hiredis' reader, kept from believing
// announcements. Belongs to one core.
#pragma once

#include <hiredis/hiredis.h>

#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::keyvalue {

struct ReplyFree {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using RedisReply = std::unique_ptr<redisReply, ReplyFree>;

// A command as it is sent, from its words.
Bytes redis_words(std::span<const std::string_view> words);

class RedisReader {
 public:
  RedisReader();

  void feed(BytesView bytes);
  // The next answer, or null when the bytes do not hold one yet. Errors, after which nothing more
  // comes: corrupt (this is not the protocol of Redis), exhausted (an answer of too many elements).
  Result<RedisReply> next();

 private:
  struct ReaderFree {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };
  const std::unique_ptr<redisReader, ReaderFree> reader_;
};

// What an answer says, if it is a text or an error.
std::string_view text_of(const redisReply& reply);

}  // namespace trellis::keyvalue
