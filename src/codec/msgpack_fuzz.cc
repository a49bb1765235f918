// Any bytes: our reader and an independent one accept the same and read the same; what is written
// again reads the same; no reading function runs past the end.
#include <cstdio>

#include "base/check.h"
#include "codec/msgpack.h"
#include "codec/msgpack_oracle.h"

namespace {

using namespace trellis;
using namespace trellis::codec;

template <class Read>
void read_from_start(BytesView in, Read read) {
  MsgpackReader reader(in);
  if (read(reader)) {
    CHECK(reader.position() > 0 && reader.position() <= in.size());
  } else {
    CHECK(reader.position() == 0);
  }
}

void read_every_way(BytesView in) {
  read_from_start(in, [](MsgpackReader& r) { return r.boolean().has_value(); });
  read_from_start(in, [](MsgpackReader& r) { return r.uint().has_value(); });
  read_from_start(in, [](MsgpackReader& r) { return r.sint().has_value(); });
  read_from_start(in, [](MsgpackReader& r) { return r.floating().has_value(); });
  read_from_start(in, [](MsgpackReader& r) { return r.text().has_value(); });
  read_from_start(in, [](MsgpackReader& r) { return r.bytes().has_value(); });
  read_from_start(in, [](MsgpackReader& r) { return r.array().has_value(); });
  read_from_start(in, [](MsgpackReader& r) { return r.map().has_value(); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  read_every_way(in);
  const std::string disagreement = oracle::disagreement(in);
  if (!disagreement.empty()) std::fprintf(stderr, "%s\n", disagreement.c_str());
  CHECK(disagreement.empty());
  for (const BinaryAs binary : {BinaryAs::array, BinaryAs::string, BinaryAs::both}) {
    const auto value = msgpack_to_json(in, binary);
    if (!value) continue;
    const Bytes again = json_to_msgpack(*value);
    CHECK(json_to_msgpack(msgpack_to_json(again, binary).value()) == again);
  }
  return 0;
}
