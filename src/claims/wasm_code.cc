#include "claims/wasm_code.h"

#include <cstdint>

#include "base/leb128.h"

namespace trellis::claims {
namespace {

// What follows an opcode (core spec 1.0 §5.4).
enum class Immediates : std::uint8_t {
  unknown,
  none,
  block_type,
  index,
  memory,
  access,
  indirect,
  labels,
  signed32,
  signed64,
  four_bytes,
  eight_bytes
};

Immediates immediates_of(std::uint8_t opcode) {
  switch (opcode) {
    case 0x00:  // unreachable
    case 0x01:  // nop
    case 0x05:  // else
    case 0x0b:  // end
    case 0x0f:  // return
    case 0x1a:  // drop
    case 0x1b:  // select
      return Immediates::none;
    case 0x02:  // block
    case 0x03:  // loop
    case 0x04:  // if
      return Immediates::block_type;
    case 0x0c:  // br
    case 0x0d:  // br_if
    case 0x10:  // call
    case 0x20:  // local.get
    case 0x21:  // local.set
    case 0x22:  // local.tee
    case 0x23:  // global.get
    case 0x24:  // global.set
      return Immediates::index;
    case 0x0e:  // br_table
      return Immediates::labels;
    case 0x11:  // call_indirect
      return Immediates::indirect;
    case 0x3f:  // memory.size
    case 0x40:  // memory.grow
      return Immediates::memory;
    case 0x41:  // i32.const
      return Immediates::signed32;
    case 0x42:  // i64.const
      return Immediates::signed64;
    case 0x43:  // f32.const
      return Immediates::four_bytes;
    case 0x44:  // f64.const
      return Immediates::eight_bytes;
    default:
      break;
  }
  if (opcode >= 0x28 && opcode <= 0x3e) return Immediates::access;  // loads and stores
  if (opcode >= 0x45 && opcode <= 0xbf) return Immediates::none;    // arithmetic
  return Immediates::unknown;
}

constexpr std::uint8_t kNoResult = 0x40;  // a block's type
bool is_value_type(std::uint8_t byte) { return byte >= 0x7c && byte <= 0x7f; }

// Copies what it reads, numbers in their shortest form. At the first thing that is not of 1.0 it
// gives up: ok() is false and nothing is left to read.
class Copier {
 public:
  Copier(BytesView from, Bytes& to) : from_(from), to_(to) {}
  bool ok() const { return ok_; }
  bool at_end() const { return from_.empty(); }

  template <std::integral Number>
  Number number() {
    const auto value = take_number<Number>();
    append_leb128(to_, value);
    return value;
  }

  void instruction() {
    const std::uint8_t opcode = byte();
    switch (immediates_of(opcode)) {
      case Immediates::unknown:
        give_up();
        break;
      case Immediates::none:
        break;
      case Immediates::block_type: {
        const auto type = byte();
        if (type != kNoResult && !is_value_type(type)) give_up();
        break;
      }
      case Immediates::index:
        number<std::uint32_t>();
        break;
      case Immediates::memory:
        only_one();
        break;
      case Immediates::access: {
        constexpr std::uint32_t kAlignmentsMax = 32;  // above them later versions put flags
        if (number<std::uint32_t>() >= kAlignmentsMax) give_up();
        number<std::uint32_t>();  // the offset
        break;
      }
      case Immediates::indirect:
        number<std::uint32_t>();  // the type
        only_one();               // the table
        break;
      case Immediates::labels: {
        const std::uint64_t labels = number<std::uint32_t>();
        for (std::uint64_t i = 0; i <= labels && ok_; ++i)
          number<std::uint32_t>();  // and the default
        break;
      }
      case Immediates::signed32:
        number<std::int32_t>();
        break;
      case Immediates::signed64:
        number<std::int64_t>();
        break;
      case Immediates::four_bytes:
        append(to_, take(4));
        break;
      case Immediates::eight_bytes:
        append(to_, take(8));
        break;
    }
  }

  void locals() {
    for (std::uint32_t groups = number<std::uint32_t>(); groups > 0 && ok_; --groups) {
      number<std::uint32_t>();  // how many
      if (!is_value_type(byte())) give_up();
    }
  }

  // The bytes of one that begins with its size, which are not copied: the size changes with them.
  BytesView sized() { return take(take_number<std::uint32_t>()); }

 private:
  template <std::integral Number>
  Number take_number() {
    const auto value = read_leb128<Number>(from_);
    if (!value) give_up();
    return value.value_or(0);
  }

  BytesView take(std::size_t count) {
    if (count > from_.size()) {
      give_up();
      return {};
    }
    const BytesView taken = from_.first(count);
    from_ = from_.subspan(count);
    return taken;
  }

  std::uint8_t byte() {
    const BytesView one = take(1);
    append(to_, one);
    return one.empty() ? 0 : one.front();
  }

  // 1.0 has one memory and one table: a zero stands for it.
  void only_one() {
    if (byte() != 0) give_up();
  }

  void give_up() {
    ok_ = false;
    from_ = {};
  }

  BytesView from_;
  Bytes& to_;
  bool ok_ = true;
};

bool copy_body(BytesView body, Bytes& to) {
  Copier copy(body, to);
  copy.locals();
  while (!copy.at_end()) copy.instruction();
  return copy.ok();
}

}  // namespace

std::optional<Bytes> with_shortest_numbers(BytesView code) {
  Bytes out;
  out.reserve(code.size());
  Copier copy(code, out);
  Bytes body;
  for (auto left = copy.number<std::uint32_t>(); left > 0 && copy.ok(); --left) {
    body.clear();
    if (!copy_body(copy.sized(), body)) return {};
    append_leb128(out, static_cast<std::uint32_t>(body.size()));
    append(out, body);
  }
  if (!copy.ok() || !copy.at_end()) return {};
  return out;
}

}  // namespace trellis::claims
