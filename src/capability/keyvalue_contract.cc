#include "capability/keyvalue_contract.h"

#include <fmt/format.h>

#include <algorithm>

#include "capability/struct_reader.h"
#include "codec/msgpack.h"

namespace trellis::capability {
namespace {

constexpr const char* kSite = "keyvalue.call";

// What the payload of an operation is.
enum class Argument { key, set_request, increment_request, pair, range, names };

struct Operation {
  std::string_view name;
  KeyValueOp op;
  Argument argument;
  std::string_view type;  // as 2022's error texts call it
};

constexpr Operation kOperations[] = {
    {"KeyValue.Get", KeyValueOp::get, Argument::key, "String"},
    {"KeyValue.Set", KeyValueOp::set, Argument::set_request, "SetRequest"},
    {"KeyValue.Del", KeyValueOp::del, Argument::key, "String"},
    {"KeyValue.Contains", KeyValueOp::contains, Argument::key, "String"},
    {"KeyValue.Increment", KeyValueOp::increment, Argument::increment_request, "IncrementRequest"},
    {"KeyValue.ListAdd", KeyValueOp::list_add, Argument::pair, "ListAddRequest"},
    {"KeyValue.ListDel", KeyValueOp::list_del, Argument::pair, "ListDelRequest"},
    {"KeyValue.ListClear", KeyValueOp::list_clear, Argument::key, "String"},
    {"KeyValue.ListRange", KeyValueOp::list_range, Argument::range, "ListRangeRequest"},
    {"KeyValue.SetAdd", KeyValueOp::set_add, Argument::pair, "SetAddRequest"},
    {"KeyValue.SetDel", KeyValueOp::set_del, Argument::pair, "SetDelRequest"},
    {"KeyValue.SetIntersection", KeyValueOp::set_intersection, Argument::names, "StringList"},
    {"KeyValue.SetUnion", KeyValueOp::set_union, Argument::names, "StringList"},
    {"KeyValue.SetQuery", KeyValueOp::set_query, Argument::key, "String"},
    {"KeyValue.SetClear", KeyValueOp::set_clear, Argument::key, "String"},
};

Result<void> read_text(codec::MsgpackReader& in, std::string_view& out) {
  TRY(out, in.text());
  return {};
}

Result<void> read_i32(codec::MsgpackReader& in, std::int32_t& out) {
  TRY(const auto number, in.sint(INT32_MIN, INT32_MAX));
  out = static_cast<std::int32_t>(number);
  return {};
}

Result<void> read_u32(codec::MsgpackReader& in, std::uint32_t& out) {
  TRY(const auto number, in.uint(UINT32_MAX));
  out = static_cast<std::uint32_t>(number);
  return {};
}

Result<void> read_set_request(codec::MsgpackReader& in, KeyValueCall& call) {
  constexpr std::string_view kNames[] = {"key", "value", "expires"};
  return read_struct(in, kNames, [&](std::size_t member) {
    if (member == 0) return read_text(in, call.key);
    if (member == 1) return read_text(in, call.value);
    return read_u32(in, call.expires);
  });
}

Result<void> read_increment(codec::MsgpackReader& in, KeyValueCall& call) {
  constexpr std::string_view kNames[] = {"key", "value"};
  return read_struct(in, kNames, [&](std::size_t member) {
    return member == 0 ? read_text(in, call.key) : read_i32(in, call.by);
  });
}

Result<void> read_pair(codec::MsgpackReader& in, KeyValueCall& call) {
  const bool list = call.op == KeyValueOp::list_add || call.op == KeyValueOp::list_del;
  const std::string_view names[] = {list ? "listName" : "setName", "value"};
  return read_struct(in, names, [&](std::size_t member) {
    return read_text(in, member == 0 ? call.key : call.value);
  });
}

Result<void> read_range(codec::MsgpackReader& in, KeyValueCall& call) {
  constexpr std::string_view kNames[] = {"listName", "start", "stop"};
  return read_struct(in, kNames, [&](std::size_t member) {
    if (member == 0) return read_text(in, call.key);
    return read_i32(in, member == 1 ? call.start : call.stop);
  });
}

Result<void> read_names(codec::MsgpackReader& in, KeyValueCall& call) {
  TRY(const std::size_t count, in.array());
  for (std::size_t i = 0; i < count; ++i) {
    TRY(const std::string_view name, in.text());
    call.names.push_back(name);
  }
  return {};
}

Result<void> read_argument(Argument argument, codec::MsgpackReader& in, KeyValueCall& call) {
  switch (argument) {
    case Argument::set_request:
      return read_set_request(in, call);
    case Argument::increment_request:
      return read_increment(in, call);
    case Argument::pair:
      return read_pair(in, call);
    case Argument::range:
      return read_range(in, call);
    case Argument::names:
      return read_names(in, call);
    case Argument::key:
      break;
  }
  return read_text(in, call.key);
}

}  // namespace

Result<KeyValueCall> decode_key_value_call(std::string_view operation, BytesView payload) {
  const auto* found = std::find_if(std::begin(kOperations), std::end(kOperations),
                                   [&](const Operation& o) { return o.name == operation; });
  if (found == std::end(kOperations)) {
    return fail(Errc::not_found, kSite, fmt::format("method not handled {}", operation));
  }
  KeyValueCall call{.op = found->op, .key = {}, .value = {}, .names = {}};
  codec::MsgpackReader in(payload);
  if (auto read = read_argument(found->argument, in, call); !read) {
    return fail(Errc::invalid, kSite,
                fmt::format("deserialization: '{}': {}", found->type, read.error().detail));
  }
  return call;
}

Bytes encode_get_response(std::optional<std::string_view> value) {
  Bytes bytes;
  bytes.reserve(24 + value.value_or("").size());
  codec::MsgpackWriter out(bytes);
  out.map(2);
  out.str("value");
  out.str(value.value_or(""));
  out.str("exists");
  out.boolean(value.has_value());
  return bytes;
}

Bytes encode_flag(bool flag) {
  Bytes bytes;
  codec::MsgpackWriter(bytes).boolean(flag);
  return bytes;
}

Bytes encode_number(std::int64_t number) {
  Bytes bytes;
  codec::MsgpackWriter(bytes).sint(number);
  return bytes;
}

Bytes encode_strings(std::span<const std::string_view> values) {
  Bytes bytes;
  std::size_t size = 5;
  for (const auto value : values) size += value.size() + 5;
  bytes.reserve(size);
  codec::MsgpackWriter out(bytes);
  out.array(values.size());
  for (const auto value : values) out.str(value);
  return bytes;
}

}  // namespace trellis::capability
