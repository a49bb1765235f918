// Any bytes, split anywhere: the commands are the same as when they come at once, and views lie
// within what was sent. The first byte says how the rest is split, and whether a server or a client
// reads.
#include <algorithm>
#include <cstring>
#include <string>

#include "base/check.h"
#include "lattice/nats_parser.h"
#include "lattice/nats_text.h"
#include "lattice/subjects.h"

namespace {

using namespace trellis;
using namespace trellis::lattice;

// Everything the parser says about `bytes`, given in pieces of `step`.
std::string transcript(std::string_view bytes, std::size_t step, NatsSide side) {
  NatsParser parser(256, 512, side);
  std::string said;
  while (!bytes.empty()) {
    const auto space = parser.prepare();
    const auto size = std::min({space.size(), bytes.size(), step});
    std::memcpy(space.data(), bytes.data(), size);
    parser.commit(size);
    bytes.remove_prefix(size);
    for (;;) {
      const auto command = parser.next();
      if (!command) return said + "error " + command.error().detail;
      if (!*command) break;
      const auto& c = **command;
      said += std::to_string(static_cast<int>(c.op)) + std::to_string(c.max);
      for (const auto text :
           {c.subject, c.reply, c.queue, c.sid, c.json, c.headers, as_text(c.payload)}) {
        said += text;
        said += '\x01';
      }
      CHECK(c.headers.size() + c.payload.size() <= 512);
      if (c.has_headers) {
        auto headers = parse_nats_header_block(c.headers);
        // What is a legal header survives being written and read.
        if (check_headers(headers))
          CHECK(parse_nats_header_block(nats_header_block(headers)) == headers);
      }
      (void)valid_pattern(c.subject);
      if (c.op == NatsOp::info) (void)parse_nats_info(c.json);
    }
  }
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = as_text({data + 1, size - 1});
  const auto side = data[0] & 128 ? NatsSide::client : NatsSide::server;
  CHECK(transcript(bytes, 1 + data[0] % 97, side) == transcript(bytes, bytes.size() + 1, side));
  return 0;
}
