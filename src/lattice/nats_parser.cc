#include "lattice/nats_parser.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace trellis::lattice {

namespace {

constexpr std::size_t kReadMin = 4 * 1024;
constexpr std::size_t kBufferUsual = 64 * 1024;
constexpr std::size_t kArgumentsMax = 5;

auto refuse(const char* text) { return fail(Errc::invalid, "lattice.nats.parse", text); }
auto parser_error() { return refuse("Parser Error"); }

bool blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// `name` is upper case.
bool is_op(std::string_view op, std::string_view name) {
  return op.size() == name.size() &&
         std::equal(op.begin(), op.end(), name.begin(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

struct Arguments {
  std::array<std::string_view, kArgumentsMax> at;
  std::size_t count = 0;  // kArgumentsMax + 1 when there are more
};

Arguments split(std::string_view text) {
  Arguments arguments;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const auto end = static_cast<std::size_t>(std::ranges::find_if(text, blank) - text.begin());
    if (arguments.count == kArgumentsMax) {
      ++arguments.count;
      break;
    }
    arguments.at[arguments.count++] = text.substr(0, end);
    text.remove_prefix(end);
  }
  return arguments;
}

// At most nine digits, as nats-server has it: no overflow to think of.
std::optional<std::size_t> number(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::size_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::size_t>(c - '0');
  }
  return value;
}

Result<std::optional<NatsCommand>> parse_sub(std::string_view text) {
  const auto arguments = split(text);
  if (arguments.count != 2 && arguments.count != 3) return parser_error();
  NatsCommand command;
  command.op = NatsOp::sub;
  command.subject = arguments.at[0];
  if (arguments.count == 3) command.queue = arguments.at[1];
  command.sid = arguments.at[arguments.count - 1];
  return command;
}

Result<std::optional<NatsCommand>> parse_unsub(std::string_view text) {
  const auto arguments = split(text);
  if (arguments.count != 1 && arguments.count != 2) return parser_error();
  NatsCommand command;
  command.op = NatsOp::unsub;
  command.sid = arguments.at[0];
  if (arguments.count == 2) {
    const auto max = number(arguments.at[1]);
    if (!max) return parser_error();
    command.max = *max;
  }
  return command;
}

}  // namespace

std::span<std::uint8_t> NatsParser::prepare() {
  drop(std::exchange(consumed_, 0));
  if (publish_) {
    const auto needed = publish_->line + publish_->total + 2;
    make_room(std::max(needed - buffered(), kReadMin));
  } else {
    make_room(kReadMin);
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

void NatsParser::commit(std::size_t bytes) {
  CHECK(bytes <= capacity_ - end_);
  end_ += bytes;
}

void NatsParser::drop(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

// Space for `bytes` more behind what is buffered, which moves to the front when it has to.
void NatsParser::make_room(std::size_t bytes) {
  const auto kept = buffered();
  const bool oversized = capacity_ > 4 * kBufferUsual && kept + bytes <= kBufferUsual;
  if (capacity_ - end_ >= bytes && !oversized) return;
  if (kept + bytes <= capacity_ && !oversized) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, kept);
  } else {
    const auto size = std::max(kept + bytes, kBufferUsual);
    auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(size);
    if (kept) std::memcpy(larger.get(), buffer_.get() + begin_, kept);
    buffer_ = std::move(larger);
    capacity_ = size;
  }
  begin_ = 0;
  end_ = kept;
}

std::string_view NatsParser::text(Piece piece) const {
  return {reinterpret_cast<const char*>(buffer_.get()) + begin_ + piece.offset, piece.size};
}

Result<std::optional<NatsCommand>> NatsParser::next() {
  drop(std::exchange(consumed_, 0));
  if (publish_) return finish_publish();
  if (buffered() == 0) return std::nullopt;
  const auto window = text({0, std::min(buffered(), control_line_max_ + 2)});
  const auto newline = window.find('\n', scanned_);
  if (newline == std::string_view::npos) {
    scanned_ = window.size();
    if (window.size() == control_line_max_ + 2) return refuse("Maximum Control Line Exceeded");
    return std::nullopt;
  }
  scanned_ = 0;
  auto line = window.substr(0, newline);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > control_line_max_) return refuse("Maximum Control Line Exceeded");
  return parse_line(line, newline + 1);
}

Result<std::optional<NatsCommand>> NatsParser::parse_line(std::string_view line,
                                                          std::size_t line_bytes) {
  const auto end = static_cast<std::size_t>(std::ranges::find_if(line, blank) - line.begin());
  const auto op = line.substr(0, end);
  const auto arguments = line.substr(end);
  const bool plain = is_op(op, side_ == NatsSide::server ? "PUB" : "MSG");
  if (plain || is_op(op, side_ == NatsSide::server ? "HPUB" : "HMSG")) {
    TRY_OK(begin_publish(line, arguments, line_bytes, !plain));
    return finish_publish();
  }
  consumed_ = line_bytes;
  NatsCommand command;
  if (is_op(op, "PING")) return command;
  if (is_op(op, "PONG")) {
    command.op = NatsOp::pong;
    return command;
  }
  return side_ == NatsSide::server ? parse_client_op(op, arguments)
                                   : parse_server_op(op, arguments);
}

Result<std::optional<NatsCommand>> NatsParser::parse_client_op(std::string_view op,
                                                               std::string_view arguments) {
  if (is_op(op, "SUB")) return parse_sub(arguments);
  if (is_op(op, "UNSUB")) return parse_unsub(arguments);
  if (!is_op(op, "CONNECT")) return refuse("Unknown Protocol Operation");
  NatsCommand command;
  command.op = NatsOp::connect;
  command.json = trim(arguments);
  return command;
}

Result<std::optional<NatsCommand>> NatsParser::parse_server_op(std::string_view op,
                                                               std::string_view arguments) {
  NatsCommand command;
  command.json = trim(arguments);
  if (is_op(op, "INFO")) {
    command.op = NatsOp::info;
  } else if (is_op(op, "+OK")) {
    command.op = NatsOp::ok;
  } else if (is_op(op, "-ERR")) {
    command.op = NatsOp::err;
    if (command.json.size() >= 2 && command.json.front() == '\'' && command.json.back() == '\'')
      command.json = command.json.substr(1, command.json.size() - 2);
  } else {
    return refuse("Unknown Protocol Operation");
  }
  return command;
}

// PUB <subject> [reply] <size>, HPUB <subject> [reply] <header size> <size>; MSG and HMSG have the
// subscription's id after the subject.
Result<void> NatsParser::begin_publish(std::string_view line, std::string_view text,
                                       std::size_t line_bytes, bool has_headers) {
  const auto arguments = split(text);
  const std::size_t names = side_ == NatsSide::server ? 1 : 2;  // before the reply
  const std::size_t sizes = has_headers ? 2 : 1;
  const bool has_reply = arguments.count == names + 1 + sizes;
  if (arguments.count != names + sizes && !has_reply) return parser_error();
  const auto total = number(arguments.at[arguments.count - 1]);
  const auto headers = has_headers ? number(arguments.at[arguments.count - 2]) : 0;
  if (!total || !headers || *headers > *total) return parser_error();
  if (*total > payload_max_) return refuse("Maximum Payload Violation");
  const auto piece = [&](std::string_view part) {
    return Piece{static_cast<std::size_t>(part.data() - line.data()), part.size()};
  };
  publish_ = Publish{.subject = piece(arguments.at[0]),
                     .sid = names == 2 ? piece(arguments.at[1]) : Piece{},
                     .reply = has_reply ? piece(arguments.at[names]) : Piece{},
                     .line = line_bytes,
                     .headers = *headers,
                     .total = *total,
                     .has_headers = has_headers};
  return {};
}

Result<std::optional<NatsCommand>> NatsParser::finish_publish() {
  const auto needed = publish_->line + publish_->total + 2;
  if (buffered() < needed) return std::nullopt;
  if (text({needed - 2, 2}) != "\r\n") return refuse("Unknown Protocol Operation");
  NatsCommand command;
  command.op = side_ == NatsSide::server ? NatsOp::pub : NatsOp::msg;
  command.subject = text(publish_->subject);
  command.sid = text(publish_->sid);
  command.reply = text(publish_->reply);
  command.has_headers = publish_->has_headers;
  command.headers = text({publish_->line, publish_->headers});
  command.payload =
      as_bytes(text({publish_->line + publish_->headers, publish_->total - publish_->headers}));
  publish_.reset();
  consumed_ = needed;
  return command;
}

}  // namespace trellis::lattice
