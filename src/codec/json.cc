#include "codec/json.h"

#include <fmt/format.h>

#include <cmath>

#include <boost/json/parse.hpp>

namespace trellis::codec {
namespace {

void write_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(done, i - done);
    done = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    }
  }
  out += text.substr(done);
  out += '"';
}

void write_double(std::string& out, double value) {
  if (!std::isfinite(value)) {  // JSON has no such number
    out += "null";
    return;
  }
  const std::size_t at = out.size();
  fmt::format_to(std::back_inserter(out), "{}", value);
  if (out.find_first_of(".e", at) == std::string::npos) out += ".0";
}

// Writes as serde_json does: integers plain, 1.0 for a whole float, "/" and non-ASCII as they are.
// The depth of the recursion is that of the value, which its maker bounds.
class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void write(const json::value& value, std::size_t depth) {
    switch (value.kind()) {
      case json::kind::null:
        out_ += "null";
        break;
      case json::kind::bool_:
        out_ += value.get_bool() ? "true" : "false";
        break;
      case json::kind::int64:
        fmt::format_to(std::back_inserter(out_), "{}", value.get_int64());
        break;
      case json::kind::uint64:
        fmt::format_to(std::back_inserter(out_), "{}", value.get_uint64());
        break;
      case json::kind::double_:
        write_double(out_, value.get_double());
        break;
      case json::kind::string:
        write_string(out_, value.get_string());
        break;
      case json::kind::array:
        write_array(value.get_array(), depth);
        break;
      case json::kind::object:
        write_object(value.get_object(), depth);
        break;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write_array(const json::array& array, std::size_t depth) {
    out_ += '[';
    bool first = true;
    for (const auto& element : array) {
      next_member(first, depth + 1);
      write(element, depth + 1);
    }
    if (!first) new_line(depth);
    out_ += ']';
  }

  void write_object(const json::object& object, std::size_t depth) {
    out_ += '{';
    bool first = true;
    for (const auto& [key, member] : object) {
      next_member(first, depth + 1);
      write_string(out_, key);
      out_ += pretty_ ? ": " : ":";
      write(member, depth + 1);
    }
    if (!first) new_line(depth);
    out_ += '}';
  }

  void next_member(bool& first, std::size_t depth) {
    if (!first) out_ += ',';
    first = false;
    new_line(depth);
  }

  void new_line(std::size_t depth) {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(2 * depth, ' ');
  }

  bool pretty_;
  std::string out_;
};

std::string written(const json::value& value, bool pretty) {
  Writer writer(pretty);
  writer.write(value, 0);
  return writer.take();
}

const json::value* present(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

tl::unexpected<Error> wrong_type(std::string_view key, std::string_view wanted) {
  return fail(Errc::invalid, "codec.json.member", fmt::format("'{}' should be {}", key, wanted));
}

}  // namespace

Result<json::value> json_parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = 32;
  json::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(Errc::invalid, "codec.json", "not valid JSON: " + error.message());
  return value;
}

std::string json_write(const json::value& value) { return written(value, false); }
std::string json_pretty(const json::value& value) { return written(value, true); }

Result<std::optional<std::string>> json_string(const json::object& object, std::string_view key) {
  const json::value* value = present(object, key);
  if (value == nullptr) return std::nullopt;
  const json::string* text = value->if_string();
  if (text == nullptr) return wrong_type(key, "a string");
  return std::string(text->data(), text->size());
}

Result<std::optional<std::uint64_t>> json_uint(const json::object& object, std::string_view key) {
  const json::value* value = present(object, key);
  if (value == nullptr) return std::nullopt;
  if (const std::uint64_t* number = value->if_uint64()) return *number;
  const std::int64_t* number = value->if_int64();
  if (number == nullptr || *number < 0) return wrong_type(key, "a whole number of 0 or more");
  return static_cast<std::uint64_t>(*number);
}

Result<std::optional<bool>> json_bool(const json::object& object, std::string_view key) {
  const json::value* value = present(object, key);
  if (value == nullptr) return std::nullopt;
  const bool* flag = value->if_bool();
  if (flag == nullptr) return wrong_type(key, "true or false");
  return *flag;
}

}  // namespace trellis::codec
