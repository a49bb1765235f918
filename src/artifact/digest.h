// SHA-256 of blobs in the form OCI writes it. Pure.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"

namespace trellis::artifact {

std::string digest_of(BytesView bytes);  // "sha256:" and 64 lower-case hex digits

// The same of bytes that come piece by piece.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester(Digester&&) noexcept;
  Digester& operator=(Digester&&) noexcept;

  void add(BytesView bytes);
  std::string digest();  // of all that was added; once, and then no more

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trellis::artifact
