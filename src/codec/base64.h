// base64 in its three forms: standard with padding (HostData), URL-safe without (JWT), URL-safe
// with padding (object-store names). Strict: no white space, no stray bits.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::codec {

enum class Base64 { standard, url, url_padded };

std::string base64_encode(BytesView bytes, Base64 form);
Result<Bytes> base64_decode(std::string_view text,
                            Base64 form);  // padding optional when `standard`

}  // namespace trellis::codec
