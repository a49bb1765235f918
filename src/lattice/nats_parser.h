// Reads the NATS client protocol, as a server does (what clients write) or as a client does (what a
// server writes): bytes go in as they come from the socket, split anywhere, commands come out
// whole, as views into the parser's buffer. Owned by BusClient and NatsConnection; not thread-safe.
// Memory: one buffer, as large as the control line and the one payload that is being read.
// Protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::lattice {

enum class NatsOp { connect, ping, pong, sub, unsub, pub, info, msg, ok, err };
enum class NatsSide { server, client };  // who reads

struct NatsCommand {
  NatsOp op = NatsOp::ping;
  std::string_view subject, reply;  // pub, msg; sub has a pattern in subject
  std::string_view queue, sid;      // sub, unsub; msg has a sid
  std::uint64_t max = 0;            // unsub: after so many messages, 0 at once
  std::string_view json;            // connect, info; err has its text here
  bool has_headers = false;         // HPUB, HMSG
  std::string_view headers;         // the block with its last empty line
  BytesView payload;                // without the headers
};

class NatsParser {
 public:
  NatsParser(std::size_t control_line_max, std::size_t payload_max,
             NatsSide side = NatsSide::server)
      : control_line_max_(control_line_max), payload_max_(payload_max), side_(side) {}

  // Where to read the next bytes to; never empty. Then commit() how many came, and next() until it
  // gives nothing. Views of commands end with the next call of prepare() or next().
  std::span<std::uint8_t> prepare();
  void commit(std::size_t bytes);

  // The next whole command, or nullopt when more bytes are needed. An error is final; its detail is
  // the text of the -ERR line.
  Result<std::optional<NatsCommand>> next();

  std::size_t buffered() const { return end_ - begin_; }
  std::size_t unread() const { return buffered() - consumed_; }  // behind the command given last
  std::size_t capacity() const { return capacity_; }

 private:
  // A piece of the line, by its place: the buffer may move while a payload is awaited.
  struct Piece {
    std::size_t offset = 0, size = 0;
  };
  struct Publish {
    Piece subject, sid, reply;
    std::size_t line = 0;  // bytes of the control line with its end
    std::size_t headers = 0, total = 0;
    bool has_headers = false;
  };

  void drop(std::size_t bytes);
  void make_room(std::size_t bytes);
  std::string_view text(Piece piece) const;
  Result<std::optional<NatsCommand>> parse_line(std::string_view line, std::size_t line_bytes);
  static Result<std::optional<NatsCommand>> parse_client_op(std::string_view op,
                                                            std::string_view arguments);
  static Result<std::optional<NatsCommand>> parse_server_op(std::string_view op,
                                                            std::string_view arguments);
  Result<void> begin_publish(std::string_view line, std::string_view arguments,
                             std::size_t line_bytes, bool has_headers);
  Result<std::optional<NatsCommand>> finish_publish();

  const std::size_t control_line_max_, payload_max_;
  const NatsSide side_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0, end_ = 0;
  std::size_t scanned_ = 0;   // of the buffered bytes, without an end of line
  std::size_t consumed_ = 0;  // by the command given last
  std::optional<Publish> publish_;
};

}  // namespace trellis::lattice
