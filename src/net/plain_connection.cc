#include "net/connection.h"

namespace trellis::net {
namespace {

struct PlainStream {
  static constexpr bool kTls = false;
  explicit PlainStream(Socket s) : plain(std::move(s)) {}
  Socket& socket() { return plain; }
  Socket& io() { return plain; }
  Socket plain;
};

}  // namespace

std::unique_ptr<ConnectionBase> plain_connection(ConnectionHome& home, Socket socket,
                                                 std::string remote) {
  return std::make_unique<Connection<PlainStream>>(home, std::move(remote), std::move(socket));
}

}  // namespace trellis::net
