// The key-value contract in Redis' words, and Redis' answers in the contract's bytes. Which command
// stands for which operation is as in the kvredis of 2022: docs/protocol.md §10. Pure.
#pragma once

#include "capability/keyvalue_contract.h"
#include "keyvalue/redis_reader.h"

namespace trellis::keyvalue {

Bytes redis_command(const capability::KeyValueCall& call);

// Errors: what Redis says, as "redis error: …".
Result<Bytes> redis_answer(const capability::KeyValueCall& call, const redisReply& reply);

}  // namespace trellis::keyvalue
