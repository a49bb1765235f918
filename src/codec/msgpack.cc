#include "codec/msgpack.h"

#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/limits.h"

namespace trellis::codec {
namespace {

constexpr const char* kSite = "codec.msgpack";

// ---- writing ----

template <class T>
void put(Bytes& out, std::uint8_t marker, T value) {
  static_assert(std::is_unsigned_v<T>);
  const std::size_t at = out.size();
  out.resize(at + 1 + sizeof(T));
  out[at] = marker;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out[at + 1 + i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
  }
}

std::uint32_t checked_length(std::size_t n) {
  CHECK(n <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(n);
}

// ---- reading ----

enum class Fault : std::uint8_t { none, ended, reserved, too_long };

// The first bytes of a value. value: the integer, the bits of a float, a length or a count.
struct Head {
  MsgpackType type = MsgpackType::nil;
  Fault fault = Fault::none;
  bool negative = false;   // value holds an int64 below zero
  std::uint8_t size = 0;   // bytes of marker and length
  std::uint8_t width = 0;  // of a float: 4 or 8
  std::uint64_t value = 0;
};

std::uint64_t big_endian(const std::uint8_t* at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | at[i];
  return value;
}

// What follows each marker of c0…df: the type, and how many bytes of value or length.
struct Marker {
  MsgpackType type;
  std::uint8_t width;
};
constexpr std::array<Marker, 32> kMarkers = {{
    {MsgpackType::nil, 0},      {MsgpackType::nil, 0},      // c0 nil, c1 reserved
    {MsgpackType::boolean, 0},  {MsgpackType::boolean, 0},  // c2 false, c3 true
    {MsgpackType::bin, 1},      {MsgpackType::bin, 2},      {MsgpackType::bin, 4},
    {MsgpackType::ext, 1},      {MsgpackType::ext, 2},      {MsgpackType::ext, 4},
    {MsgpackType::floating, 4}, {MsgpackType::floating, 8}, {MsgpackType::integer, 1},
    {MsgpackType::integer, 2},  {MsgpackType::integer, 4},  {MsgpackType::integer, 8},
    {MsgpackType::integer, 1},  {MsgpackType::integer, 2},  {MsgpackType::integer, 4},
    {MsgpackType::integer, 8},  {MsgpackType::ext, 0},      {MsgpackType::ext, 0},
    {MsgpackType::ext, 0},      {MsgpackType::ext, 0},      {MsgpackType::ext, 0},
    {MsgpackType::str, 1},      {MsgpackType::str, 2},      {MsgpackType::str, 4},
    {MsgpackType::array, 2},    {MsgpackType::array, 4},    {MsgpackType::map, 2},
    {MsgpackType::map, 4},
}};

Head marked_head(const std::uint8_t* at, std::size_t left) {
  const std::uint8_t byte = at[0];
  const Marker marker = kMarkers[byte - 0xc0];
  if (byte == 0xc1) return {.fault = Fault::reserved};
  if (left < 1U + marker.width) return {.fault = Fault::ended};
  Head head{.type = marker.type,
            .size = static_cast<std::uint8_t>(1 + marker.width),
            .width = marker.width,
            .value = big_endian(at + 1, marker.width)};
  if (marker.type == MsgpackType::boolean) {
    head.value = byte == 0xc3;
  } else if (byte >= 0xd0 && byte <= 0xd3) {  // signed: widen the sign
    const int shift = 64 - 8 * marker.width;
    const auto wide = static_cast<std::int64_t>(head.value << shift) >> shift;
    head.value = static_cast<std::uint64_t>(wide);
    head.negative = wide < 0;
  } else if (byte >= 0xd4 && byte <= 0xd8) {  // fixext: 1, 2, 4, 8, 16 bytes
    head.value = std::uint64_t{1} << (byte - 0xd4);
  }
  return head;
}

Head head_at(BytesView in, std::size_t pos) {
  if (pos >= in.size()) return {.fault = Fault::ended};
  const std::uint8_t* at = in.data() + pos;
  const std::uint8_t byte = at[0];
  if (byte <= 0x7f) return {.type = MsgpackType::integer, .size = 1, .value = byte};
  if (byte >= 0xe0) {
    const auto wide = static_cast<std::int64_t>(static_cast<std::int8_t>(byte));
    return {.type = MsgpackType::integer,
            .negative = true,
            .size = 1,
            .value = static_cast<std::uint64_t>(wide)};
  }
  if (byte <= 0x8f) return {.type = MsgpackType::map, .size = 1, .value = byte & 0x0fU};
  if (byte <= 0x9f) return {.type = MsgpackType::array, .size = 1, .value = byte & 0x0fU};
  if (byte <= 0xbf) return {.type = MsgpackType::str, .size = 1, .value = byte & 0x1fU};
  return marked_head(at, in.size() - pos);
}

// How many bytes must follow the head for the value to be whole: lengths exactly, counts at least.
std::uint64_t body_bytes(const Head& head) {
  switch (head.type) {
    case MsgpackType::str:
    case MsgpackType::bin:
    case MsgpackType::array:
      return head.value;
    case MsgpackType::map:
      return head.value * 2;
    case MsgpackType::ext:
      return head.value + 1;
    default:
      return 0;
  }
}

// A head whose body (or at least one byte for each element) is there.
Head whole_head_at(BytesView in, std::size_t pos) {
  Head head = head_at(in, pos);
  if (head.fault == Fault::none && body_bytes(head) > in.size() - pos - head.size) {
    head.fault = Fault::too_long;
  }
  return head;
}

std::string_view name_of(MsgpackType type) {
  constexpr std::array<std::string_view, 9> kNames = {"nil",      "a boolean", "an integer",
                                                      "a float",  "a string",  "bytes",
                                                      "an array", "a map",     "an ext"};
  return kNames[static_cast<std::size_t>(type)];
}

[[gnu::noinline]] tl::unexpected<Error> faulty(const Head& head, std::size_t pos) {
  std::string where = " at byte " + std::to_string(pos);
  switch (head.fault) {
    case Fault::reserved:
      return fail(Errc::invalid, kSite, "wrong msgpack marker Reserved" + where);
    case Fault::too_long:
      return fail(Errc::invalid, kSite,
                  "msgpack: " + std::string(name_of(head.type)) + where +
                      " is said to be longer than the bytes that are left");
    default:
      return fail(Errc::invalid, kSite, "msgpack: the bytes end inside a value" + where);
  }
}

[[gnu::noinline]] tl::unexpected<Error> unexpected_type(const Head& head, std::size_t pos,
                                                        std::string_view wanted) {
  if (head.fault != Fault::none) return faulty(head, pos);
  return fail(Errc::invalid, kSite,
              "msgpack: expected " + std::string(wanted) + " at byte " + std::to_string(pos) +
                  ", found " + std::string(name_of(head.type)));
}

[[gnu::noinline]] tl::unexpected<Error> out_of_range(std::size_t pos) {
  return fail(Errc::invalid, kSite,
              "msgpack: the integer at byte " + std::to_string(pos) + " is out of range");
}

}  // namespace

void MsgpackWriter::nil() { out_.push_back(0xc0); }
void MsgpackWriter::boolean(bool value) { out_.push_back(value ? 0xc3 : 0xc2); }

void MsgpackWriter::uint(std::uint64_t value) {
  if (value <= 0x7f) {
    out_.push_back(static_cast<std::uint8_t>(value));
  } else if (value <= 0xff) {
    put(out_, 0xcc, static_cast<std::uint8_t>(value));
  } else if (value <= 0xffff) {
    put(out_, 0xcd, static_cast<std::uint16_t>(value));
  } else if (value <= 0xffff'ffff) {
    put(out_, 0xce, static_cast<std::uint32_t>(value));
  } else {
    put(out_, 0xcf, value);
  }
}

void MsgpackWriter::sint(std::int64_t value) {
  if (value >= 0) return uint(static_cast<std::uint64_t>(value));
  if (value >= -32) {
    out_.push_back(static_cast<std::uint8_t>(value));
  } else if (value >= INT8_MIN) {
    put(out_, 0xd0, static_cast<std::uint8_t>(value));
  } else if (value >= INT16_MIN) {
    put(out_, 0xd1, static_cast<std::uint16_t>(value));
  } else if (value >= INT32_MIN) {
    put(out_, 0xd2, static_cast<std::uint32_t>(value));
  } else {
    put(out_, 0xd3, static_cast<std::uint64_t>(value));
  }
}

void MsgpackWriter::float64(double value) { put(out_, 0xcb, std::bit_cast<std::uint64_t>(value)); }

void MsgpackWriter::str(std::string_view text) {
  const std::uint32_t n = checked_length(text.size());
  if (n <= 31) {
    out_.push_back(static_cast<std::uint8_t>(0xa0 | n));
  } else if (n <= 0xff) {
    put(out_, 0xd9, static_cast<std::uint8_t>(n));
  } else if (n <= 0xffff) {
    put(out_, 0xda, static_cast<std::uint16_t>(n));
  } else {
    put(out_, 0xdb, n);
  }
  append(out_, text);
}

void MsgpackWriter::bin(BytesView bytes) {
  const std::uint32_t n = checked_length(bytes.size());
  if (n <= 0xff) {
    put(out_, 0xc4, static_cast<std::uint8_t>(n));
  } else if (n <= 0xffff) {
    put(out_, 0xc5, static_cast<std::uint16_t>(n));
  } else {
    put(out_, 0xc6, n);
  }
  append(out_, bytes);
}

void MsgpackWriter::array(std::size_t count) {
  const std::uint32_t n = checked_length(count);
  if (n <= 15) {
    out_.push_back(static_cast<std::uint8_t>(0x90 | n));
  } else if (n <= 0xffff) {
    put(out_, 0xdc, static_cast<std::uint16_t>(n));
  } else {
    put(out_, 0xdd, n);
  }
}

void MsgpackWriter::map(std::size_t count) {
  const std::uint32_t n = checked_length(count);
  if (n <= 15) {
    out_.push_back(static_cast<std::uint8_t>(0x80 | n));
  } else if (n <= 0xffff) {
    put(out_, 0xde, static_cast<std::uint16_t>(n));
  } else {
    put(out_, 0xdf, n);
  }
}

Result<MsgpackType> MsgpackReader::peek() const {
  const Head head = head_at(in_, pos_);
  if (head.fault != Fault::none) return faulty(head, pos_);
  return head.type;
}

Result<bool> MsgpackReader::try_nil() {
  if (at_end()) return faulty({.fault = Fault::ended}, pos_);
  if (in_[pos_] != 0xc0) return false;
  ++pos_;
  return true;
}

Result<bool> MsgpackReader::boolean() {
  const Head head = head_at(in_, pos_);
  if (head.fault != Fault::none || head.type != MsgpackType::boolean) {
    return unexpected_type(head, pos_, "a boolean");
  }
  pos_ += head.size;
  return head.value != 0;
}

Result<std::uint64_t> MsgpackReader::uint(std::uint64_t max) {
  const Head head = head_at(in_, pos_);
  if (head.fault != Fault::none || head.type != MsgpackType::integer) {
    return unexpected_type(head, pos_, "an integer");
  }
  if (head.negative || head.value > max) return out_of_range(pos_);
  pos_ += head.size;
  return head.value;
}

Result<std::int64_t> MsgpackReader::sint(std::int64_t min, std::int64_t max) {
  const Head head = head_at(in_, pos_);
  if (head.fault != Fault::none || head.type != MsgpackType::integer) {
    return unexpected_type(head, pos_, "an integer");
  }
  const auto value = static_cast<std::int64_t>(head.value);
  const bool fits = head.negative || head.value <= static_cast<std::uint64_t>(INT64_MAX);
  if (!fits || value < min || value > max) return out_of_range(pos_);
  pos_ += head.size;
  return value;
}

Result<double> MsgpackReader::floating() {
  const Head head = head_at(in_, pos_);
  if (head.fault == Fault::none && head.type == MsgpackType::integer) {
    pos_ += head.size;
    return head.negative ? static_cast<double>(static_cast<std::int64_t>(head.value))
                         : static_cast<double>(head.value);
  }
  if (head.fault != Fault::none || head.type != MsgpackType::floating) {
    return unexpected_type(head, pos_, "a number");
  }
  pos_ += head.size;
  if (head.width == 4) {
    return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(head.value)));
  }
  return std::bit_cast<double>(head.value);
}

Result<std::string_view> MsgpackReader::text() {
  TRY(BytesView view, bytes_view());
  return as_text(view);
}

Result<BytesView> MsgpackReader::bytes_view() {
  const Head head = whole_head_at(in_, pos_);
  if (head.fault != Fault::none ||
      (head.type != MsgpackType::str && head.type != MsgpackType::bin)) {
    return unexpected_type(head, pos_, "a string or bytes");
  }
  BytesView view = in_.subspan(pos_ + head.size, head.value);
  pos_ += head.size + head.value;
  return view;
}

Result<Bytes> MsgpackReader::bytes() {
  const Head head = whole_head_at(in_, pos_);
  if (head.fault == Fault::none && head.type == MsgpackType::array) {
    const std::size_t start = pos_;
    pos_ += head.size;
    Bytes out;
    out.reserve(head.value);
    for (std::uint64_t i = 0; i < head.value; ++i) {
      auto byte = uint(0xff);
      if (!byte) {
        pos_ = start;
        return fail(std::move(byte).error());
      }
      out.push_back(static_cast<std::uint8_t>(*byte));
    }
    return out;
  }
  TRY(BytesView view, bytes_view());
  return Bytes(view.begin(), view.end());
}

Result<std::size_t> MsgpackReader::array() {
  const Head head = whole_head_at(in_, pos_);
  if (head.fault != Fault::none || head.type != MsgpackType::array) {
    return unexpected_type(head, pos_, "an array");
  }
  pos_ += head.size;
  return head.value;
}

Result<std::size_t> MsgpackReader::map() {
  const Head head = whole_head_at(in_, pos_);
  if (head.fault != Fault::none || head.type != MsgpackType::map) {
    return unexpected_type(head, pos_, "a map");
  }
  pos_ += head.size;
  return head.value;
}

Result<void> MsgpackReader::skip() {
  // open[i]: values still to come of the i-th array or map around the present place.
  std::array<std::uint64_t, limits::kMsgpackDepthMax> open;  // NOLINT: filled as it is used
  std::size_t depth = 0;
  std::size_t pos = pos_;
  while (true) {
    const Head head = whole_head_at(in_, pos);
    if (head.fault != Fault::none) return faulty(head, pos);
    const bool nests = head.type == MsgpackType::array || head.type == MsgpackType::map;
    pos += head.size + (nests ? 0 : body_bytes(head));
    if (nests) {
      if (depth == open.size()) {
        return fail(Errc::exhausted, kSite,
                    "msgpack: values are nested deeper than " + std::to_string(open.size()));
      }
      open[depth++] = body_bytes(head);
    }
    while (depth > 0 && open[depth - 1] == 0) --depth;
    if (depth == 0) break;
    --open[depth - 1];
  }
  pos_ = pos;
  return {};
}

}  // namespace trellis::codec
