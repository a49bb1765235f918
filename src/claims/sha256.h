// SHA-256 of pieces, so that what is hashed need not be copied together first. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"

struct evp_md_ctx_st;

namespace trellis::claims {

class Sha256 {
 public:
  Sha256();
  void add(BytesView bytes);
  // Of all that was added; one of the two, once.
  std::array<std::uint8_t, 32> digest();
  std::string hex_upper();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace trellis::claims
