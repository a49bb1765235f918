// MessagePack as actors speak it. The writer appends to Bytes in the smallest form; the reader
// borrows from its input, checks every length, and is as tolerant as the 2022 readers: bytes may
// come as bin, str or an array of integers, text as str or bin, integers in any form that fits.
// docs/protocol.md §2.2.
//
// Once a read failed, every further one gives an empty value and ok() stays false: check once, at
// the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "trellis/bytes.h"
#include "trellis/result.h"

namespace trellis::sdk {

class MsgpackWriter {
 public:
  explicit MsgpackWriter(Bytes& out) : out_(out) {}

  void nil() { put(0xc0); }
  void boolean(bool value) { put(value ? 0xc3 : 0xc2); }
  void uint(std::uint64_t value) {
    if (value < 0x80) return put(static_cast<std::uint8_t>(value));
    if (value <= 0xff) return tagged(0xcc, value, 1);
    if (value <= 0xffff) return tagged(0xcd, value, 2);
    if (value <= 0xffffffff) return tagged(0xce, value, 4);
    tagged(0xcf, value, 8);
  }
  void sint(std::int64_t value) {
    if (value >= 0) return uint(static_cast<std::uint64_t>(value));
    const auto bits = static_cast<std::uint64_t>(value);
    if (value >= -32) return put(static_cast<std::uint8_t>(bits));
    if (value >= INT8_MIN) return tagged(0xd0, bits, 1);
    if (value >= INT16_MIN) return tagged(0xd1, bits, 2);
    if (value >= INT32_MIN) return tagged(0xd2, bits, 4);
    tagged(0xd3, bits, 8);
  }
  void str(std::string_view text) {
    const auto size = text.size();
    if (size < 32) {
      put(static_cast<std::uint8_t>(0xa0 | size));
    } else if (size <= 0xff) {
      tagged(0xd9, size, 1);
    } else if (size <= 0xffff) {
      tagged(0xda, size, 2);
    } else {
      tagged(0xdb, size, 4);
    }
    bytes(as_bytes(text));
  }
  void bin(BytesView data) {
    const auto size = data.size();
    if (size <= 0xff) {
      tagged(0xc4, size, 1);
    } else if (size <= 0xffff) {
      tagged(0xc5, size, 2);
    } else {
      tagged(0xc6, size, 4);
    }
    bytes(data);
  }
  void array(std::size_t count) { container(count, 0x90, 0xdc); }
  void map(std::size_t count) { container(count, 0x80, 0xde); }

 private:
  void put(std::uint8_t byte) { out_.push_back(byte); }
  void bytes(BytesView data) { out_.insert(out_.end(), data.begin(), data.end()); }
  void tagged(std::uint8_t tag, std::uint64_t value, int size) {
    put(tag);
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
      put(static_cast<std::uint8_t>(value >> shift));
  }
  void container(std::size_t count, std::uint8_t fix, std::uint8_t tag16) {
    if (count < 16) return put(static_cast<std::uint8_t>(fix | count));
    if (count <= 0xffff) return tagged(tag16, count, 2);
    tagged(static_cast<std::uint8_t>(tag16 + 1), count, 4);
  }

  Bytes& out_;
};

class MsgpackReader {
 public:
  explicit MsgpackReader(BytesView in) : in_(in) {}

  bool ok() const { return error_ == nullptr; }
  std::string error() const {
    std::string text = ok() ? "" : error_;
    if (error_ == kWrongMarker && marker_ == 0xc1) {
      text += "Reserved";
    } else if (error_ == kWrongMarker) {
      constexpr char kHex[] = "0123456789abcdef";
      text += {'0', 'x', kHex[marker_ >> 4], kHex[marker_ & 15]};
    }
    return text;
  }
  bool at_end() const { return pos_ == in_.size(); }
  std::size_t position() const { return pos_; }
  bool next_is_nil() const { return ok() && pos_ < in_.size() && in_[pos_] == 0xc0; }
  bool next_is_array() const {
    return ok() && pos_ < in_.size() &&
           ((in_[pos_] & 0xf0) == 0x90 || in_[pos_] == 0xdc || in_[pos_] == 0xdd);
  }

  bool boolean() {
    const auto marker = take();
    if (marker == 0xc2 || marker == 0xc3) return marker == 0xc3;
    wrong(marker);
    return false;
  }
  std::uint64_t uint(std::uint64_t max = UINT64_MAX) {
    const auto number = integer();
    if (number.negative || number.bits > max) return out_of_range();
    return number.bits;
  }
  std::int64_t sint(std::int64_t min = INT64_MIN, std::int64_t max = INT64_MAX) {
    const auto number = integer();
    const auto value = static_cast<std::int64_t>(number.bits);
    if ((!number.negative && value < 0) || value < min || value > max) {
      return static_cast<std::int64_t>(out_of_range());
    }
    return value;
  }
  std::string_view text() { return as_text(view()); }

  // bin or str, borrowed. An array of integers has no bytes to borrow: bytes() takes those too.
  BytesView view() {
    const auto marker = take();
    if ((marker & 0xe0) == 0xa0) return slice(marker & 0x1f);
    switch (marker) {
      case 0xc4:
      case 0xd9:
        return slice(number(1));
      case 0xc5:
      case 0xda:
        return slice(number(2));
      case 0xc6:
      case 0xdb:
        return slice(number(4));
      default:
        wrong(marker);
        return {};
    }
  }
  // The same, or an array of integers, which is put in `storage`.
  BytesView bytes(Bytes& storage) {
    if (!next_is_array()) return view();
    const auto count = array();
    storage.clear();
    for (std::size_t i = 0; i < count && ok(); ++i) {
      storage.push_back(static_cast<std::uint8_t>(uint(0xff)));
    }
    return storage;
  }
  // How many elements, or pairs, follow. Never more than the input can hold.
  std::size_t array() { return container(0x90, 0xdc, 1); }
  std::size_t map() { return container(0x80, 0xde, 2); }

  // One whole value, however nested.
  void skip() {
    // Counted instead of recursive: nesting costs no stack.
    for (std::uint64_t pending = 1; pending > 0 && ok(); --pending) pending += skip_one();
  }

  void fail(const char* text) {
    if (ok()) error_ = text;
  }

 private:
  static constexpr const char* kWrongMarker = "wrong msgpack marker ";

  struct Integer {
    std::uint64_t bits = 0;  // two's complement if negative
    bool negative = false;
  };

  std::uint8_t take() {
    if (!ok()) return 0xc1;
    if (pos_ >= in_.size()) {
      fail("unexpected end of msgpack data");
      return 0xc1;
    }
    return in_[pos_++];
  }
  std::uint64_t number(int size) {
    std::uint64_t value = 0;
    for (int i = 0; i < size; ++i) value = value << 8 | take();
    return value;
  }
  BytesView slice(std::uint64_t size) {
    if (!ok()) return {};
    if (size > in_.size() - pos_) {
      fail("unexpected end of msgpack data");
      return {};
    }
    const auto view = in_.subspan(pos_, static_cast<std::size_t>(size));
    pos_ += static_cast<std::size_t>(size);
    return view;
  }
  std::uint64_t out_of_range() {
    fail("integer out of range");
    return 0;
  }
  void wrong(std::uint8_t marker) {
    if (!ok()) return;
    marker_ = marker;
    fail(kWrongMarker);
  }
  static Integer sign_extended(std::uint64_t value, int size) {
    const int unused = 64 - 8 * size;
    const auto wide = static_cast<std::int64_t>(value << unused) >> unused;
    return {static_cast<std::uint64_t>(wide), wide < 0};
  }
  Integer integer() {
    const auto marker = take();
    if (marker < 0x80) return {marker, false};
    if (marker >= 0xe0) return sign_extended(marker, 1);
    if (marker >= 0xcc && marker <= 0xcf) return {number(1 << (marker - 0xcc)), false};
    if (marker >= 0xd0 && marker <= 0xd3) {
      const int size = 1 << (marker - 0xd0);
      return sign_extended(number(size), size);
    }
    wrong(marker);
    return {};
  }
  std::size_t container(std::uint8_t fix, std::uint8_t tag16, std::size_t values_each) {
    const auto marker = take();
    std::uint64_t count = 0;
    if ((marker & 0xf0) == fix) {
      count = marker & 0x0f;
    } else if (marker == tag16) {
      count = number(2);
    } else if (marker == tag16 + 1) {
      count = number(4);
    } else {
      wrong(marker);
    }
    if (ok() && count * values_each > in_.size() - pos_) fail("unexpected end of msgpack data");
    return ok() ? static_cast<std::size_t>(count) : 0;
  }
  // Skips one value's own bytes; returns how many values it contains.
  std::uint64_t skip_one() {
    const auto marker = take();
    if (marker < 0x80 || marker >= 0xe0 || marker == 0xc0 || marker == 0xc2 || marker == 0xc3)
      return 0;
    if ((marker & 0xe0) == 0xa0) return slice(marker & 0x1f), 0;
    if ((marker & 0xf0) == 0x90) return marker & 0x0f;
    if ((marker & 0xf0) == 0x80) return 2 * (marker & 0x0f);
    if (marker >= 0xc4 && marker <= 0xc6) return slice(number(1 << (marker - 0xc4))), 0;
    if (marker >= 0xc7 && marker <= 0xc9) return slice(number(1 << (marker - 0xc7)) + 1), 0;
    if (marker == 0xca) return slice(4), 0;
    if (marker == 0xcb) return slice(8), 0;
    if (marker >= 0xcc && marker <= 0xcf) return slice(1U << (marker - 0xcc)), 0;
    if (marker >= 0xd0 && marker <= 0xd3) return slice(1U << (marker - 0xd0)), 0;
    if (marker >= 0xd4 && marker <= 0xd8) return slice((1U << (marker - 0xd4)) + 1), 0;
    if (marker >= 0xd9 && marker <= 0xdb) return slice(number(1 << (marker - 0xd9))), 0;
    if (marker == 0xdc || marker == 0xdd) return number(marker == 0xdc ? 2 : 4);
    if (marker == 0xde || marker == 0xdf) return 2 * number(marker == 0xde ? 2 : 4);
    wrong(marker);
    return 0;
  }

  BytesView in_;
  std::size_t pos_ = 0;
  const char* error_ = nullptr;  // the first thing that was wrong
  std::uint8_t marker_ = 0;      // at a wrong marker: which
};

// Reads a struct: a map from member names, or an array of its members in order, as 2022 readers
// accept. `member` is called with each name and reads its value, or returns false to have it
// skipped.
template <std::size_t N, class Member>
void read_struct(MsgpackReader& reader, const std::string_view (&names)[N], Member member) {
  if (reader.next_is_array()) {
    const auto count = reader.array();
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
      if (i >= N || reader.next_is_nil() || !member(names[i])) reader.skip();
    }
    return;
  }
  const auto count = reader.map();
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const auto name = reader.text();
    if (reader.next_is_nil() || !member(name)) reader.skip();
  }
}

}  // namespace trellis::sdk
