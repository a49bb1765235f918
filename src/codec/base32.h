// base32 of RFC 4648, upper case, no padding: how nkeys are written.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::codec {

std::string base32_encode(BytesView bytes);
Result<Bytes> base32_decode(std::string_view text);  // refuses lower case, padding, stray bits

}  // namespace trellis::codec
