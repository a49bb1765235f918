#include "capability/http_fields.h"

#include <algorithm>
#include <array>

namespace trellis::capability {
namespace {

constexpr std::size_t kLowerNameMax = 256;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

bool visible_ascii(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; });
}

bool sendable(const HttpField& field) {
  return field.name.size() <= kLowerNameMax && visible_ascii(field.value);
}

// The index of the first sendable header of the same name; `i` itself when it is the first.
std::size_t first_of_name(const HttpFields& fields, std::size_t i) {
  for (std::size_t k = 0; k < i; ++k) {
    if (sendable(fields[k]) && same_name(fields[k].name, fields[i].name)) return k;
  }
  return i;
}

void write_lower(codec::MsgpackWriter& out, std::string_view name) {
  std::array<char, kLowerNameMax> buffer;
  std::transform(name.begin(), name.end(), buffer.begin(), lower);
  out.str({buffer.data(), name.size()});
}

}  // namespace

void write_fields(codec::MsgpackWriter& out, const HttpFields& fields) {
  // owner[i]: which header starts the group that header i belongs to; count[i]: how many it leads.
  boost::container::small_vector<std::size_t, 32> owner(fields.size()), count(fields.size(), 0);
  std::size_t groups = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    owner[i] = fields.size();
    if (!sendable(fields[i])) continue;
    owner[i] = first_of_name(fields, i);
    groups += count[owner[i]]++ == 0 ? 1 : 0;
  }
  out.map(groups);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (owner[i] != i) continue;
    write_lower(out, fields[i].name);
    out.array(count[i]);
    for (std::size_t k = i; k < fields.size(); ++k) {
      if (owner[k] == i) out.str(fields[k].value);
    }
  }
}

Result<void> read_fields(codec::MsgpackReader& in, HttpFields& out) {
  TRY(const bool none, in.try_nil());
  if (none) return {};
  TRY(std::size_t names, in.map());
  for (; names > 0; --names) {
    TRY(std::string_view name, in.text());
    TRY(std::size_t values, in.array());
    for (; values > 0; --values) {
      TRY(std::string_view value, in.text());
      out.push_back({name, value});
    }
  }
  return {};
}

std::size_t encoded_size(const HttpFields& fields) {
  std::size_t size = 5;
  for (const auto& field : fields) size += field.name.size() + field.value.size() + 10;
  return size;
}

}  // namespace trellis::capability
