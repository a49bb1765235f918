// Any bytes: what decodes as an invocation or a response encodes to bytes that decode to the same,
// and nothing the fuzzer makes passes the checks of a verifier whose cluster key it does not have.
#include <string>

#include "base/check.h"
#include "lattice/invocation.h"
#include "lattice/link.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trellis;
  using namespace trellis::lattice;
  static InvocationVerifier verifier(
      {.cluster_issuers = {claims::KeyPair::generate(claims::KeyType::cluster).public_key()},
       .lattice = "default"});
  const BytesView bytes(data, size);
  if (const auto invocation = decode_invocation(bytes)) {
    const auto again = decode_invocation(encode(*invocation));
    CHECK(again && *again == *invocation);
    CHECK(invocation_hash(*invocation).size() == 64);
    CHECK(!verifier.verify(*invocation, invocation->target.public_key, 1'669'593'600));
  }
  if (const auto response = decode_invocation_response(bytes)) {
    const auto again = decode_invocation_response(encode(*response));
    CHECK(again && *again == *response);
  }
  if (const auto link = link_from_msgpack(bytes)) {
    const auto again = link_from_msgpack(to_msgpack(*link, true));
    CHECK(again && *again == *link);
  }
  return 0;
}
