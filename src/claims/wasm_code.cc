#include "claims/wasm_code.h"

#include <cstdint>

#include "claims/leb128.h"

namespace trellis::claims {
namespace {

// What follows an opcode (core spec 1.0 §5.4).
enum class Immediates : std::uint8_t {
  unknown,
  none,
  byte,
  index,
  two_indices,
  index_and_byte,
  labels,
  signed32,
  signed64,
  four_bytes,
  eight_bytes
};

Immediates immediates_of(std::uint8_t opcode) {
  switch (opcode) {
    case 0x00:
    case 0x01:  // unreachable, nop
    case 0x05:
    case 0x0b:
    case 0x0f:  // else, end, return
    case 0x1a:
    case 0x1b:  // drop, select
      return Immediates::none;
    case 0x02:
    case 0x03:
    case 0x04:  // block, loop, if: a type
    case 0x3f:
    case 0x40:  // memory.size, memory.grow: the memory
      return Immediates::byte;
    case 0x0c:
    case 0x0d:
    case 0x10:  // br, br_if, call
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:  // local.*, global.*
      return Immediates::index;
    case 0x0e:
      return Immediates::labels;  // br_table
    case 0x11:
      return Immediates::index_and_byte;  // call_indirect: type, table
    case 0x41:
      return Immediates::signed32;  // i32.const
    case 0x42:
      return Immediates::signed64;  // i64.const
    case 0x43:
      return Immediates::four_bytes;  // f32.const
    case 0x44:
      return Immediates::eight_bytes;  // f64.const
    default:
      break;
  }
  if (opcode >= 0x28 && opcode <= 0x3e)
    return Immediates::two_indices;  // loads and stores: alignment, offset
  if (opcode >= 0x45 && opcode <= 0xbf) return Immediates::none;  // arithmetic
  return Immediates::unknown;
}

// Copies what it reads, numbers in their shortest form. After something that cannot be read, ok()
// is false and it stays at the end.
class Copier {
 public:
  Copier(BytesView from, Bytes& to) : from_(from), to_(to) {}
  bool ok() const { return ok_; }
  bool at_end() const { return pos_ == from_.size(); }

  template <std::integral Number>
  Number number() {
    const auto value = read_leb128<Number>(from_, pos_);
    if (!value) return fail(), Number{};
    append_leb128(to_, *value);
    return *value;
  }

  // The next `count` bytes, not copied.
  BytesView take(std::size_t count) {
    if (count > from_.size() - pos_) return fail(), BytesView();
    pos_ += count;
    return from_.subspan(pos_ - count, count);
  }
  void bytes(std::size_t count) { append(to_, take(count)); }

  // A size that is not copied: it changes with what it counts.
  std::uint32_t size() {
    const auto value = read_leb128<std::uint32_t>(from_, pos_);
    return value ? *value : (fail(), 0);
  }

  void instruction() {
    const BytesView opcode = take(1);
    if (!ok_) return;
    append(to_, opcode);
    switch (immediates_of(opcode[0])) {
      case Immediates::unknown:
        return fail();
      case Immediates::none:
        return;
      case Immediates::byte:
        return bytes(1);
      case Immediates::index:
        number<std::uint32_t>();
        return;
      case Immediates::two_indices:
        number<std::uint32_t>(), number<std::uint32_t>();
        return;
      case Immediates::index_and_byte:
        number<std::uint32_t>(), bytes(1);
        return;
      case Immediates::labels:
        for (std::uint64_t left = number<std::uint32_t>() + 1ULL; left > 0 && ok_; --left)
          number<std::uint32_t>();
        return;
      case Immediates::signed32:
        number<std::int32_t>();
        return;
      case Immediates::signed64:
        number<std::int64_t>();
        return;
      case Immediates::four_bytes:
        return bytes(4);
      case Immediates::eight_bytes:
        return bytes(8);
    }
  }

 private:
  void fail() {
    ok_ = false;
    pos_ = from_.size();
  }

  BytesView from_;
  Bytes& to_;
  std::size_t pos_ = 0;
  bool ok_ = true;
};

bool copy_body(BytesView body, Bytes& to) {
  Copier copy(body, to);
  for (std::uint32_t groups = copy.number<std::uint32_t>(); groups > 0 && copy.ok(); --groups) {
    copy.number<std::uint32_t>();  // how many locals
    copy.bytes(1);                 // of which type
  }
  while (!copy.at_end()) copy.instruction();
  return copy.ok();
}

}  // namespace

std::optional<Bytes> with_shortest_numbers(BytesView code) {
  Bytes out;
  out.reserve(code.size());
  Copier copy(code, out);
  Bytes body;
  for (std::uint32_t left = copy.number<std::uint32_t>(); left > 0 && copy.ok(); --left) {
    body.clear();
    if (!copy_body(copy.take(copy.size()), body)) return {};
    append_leb128(out, static_cast<std::uint32_t>(body.size()));
    append(out, body);
  }
  if (!copy.ok() || !copy.at_end()) return {};
  return out;
}

}  // namespace trellis::claims
