#include "net/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <filesystem>

#include <boost/asio/ssl/stream.hpp>

#include "net/connection.h"

namespace trellis::net {
namespace {

tl::unexpected<Error> refuse(std::string detail) {
  ERR_clear_error();
  return fail(Errc::invalid, "net.tls", std::move(detail));
}

std::string reason(const boost::system::error_code& ec) { return ec.message(); }

bool readable(const std::string& path) {
  std::error_code ec;
  return std::filesystem::is_regular_file(path, ec);
}

}  // namespace

struct TlsContext::Impl {
  asio::ssl::context context{asio::ssl::context::tls_server};
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::load(const TlsFiles& files) {
  if (files.certificate_path.empty() || files.private_key_path.empty())
    return refuse("TLS needs a certificate file and a private key file; one of them is not given");
  for (const auto& [what, path] : {std::pair("certificate", &files.certificate_path),
                                   std::pair("private key", &files.private_key_path)})
    if (!readable(*path)) return refuse(fmt::format("cannot read the {} file '{}'", what, *path));

  auto impl = std::make_unique<Impl>();
  boost::system::error_code ec;
  SSL_CTX* native = impl->context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  impl->context.use_certificate_chain_file(files.certificate_path, ec);
  if (ec)
    return refuse(fmt::format("'{}' is not a certificate in PEM form: {}", files.certificate_path,
                              reason(ec)));
  impl->context.use_private_key_file(files.private_key_path, asio::ssl::context::pem, ec);
  // OpenSSL compares the pair while it loads the key, so a mismatch shows here or below.
  const bool mismatch =
      ec && ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == X509_R_KEY_VALUES_MISMATCH;
  if (ec && !mismatch)
    return refuse(fmt::format("'{}' is not a private key in PEM form: {}", files.private_key_path,
                              reason(ec)));
  if (mismatch || SSL_CTX_check_private_key(native) != 1)
    return refuse(fmt::format("the private key '{}' does not belong to the certificate '{}'",
                              files.private_key_path, files.certificate_path));
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

namespace {

struct TlsStream {
  static constexpr bool kTls = true;
  TlsStream(Socket socket, TlsContext& tls) : stream(std::move(socket), tls.impl().context) {}
  Socket& socket() { return stream.next_layer(); }
  auto& io() { return stream; }
  runtime::Task<void> handshake() {
    const auto [ec] =
        co_await stream.async_handshake(asio::ssl::stream_base::server, runtime::kAwait);
    if (ec) co_return fail(runtime::error_from(ec, "net.tls.handshake", "TLS handshake"));
    co_return Result<void>{};
  }
  // Says goodbye, so that the peer can tell the end from a cut. Its own goodbye is not worth much.
  asio::awaitable<void, runtime::Executor> farewell() {
    const auto [ec] = co_await stream.async_shutdown(runtime::kAwait);
    (void)ec;
  }
  asio::ssl::stream<Socket> stream;
};

}  // namespace

std::unique_ptr<ConnectionBase> tls_connection(ConnectionHome& home, Socket socket,
                                               std::string remote, TlsContext& tls) {
  return std::make_unique<Connection<TlsStream>>(home, std::move(remote), std::move(socket), tls);
}

}  // namespace trellis::net
