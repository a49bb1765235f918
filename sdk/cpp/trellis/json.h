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
  JsonWriter() { out_.reserve(kUsualSize); }

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
  // What JSON wants instead of a character; nullptr: the character itself. Control characters
  // without a short form give "".
  static const char* escape(char c) {
    switch (c) {
      case '"':
        return "\\\"";
      case '\\':
        return "\\\\";
      case '\n':
        return "\\n";
      case '\r':
        return "\\r";
      case '\t':
        return "\\t";
      case '\b':
        return "\\b";
      case '\f':
        return "\\f";
      default:
        return "";
    }
  }
  void quoted(std::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    out_ += '"';
    std::size_t from = 0;  // what needs no escape is appended in runs
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
      const char* escaped = escape(c);
      out_.append(text, from, i - from);
      from = i + 1;
      if (*escaped != '\0') {
        out_ += escaped;
      } else {
        out_ += "\\u00";
        out_ += kHex[static_cast<unsigned char>(c) >> 4];
        out_ += kHex[c & 15];
      }
    }
    out_.append(text, from);
    out_ += '"';
  }

  static constexpr std::size_t kUsualSize = 120;  // one allocation instead of four

  std::string out_;
  std::string closers_;
  bool first_ = true;
};

}  // namespace trellis::sdk
