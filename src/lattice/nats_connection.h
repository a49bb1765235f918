// One connection to a NATS server: made with its handshake (TLS, credentials), then it reads what
// the server says until it ends, and writes what waits, once for each turn of the loop. Made anew
// by NatsBus for every attempt; core 0; not thread-safe. A server that says nothing is asked, and
// given up when it does not answer.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "base/limits.h"
#include "base/line_rate.h"
#include "lattice/bus.h"
#include "lattice/nats_parser.h"
#include "lattice/nats_text.h"
#include "lattice/write_queue.h"
#include "runtime/core.h"

namespace trellis::lattice {

struct NatsServer {
  std::string host;
  std::uint16_t port = 4222;
  std::string tls_name{};       // in its certificate; "" is the host
  std::string address() const;  // host:port
  // "host", "host:port", "[::1]:4222", "nats://…", "tls://…". Error: invalid.
  static Result<NatsServer> parse(std::string_view text);
  bool operator==(const NatsServer&) const = default;
};

struct NatsTls {
  bool required = false;            // also used, unasked, when the server requires it
  std::string ca_file;              // "": the system's
  std::string cert_file, key_file;  // of this client, when the server asks for one
};

struct NatsConnectionOptions {
  std::string name;  // of this client, shown by the server
  NatsCredentials credentials{};
  NatsTls tls{};
  std::size_t pending_bytes_max = limits::kBusPendingBytesMax;
  std::chrono::milliseconds ping_interval{8'000};  // a server that says nothing is asked
};

class NatsConnection : public std::enable_shared_from_this<NatsConnection> {
 public:
  // Errors: unavailable (nobody there, no NATS there), unauthenticated (the server does not take
  // these credentials), invalid (a key or a file of ours), timeout.
  static runtime::Task<std::shared_ptr<NatsConnection>> connect(
      const NatsConnectionOptions& options, NatsServer server, runtime::Deadline deadline);
  ~NatsConnection();

  const NatsServerInfo& info() const { return info_; }
  const NatsServer& server() const { return server_; }

  // Reads until the connection ends, and says why it did. `take` gets every message, as views that
  // hold during the call. `told` runs when info() has changed: the servers of a cluster tell of
  // each other, and one that is about to stop says so.
  static runtime::Task<std::string> run(std::shared_ptr<NatsConnection> self,
                                        std::function<void(const NatsCommand&)> take,
                                        std::function<void()> told);

  // What the server refuses of what is published: the subject, and its words.
  void on_refused(std::function<void(std::string_view subject, const std::string& why)> refused) {
    refused_ = std::move(refused);
  }

  // Errors: exhausted (too much waits to be written), unavailable (it has ended).
  Result<void> publish(Message&& message);
  Result<void> subscribe(std::string_view subject, std::string_view queue_group, std::uint64_t sid);
  void unsubscribe(std::uint64_t sid);
  // Asks the server whether it is there; `answered` runs when it says so, or the connection ends.
  void ask(std::function<void()> answered);
  bool all_written() const { return pending() == 0; }

  void close(std::string why);  // run() ends with it

 private:
  using Socket = runtime::asio::basic_stream_socket<runtime::asio::ip::tcp, runtime::Executor>;
  using TlsStream = runtime::asio::ssl::stream<Socket>;
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kPartsMax = 64;  // of one write

  NatsConnection(const NatsConnectionOptions& options, NatsServer server);
  runtime::Task<void> open_socket(runtime::Deadline deadline);
  runtime::Task<void> shake_hands();
  runtime::Task<void> start_tls();
  runtime::Task<std::size_t> read_some();
  runtime::Task<NatsCommand> next_command();
  static runtime::Task<void> watch(std::weak_ptr<NatsConnection> weak,
                                   std::chrono::milliseconds interval);

  std::size_t pending() const { return out_.size() + in_flight_.size(); }
  void answered();
  void hear_error(std::string_view text);
  void flush_soon();
  void write_some();
  void written(const boost::system::error_code& error, std::size_t bytes);

  const NatsConnectionOptions& options_;  // during connect() only
  const std::size_t pending_bytes_max_;
  const std::chrono::milliseconds ping_interval_;
  const NatsServer server_;
  NatsServerInfo info_;
  NatsParser parser_;
  std::unique_ptr<runtime::asio::ssl::context> tls_context_;
  std::variant<Socket, std::unique_ptr<TlsStream>> stream_;

  WriteQueue out_;        // what is to be written next
  WriteQueue in_flight_;  // what is being written; stays where it is meanwhile
  std::array<runtime::asio::const_buffer, kPartsMax> parts_;  // of in_flight_
  bool flush_posted_ = false;
  bool writing_ = false;
  bool open_ = true;
  std::string why_;         // it ended
  std::string last_error_;  // the server's; it may close the connection for it
  Clock::time_point last_error_at_{};
  log::LineRate errors_logged_;
  std::function<void(std::string_view, const std::string&)> refused_;
  Clock::time_point heard_at_ = Clock::now();
  bool asked_ = false;                         // whether it is still there
  std::deque<std::function<void()>> awaited_;  // what waits for a PONG, in order
};

}  // namespace trellis::lattice
