// Any text is either no reference or one whose parts, put together again, are that reference.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "artifact/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trellis::artifact;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto reference = parse_reference(text);
      reference && reference->kind == Reference::Kind::oci) {
    auto whole = reference->tagged();
    if (!reference->digest.empty()) whole += "@" + reference->digest;
    if (whole != reference->text) std::abort();
  }
  return 0;
}
