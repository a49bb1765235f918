// MessagePack as wasmbus uses it: a writer that appends to Bytes and a reader that hands out views
// into the input. No allocation a value, no exceptions; lengths are checked before use, nesting is
// bounded. Used by every call between an actor and a provider.
// Format: the MessagePack spec; wasmbus conventions in docs/protocol.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::codec {

// Appends values in their smallest form to a buffer the caller owns.
class MsgpackWriter {
 public:
  explicit MsgpackWriter(Bytes& out) : out_(out) {}
  void nil();
  void boolean(bool value);
  void uint(std::uint64_t value);
  void sint(std::int64_t value);
  void float64(double value);
  void str(std::string_view text);
  void bin(BytesView bytes);
  void array(std::size_t count);  // then count values
  void map(std::size_t count);    // then count pairs key, value

 private:
  Bytes& out_;
};

enum class MsgpackType { nil, boolean, integer, floating, str, bin, array, map, ext };

// Reads values one after the other. Tolerant where the 2022 readers are: bytes may come as bin, str
// or an array of integers; text as str or bin; any integer form that fits.
class MsgpackReader {
 public:
  explicit MsgpackReader(BytesView in) : in_(in) {}
  bool at_end() const { return pos_ == in_.size(); }
  std::size_t position() const { return pos_; }
  Result<MsgpackType> peek() const;
  Result<bool> try_nil();  // true and consumed, or false and untouched
  Result<bool> boolean();
  Result<std::uint64_t> uint(std::uint64_t max = UINT64_MAX);
  Result<std::int64_t> sint(std::int64_t min = INT64_MIN, std::int64_t max = INT64_MAX);
  Result<double> floating();
  Result<std::string_view> text();  // str or bin
  Result<Bytes> bytes();            // bin, str, or array of 0..255
  Result<BytesView> bytes_view();   // bin or str, borrowed
  Result<std::size_t> array();      // number of elements that follow
  Result<std::size_t> map();        // number of pairs that follow
  Result<void> skip();              // one whole value, however nested (bounded)

 private:
  BytesView in_;
  std::size_t pos_ = 0;
};

}  // namespace trellis::codec
