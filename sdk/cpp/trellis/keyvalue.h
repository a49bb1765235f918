// wasmcloud:keyvalue: strings, counters, lists and sets. docs/protocol.md §2.6.
//   auto visits = KeyValue().increment("visits", 1);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "trellis/host_call.h"

namespace trellis::sdk {

class KeyValue {
 public:
  using Strings = std::vector<std::string>;

  explicit KeyValue(std::string_view link_name = "default") : link_(link_name) {}

  // The value, or nullopt if there is no such key.
  Result<std::optional<std::string>> get(std::string_view key) const {
    return call("KeyValue.Get", text(key), [](MsgpackReader& reader) {
      constexpr std::string_view kNames[] = {"value", "exists"};
      std::optional<std::string> value;
      bool exists = false;
      read_struct(reader, kNames, [&](std::string_view name) {
        if (name == "value") {
          value = std::string(reader.text());
        } else if (name == "exists") {
          exists = reader.boolean();
        } else {
          return false;
        }
        return true;
      });
      if (!exists) value.reset();
      return value;
    });
  }
  Result<void> set(std::string_view key, std::string_view value,
                   std::uint32_t expires_seconds = 0) const {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(3);
    member(writer, "key", key);
    member(writer, "value", value);
    writer.str("expires");
    writer.uint(expires_seconds);
    return plain_call(link_, kContract, "KeyValue.Set", payload);
  }
  Result<bool> del(std::string_view key) const { return call("KeyValue.Del", text(key), flag); }
  Result<bool> contains(std::string_view key) const {
    return call("KeyValue.Contains", text(key), flag);
  }
  Result<std::int32_t> increment(std::string_view key, std::int32_t by) const {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(2);
    member(writer, "key", key);
    writer.str("value");
    writer.sint(by);
    return call("KeyValue.Increment", payload, [](MsgpackReader& reader) {
      return static_cast<std::int32_t>(reader.sint(INT32_MIN, INT32_MAX));
    });
  }

  // Lists. add() gives the new length; range() has both ends inclusive, -1 is the last.
  Result<std::uint32_t> list_add(std::string_view list, std::string_view value) const {
    return call("KeyValue.ListAdd", pair("listName", list, value), count);
  }
  Result<bool> list_del(std::string_view list, std::string_view value) const {
    return call("KeyValue.ListDel", pair("listName", list, value), flag);
  }
  Result<bool> list_clear(std::string_view list) const {
    return call("KeyValue.ListClear", text(list), flag);
  }
  Result<Strings> list_range(std::string_view list, std::int32_t start, std::int32_t stop) const {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(3);
    member(writer, "listName", list);
    writer.str("start");
    writer.sint(start);
    writer.str("stop");
    writer.sint(stop);
    return call("KeyValue.ListRange", payload, strings);
  }

  // Sets. add() and del() give how many members changed: 0 or 1.
  Result<std::uint32_t> set_add(std::string_view set, std::string_view value) const {
    return call("KeyValue.SetAdd", pair("setName", set, value), count);
  }
  Result<std::uint32_t> set_del(std::string_view set, std::string_view value) const {
    return call("KeyValue.SetDel", pair("setName", set, value), count);
  }
  Result<Strings> set_intersection(const Strings& sets) const {
    return call("KeyValue.SetIntersection", list(sets), strings);
  }
  Result<Strings> set_union(const Strings& sets) const {
    return call("KeyValue.SetUnion", list(sets), strings);
  }
  Result<Strings> set_query(std::string_view set) const {
    return call("KeyValue.SetQuery", text(set), strings);
  }
  Result<bool> set_clear(std::string_view set) const {
    return call("KeyValue.SetClear", text(set), flag);
  }

 private:
  static constexpr std::string_view kContract = "wasmcloud:keyvalue";

  template <class Read>
  Result<std::invoke_result_t<Read, MsgpackReader&>> call(std::string_view operation,
                                                          BytesView payload, Read read) const {
    return typed_call(link_, kContract, operation, payload, read);
  }

  static void member(MsgpackWriter& writer, std::string_view name, std::string_view value) {
    writer.str(name);
    writer.str(value);
  }
  static Bytes text(std::string_view value) {
    Bytes payload;
    MsgpackWriter(payload).str(value);
    return payload;
  }
  static Bytes pair(std::string_view name, std::string_view of, std::string_view value) {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(2);
    member(writer, name, of);
    member(writer, "value", value);
    return payload;
  }
  static Bytes list(const Strings& values) {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.array(values.size());
    for (const auto& value : values) writer.str(value);
    return payload;
  }
  static bool flag(MsgpackReader& reader) { return reader.boolean(); }
  static std::uint32_t count(MsgpackReader& reader) {
    return static_cast<std::uint32_t>(reader.uint(UINT32_MAX));
  }
  static Strings strings(MsgpackReader& reader) {
    Strings values;
    const auto size = reader.array();
    for (std::size_t i = 0; i < size && reader.ok(); ++i) values.emplace_back(reader.text());
    return values;
  }

  std::string link_;
};

}  // namespace trellis::sdk
