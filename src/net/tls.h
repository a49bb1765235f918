// A server's certificate and key, ready to serve. OpenSSL stays behind it, in tls.cc.
#pragma once

#include <memory>

#include "base/result.h"
#include "net/http_server.h"

namespace trellis::net {

// Immutable after load(); shared by all cores.
class TlsContext {
 public:
  // Fails with the file and the reason when a file is missing, is not PEM, or the two do not belong
  // together. TLS 1.2 and newer.
  static Result<std::unique_ptr<TlsContext>> load(const TlsFiles& files);
  ~TlsContext();

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::net
