#include "net/stream.h"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "runtime/lookup.h"

namespace trellis::net {
namespace {

namespace asio = boost::asio;
using AnyProtocol = asio::generic::stream_protocol;
using AnySocket = asio::basic_stream_socket<AnyProtocol, runtime::Executor>;
using Endpoint = AnyProtocol::endpoint;

std::string text_of(const Stream::Target& target) {
  if (!target.unix_path.empty()) return target.unix_path;
  const bool ip6 = target.host.find(':') != std::string::npos;
  return ip6 ? fmt::format("[{}]:{}", target.host, target.port)
             : fmt::format("{}:{}", target.host, target.port);
}

Error lost(const boost::system::error_code& ec, const std::string& peer) {
  Error error = runtime::error_from(ec, "net.stream", fmt::format("the connection to {}", peer));
  if (error.code != Errc::cancelled) error.code = Errc::unavailable;
  return error;
}

// `Io` is the socket itself, or TLS around it.
template <class Io>
class StreamOver final : public Stream {
 public:
  StreamOver(std::unique_ptr<Io> io, std::string peer)
      : io_(std::move(io)), peer_(std::move(peer)) {}

  runtime::Task<std::size_t> read_some(std::span<std::uint8_t> into) override {
    const auto [ec, count] =
        co_await io_->async_read_some(asio::buffer(into.data(), into.size()), runtime::kAwait);
    if (ec) co_return fail(lost(ec, peer_));
    co_return count;
  }
  runtime::Task<void> write_all(BytesView bytes) override {
    const auto [ec, count] =
        co_await asio::async_write(*io_, asio::buffer(bytes.data(), bytes.size()), runtime::kAwait);
    if (ec) co_return fail(lost(ec, peer_));
    co_return Result<void>{};
  }
  void close() override {
    boost::system::error_code ignored;
    io_->lowest_layer().close(ignored);
  }

 private:
  const std::unique_ptr<Io> io_;
  const std::string peer_;
};

asio::ssl::context client_context() {
  asio::ssl::context context(asio::ssl::context::tls_client);
  boost::system::error_code ignored;  // without the system's CAs nothing verifies, and that is said
  context.set_default_verify_paths(ignored);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  return context;
}

// TLS and the context it needs, which must outlive it.
struct TlsIo {
  explicit TlsIo(AnySocket socket)
      : context(client_context()), stream(std::move(socket), context) {}
  asio::ssl::context context;
  asio::ssl::stream<AnySocket> stream;

  auto& lowest_layer() { return stream.lowest_layer(); }
  auto get_executor() { return stream.get_executor(); }
  using executor_type = runtime::Executor;
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return stream.async_read_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return stream.async_write_some(buffers, std::forward<Token>(token));
  }
};

runtime::Task<std::vector<Endpoint>> endpoints_of(Stream::Target target,
                                                  runtime::Deadline deadline) {
  std::vector<Endpoint> endpoints;
  if (!target.unix_path.empty()) {
    constexpr std::size_t kPathMax = 107;  // sockaddr_un
    if (target.unix_path.size() > kPathMax)
      co_return fail(Errc::invalid, "net.stream",
                     fmt::format("the path {} is too long for a socket", target.unix_path));
    endpoints.emplace_back(asio::local::stream_protocol::endpoint(target.unix_path));
    co_return endpoints;
  }
  CO_TRY(const auto found, co_await runtime::look_up(target.host, target.port, deadline));
  endpoints.assign(found.begin(), found.end());
  co_return endpoints;
}

runtime::Task<AnySocket> connect_any(std::vector<Endpoint> endpoints, std::string peer) {
  boost::system::error_code last;
  for (const auto& endpoint : endpoints) {
    AnySocket socket(runtime::Core::current().executor());
    const auto [ec] = co_await socket.async_connect(endpoint, runtime::kAwait);
    if (!ec) {
      boost::system::error_code ignored;  // a local socket has no such option
      socket.set_option(asio::ip::tcp::no_delay(true), ignored);
      socket.set_option(asio::socket_base::keep_alive(true), ignored);
      co_return socket;
    }
    last = ec;
    if (ec == asio::error::operation_aborted) break;
  }
  Error error = runtime::error_from(last, "net.stream", fmt::format("cannot connect to {}", peer));
  if (error.code != Errc::cancelled) error.code = Errc::unavailable;
  co_return fail(std::move(error));
}

runtime::Task<std::unique_ptr<Stream>> over_tls(AnySocket socket, Stream::Target target) {
  auto io = std::make_unique<TlsIo>(std::move(socket));
  boost::system::error_code ec;
  io->stream.set_verify_mode(asio::ssl::verify_peer, ec);
  io->stream.set_verify_callback(asio::ssl::host_name_verification(target.host), ec);
  asio::ip::make_address(target.host, ec);
  if (ec) SSL_set_tlsext_host_name(io->stream.native_handle(), target.host.c_str());  // a name
  const auto [failed] =
      co_await io->stream.async_handshake(asio::ssl::stream_base::client, runtime::kAwait);
  if (failed) {
    Error error = runtime::error_from(failed, "net.stream.tls",
                                      fmt::format("no TLS connection to {}", text_of(target)));
    if (error.code != Errc::cancelled) error.code = Errc::unavailable;
    co_return fail(std::move(error));
  }
  co_return std::make_unique<StreamOver<TlsIo>>(std::move(io), text_of(target));
}

runtime::Task<std::unique_ptr<Stream>> connect_now(Stream::Target target,
                                                   runtime::Deadline deadline) {
  CO_TRY(auto endpoints, co_await endpoints_of(target, deadline));
  CO_TRY(auto socket, co_await connect_any(std::move(endpoints), text_of(target)));
  if (target.tls) co_return co_await over_tls(std::move(socket), std::move(target));
  co_return std::make_unique<StreamOver<AnySocket>>(std::make_unique<AnySocket>(std::move(socket)),
                                                    text_of(target));
}

}  // namespace

runtime::Task<std::unique_ptr<Stream>> Stream::connect(Target target, runtime::Deadline deadline) {
  const std::string peer = text_of(target);
  auto stream = co_await runtime::with_deadline<std::unique_ptr<Stream>>(
      connect_now(std::move(target), deadline), deadline, "net.stream");
  if (!stream && stream.error().code == Errc::timeout)
    co_return fail(Errc::timeout, "net.stream",
                   fmt::format("cannot connect to {}: no answer in time", peer));
  co_return stream;
}

}  // namespace trellis::net
