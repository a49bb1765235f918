// The conversions between JSON and msgpack of codec/json.h.
#include <algorithm>
#include <vector>

#include "base/limits.h"
#include "codec/json.h"
#include "codec/msgpack.h"
#include "codec/utf8.h"

namespace trellis::codec {
namespace {

void write(MsgpackWriter& out, const json::value& value);

void write_sorted(MsgpackWriter& out, const json::object& object) {
  std::vector<const json::key_value_pair*> members;
  members.reserve(object.size());
  for (const auto& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](const auto* a, const auto* b) { return a->key() < b->key(); });
  out.map(members.size());
  for (const auto* member : members) {
    out.str(member->key());
    write(out, member->value());
  }
}

void write(MsgpackWriter& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return out.nil();
    case json::kind::bool_:
      return out.boolean(value.get_bool());
    case json::kind::int64:
      return out.sint(value.get_int64());
    case json::kind::uint64:
      return out.uint(value.get_uint64());
    case json::kind::double_:
      return out.float64(value.get_double());
    case json::kind::string:
      return out.str(value.get_string());
    case json::kind::array:
      out.array(value.get_array().size());
      for (const auto& element : value.get_array()) write(out, element);
      return;
    case json::kind::object:
      return write_sorted(out, value.get_object());
  }
}

class Converter {
 public:
  Converter(BytesView in, BinaryAs binary) : in_(in), reader_(in), binary_(binary) {}

  Result<json::value> value(std::size_t depth) {
    TRY(MsgpackType type, reader_.peek());
    switch (type) {
      case MsgpackType::nil:
        TRY_OK(reader_.try_nil());
        return json::value(nullptr);
      case MsgpackType::boolean: {
        TRY(bool flag, reader_.boolean());
        return json::value(flag);
      }
      case MsgpackType::integer:
        return integer();
      case MsgpackType::floating: {
        TRY(double number, reader_.floating());
        return json::value(number);
      }
      case MsgpackType::str: {
        TRY(std::string_view text, reader_.text());
        return json::value(utf8_lossy(text));
      }
      case MsgpackType::bin: {
        TRY(BytesView bytes, reader_.bytes_view());
        return binary(bytes);
      }
      case MsgpackType::array:
        return array(depth);
      case MsgpackType::map:
        return map(depth);
      case MsgpackType::ext:
        break;
    }
    return fail(Errc::invalid, "codec.json.msgpack",
                "msgpack extension types have no form in JSON");
  }

 private:
  Result<json::value> integer() {
    if (in_[reader_.position()] >= 0xd0) {  // one of the signed forms
      TRY(std::int64_t number, reader_.sint());
      return json::value(number);
    }
    TRY(std::uint64_t number, reader_.uint());
    return json::value(number);
  }

  json::value binary(BytesView bytes) const {
    json::array numbers(bytes.begin(), bytes.end());
    if (binary_ == BinaryAs::array) return numbers;
    std::string text = utf8_lossy(as_text(bytes));
    if (binary_ == BinaryAs::string) return json::value(text);
    return json::object{{"str", text}, {"bin", std::move(numbers)}};
  }

  static Result<void> enter(std::size_t depth) {
    if (depth < limits::kMsgpackDepthMax) return {};
    return fail(
        Errc::exhausted, "codec.json.msgpack",
        "msgpack: values are nested deeper than " + std::to_string(limits::kMsgpackDepthMax));
  }

  Result<json::value> array(std::size_t depth) {
    TRY_OK(enter(depth));
    TRY(std::size_t count, reader_.array());
    json::array out;
    for (std::size_t i = 0; i < count; ++i) {
      TRY(json::value element, value(depth + 1));
      out.push_back(std::move(element));
    }
    return json::value(std::move(out));
  }

  Result<json::value> map(std::size_t depth) {
    TRY_OK(enter(depth));
    TRY(std::size_t count, reader_.map());
    json::object out;
    for (std::size_t i = 0; i < count; ++i) {
      TRY(std::string name, key());
      TRY(json::value member, value(depth + 1));
      out.insert_or_assign(name, std::move(member));
    }
    return json::value(std::move(out));
  }

  // Keys that are not text appear as the text of their value: {1: …} is {"1": …}.
  Result<std::string> key() {
    TRY(MsgpackType type, reader_.peek());
    if (type == MsgpackType::str || type == MsgpackType::bin) {
      TRY(std::string_view text, reader_.text());
      return utf8_lossy(text);
    }
    if (type == MsgpackType::array || type == MsgpackType::map) {
      return fail(Errc::invalid, "codec.json.msgpack",
                  "msgpack: a map whose key is an array or a map has no form in JSON");
    }
    TRY(json::value scalar, value(0));
    return json_write(scalar);
  }

  BytesView in_;
  MsgpackReader reader_;
  BinaryAs binary_;
};

}  // namespace

Bytes json_to_msgpack(const json::value& value) {
  Bytes out;
  MsgpackWriter writer(out);
  write(writer, value);
  return out;
}

Result<json::value> msgpack_to_json(BytesView bytes, BinaryAs binary) {
  return Converter(bytes, binary).value(0);
}

}  // namespace trellis::codec
