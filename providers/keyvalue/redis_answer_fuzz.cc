// Any bytes as what a Redis sends: each answer that the reader finds becomes bytes of the contract,
// or an error, for every operation.
#include "base/check.h"
#include "keyvalue/redis_commands.h"

namespace {

using namespace trellis;
using namespace trellis::keyvalue;
using capability::KeyValueOp;

void answer_every_way(const redisReply& reply) {
  for (int op = 0; op <= static_cast<int>(KeyValueOp::set_clear); ++op) {
    const capability::KeyValueCall call{
        .op = static_cast<KeyValueOp>(op), .key = "k", .value = {}, .names = {}};
    const auto answer = redis_answer(call, reply);
    CHECK(answer || !answer.error().detail.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  RedisReader reader;
  // In pieces, as a connection brings them.
  BytesView rest(data, size);
  while (!rest.empty()) {
    const std::size_t piece = std::min<std::size_t>(rest.size(), 1 + rest.front() % 16);
    reader.feed(rest.first(piece));
    rest = rest.subspan(piece);
    for (;;) {
      const auto reply = reader.next();
      if (!reply) return 0;
      if (!*reply) break;
      answer_every_way(**reply);
    }
  }
  return 0;
}
