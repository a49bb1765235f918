// A small JSON reader that builds nothing: values are read where they stand, in the order in which
// they come, and what nobody asks for is skipped. Bounded in depth; any text may be given to it.
//   JsonReader json(text);
//   json.object([&](std::string_view key) {
//     if (key == "name") return name = json.string(), true;
//     return false;  // skipped
//   });
//   if (!json.finish()) …json.error()…
// Once a read failed, every further one gives an empty value and ok() stays false: check at the
// end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::sdk {

class JsonReader {
 public:
  static constexpr std::size_t kDepthMax = 128;

  explicit JsonReader(std::string_view in) : in_(in) {}

  bool ok() const { return error_ == nullptr; }
  // "expected a string at byte 17"
  std::string error() const {
    return ok() ? "" : std::string(error_) + " at byte " + std::to_string(failed_at_);
  }
  // Nothing follows but white space: the last thing to ask.
  bool finish() {
    if (next() != '\0') fail("unexpected text after the value");
    return ok() && pos_ == in_.size();
  }

  // What begins here: '{', '[', '"', 't', 'f', 'n', a digit or '-'; 0 at the end, or after an
  // error.
  char next() {
    if (!ok()) return '\0';
    while (pos_ < in_.size() && is_space(in_[pos_])) ++pos_;
    return pos_ < in_.size() ? in_[pos_] : '\0';
  }

  // `member` reads the value of the key it is given, or returns false to have it skipped. An object
  // within another costs stack: read only what has a fixed depth.
  template <class Member>
  void object(Member member) {
    if (!enter('{', "expected an object")) return;
    if (leave('}')) return;
    do {
      const std::string key = string();
      if (!take(':')) return fail("expected ':'");
      if (!member(std::string_view(key))) skip();
    } while (ok() && take(','));
    if (!leave('}')) fail("expected ',' or '}'");
  }
  // `element` reads one value, each time it is called.
  template <class Element>
  void array(Element element) {
    if (!enter('[', "expected an array")) return;
    if (leave(']')) return;
    do {
      element();
    } while (ok() && take(','));
    if (!leave(']')) fail("expected ',' or ']'");
  }

  std::string string() {
    std::string text;
    if (next() != '"') return fail("expected a string"), text;
    ++pos_;
    while (true) {
      const auto from = pos_;
      pos_ = end_of_plain(pos_);
      text.append(in_, from, pos_ - from);
      if (pos_ >= in_.size()) return fail("a string without an end"), std::string();
      const char c = in_[pos_++];
      if (c == '"') return text;
      if (c != '\\' || !unescape(text)) return fail("a wrong character in a string"), std::string();
    }
  }
  // A whole number that fits; a fraction is an error.
  std::int64_t integer() {
    const bool negative = next() == '-';
    if (negative) ++pos_;
    const auto from = pos_;
    std::uint64_t value = 0;
    const std::uint64_t max = negative ? std::uint64_t{1} << 63 : INT64_MAX;
    while (pos_ < in_.size() && is_digit(in_[pos_])) {
      const auto digit = static_cast<std::uint64_t>(in_[pos_++] - '0');
      if (value > (max - digit) / 10) return fail("a number that is too large"), 0;
      value = value * 10 + digit;
    }
    if (pos_ == from || (pos_ < in_.size() && (in_[pos_] == '.' || (in_[pos_] | 32) == 'e')))
      return fail("expected a whole number"), 0;
    return static_cast<std::int64_t>(negative ? 0 - value : value);
  }
  bool boolean() {
    if (word("true")) return true;
    if (!word("false")) fail("expected true or false");
    return false;
  }
  bool null() { return word("null"); }  // false, and nothing read, if it is something else

  void skip() { (void)raw(); }
  // One whole value, however nested, as it stands.
  std::string_view raw() {
    (void)next();
    const auto from = pos_;
    std::string closers;
    do {
      skip_one(closers);
    } while (ok() && !closers.empty());
    return ok() ? in_.substr(from, pos_ - from) : std::string_view();
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  void fail(const char* what) {
    if (!ok()) return;
    error_ = what;
    failed_at_ = pos_;
  }
  bool take(char c) {
    if (next() != c) return false;
    ++pos_;
    return true;
  }
  bool enter(char opener, const char* expected) {
    if (!take(opener)) return fail(expected), false;
    if (++depth_ > kDepthMax) return fail("nested too deep"), false;
    return true;
  }
  bool leave(char closer) {
    if (!take(closer)) return false;
    --depth_;
    return true;
  }
  bool word(std::string_view text) {
    (void)next();
    if (!ok() || in_.substr(pos_, text.size()) != text) return false;
    pos_ += text.size();
    return true;
  }
  std::size_t end_of_plain(std::size_t at) const {
    while (at < in_.size() && in_[at] != '"' && in_[at] != '\\' &&
           static_cast<unsigned char>(in_[at]) >= 0x20)
      ++at;
    return at;
  }

  // --- skipping ---

  // One scalar, or a step into or out of what encloses it, with the comma behind it.
  void skip_one(std::string& closers) {
    const char c = next();
    if (c == '{' || c == '[') {
      if (closers.size() + depth_ >= kDepthMax) return fail("nested too deep");
      ++pos_;
      closers += c == '{' ? '}' : ']';
      if (next() == closers.back()) return close(closers);
      if (c == '{') skip_key();
      return;
    }
    if (c == '"') {
      skip_string();
    } else if (c == '-' || is_digit(c)) {
      while (pos_ < in_.size() && is_number(in_[pos_])) ++pos_;
    } else if (!word("true") && !word("false") && !word("null")) {
      return fail("expected a value");
    }
    after_value(closers);
  }
  void close(std::string& closers) {
    ++pos_;
    closers.pop_back();
    after_value(closers);
  }
  void after_value(std::string& closers) {
    if (closers.empty() || !ok()) return;
    if (next() == closers.back()) return close(closers);
    if (!take(',')) return fail("expected ','");
    if (closers.back() == '}') skip_key();
  }
  void skip_key() {
    skip_string();
    if (!take(':')) fail("expected ':'");
  }
  void skip_string() {
    if (next() != '"') return fail("expected a string");
    for (++pos_; pos_ < in_.size(); ++pos_) {
      pos_ = end_of_plain(pos_);
      if (pos_ >= in_.size()) break;
      if (in_[pos_] == '"') return void(++pos_);
      if (in_[pos_] != '\\') return fail("a wrong character in a string");
      ++pos_;
    }
    pos_ = in_.size();
    fail("a string without an end");
  }
  static bool is_number(char c) {
    return is_digit(c) || c == '-' || c == '+' || c == '.' || (c | 32) == 'e';
  }

  // --- escapes ---

  bool unescape(std::string& text) {
    if (pos_ >= in_.size()) return false;
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    const char c = in_[pos_++];
    if (const auto at = kFrom.find(c); at != std::string_view::npos) return text += kTo[at], true;
    std::uint32_t code = 0;
    if (c != 'u' || !hex4(code)) return false;
    if (code >= 0xd800 && code < 0xdc00 && in_.substr(pos_, 2) == "\\u") {
      const auto back = pos_;
      std::uint32_t low = 0;
      pos_ += 2;
      if (!hex4(low)) return false;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      } else {
        pos_ = back;
      }
    }
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd;  // half of a pair
    put(text, code);
    return true;
  }
  bool hex4(std::uint32_t& code) {
    if (in_.size() - pos_ < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const char c = in_[pos_++];
      const char low = static_cast<char>(c | 32);
      if (!is_digit(c) && !(low >= 'a' && low <= 'f')) return false;
      code = code << 4 | static_cast<std::uint32_t>(is_digit(c) ? c - '0' : low - 'a' + 10);
    }
    return true;
  }
  static void put(std::string& text, std::uint32_t code) {
    const auto tail = [&](int shift) {
      text += static_cast<char>(0x80 | ((code >> shift) & 0x3f));
    };
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else if (code < 0x800) {
      text += static_cast<char>(0xc0 | code >> 6);
      tail(0);
    } else if (code < 0x10000) {
      text += static_cast<char>(0xe0 | code >> 12);
      tail(6), tail(0);
    } else {
      text += static_cast<char>(0xf0 | code >> 18);
      tail(12), tail(6), tail(0);
    }
  }

  std::string_view in_;
  std::size_t pos_ = 0;
  std::size_t depth_ = 0;
  const char* error_ = nullptr;  // the first thing that was wrong
  std::size_t failed_at_ = 0;
};

}  // namespace trellis::sdk
