// A small JSON writer: commas, quotes and escapes are its business.
//   JsonWriter json;
//   json.object().key("counter").number(42).end();
//   json.text()   →  {"counter":42}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "trellis/bytes.h"

namespace trellis::sdk {

class JsonWriter {
 public:
  JsonWriter& object() { return open('{', '}'); }
  JsonWriter& array() { return open('[', ']'); }
  JsonWriter& end() {
    if (!closers_.empty()) {
      out_ += closers_.back();
      closers_.pop_back();
    }
    first_ = false;
    return *this;
  }
  JsonWriter& key(std::string_view name) {
    separate();
    quoted(name);
    out_ += ':';
    first_ = true;
    return *this;
  }
  JsonWriter& string(std::string_view text) {
    separate();
    quoted(text);
    return *this;
  }
  JsonWriter& number(std::int64_t value) {
    separate();
    char digits[20];
    int size = 0;
    auto rest =
        value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    do {
      digits[size++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (value < 0) out_ += '-';
    while (size > 0) out_ += digits[--size];
    return *this;
  }
  JsonWriter& boolean(bool value) {
    separate();
    out_ += value ? "true" : "false";
    return *this;
  }
  JsonWriter& null() {
    separate();
    out_ += "null";
    return *this;
  }
  // Each byte as a number, which is how serde writes a Vec<u8>.
  JsonWriter& bytes(BytesView data) {
    array();
    for (const auto byte : data) number(byte);
    return end();
  }

  const std::string& text() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char opener, char closer) {
    separate();
    out_ += opener;
    closers_ += closer;
    first_ = true;
    return *this;
  }
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  void quoted(std::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    out_ += '"';
    for (const char c : text) {
      switch (c) {
        case '"':
          out_ += "\\\"";
          break;
        case '\\':
          out_ += "\\\\";
          break;
        case '\n':
          out_ += "\\n";
          break;
        case '\r':
          out_ += "\\r";
          break;
        case '\t':
          out_ += "\\t";
          break;
        case '\b':
          out_ += "\\b";
          break;
        case '\f':
          out_ += "\\f";
          break;
        default:
          if (static_cast<unsigned char>(c) < 0x20) {
            out_ += "\\u00";
            out_ += kHex[static_cast<unsigned char>(c) >> 4];
            out_ += kHex[c & 15];
          } else {
            out_ += c;
          }
      }
    }
    out_ += '"';
  }

  std::string out_;
  std::string closers_;
  bool first_ = true;
};

}  // namespace trellis::sdk
