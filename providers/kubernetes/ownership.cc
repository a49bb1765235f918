#include "kubernetes/ownership.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace trellis::kubernetes {
namespace {

namespace json = boost::json;

const json::array& list(const json::object* object, std::string_view key) {
  static const json::array kNone;
  const auto* found = object == nullptr ? nullptr : object->if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

const json::array& owners_of(const json::object& object) {
  return list(member(object, "metadata"), "ownerReferences");
}

bool names(const json::value& reference, const OwnerName& owner) {
  return reference.is_object() && text(reference.get_object(), "kind") == owner.kind &&
         text(reference.get_object(), "name") == owner.name &&
         text(reference.get_object(), "apiVersion") == owner.api_version;
}

// The names of who wrote the object, but for those who only keep its status.
std::vector<std::string> writers_of(const json::object& object) {
  std::vector<std::string> writers;
  for (const auto& entry : list(member(object, "metadata"), "managedFields")) {
    if (!entry.is_object() || !text(entry.get_object(), "subresource").empty()) continue;
    writers.emplace_back(text(entry.get_object(), "manager"));
  }
  return writers;
}

// Fields are trees of names: what is in both is merged.
void merge(json::object& into, const json::object& from) {
  for (const auto& [key, value] : from) {
    auto& there = into[key];
    if (there.is_object() && value.is_object()) {
      merge(there.get_object(), value.get_object());
    } else {
      there = value;
    }
  }
}

bool is_ours(const json::object& entry) { return text(entry, "manager") == kFieldManager; }

// Takes from an entry what is to be ours; what stays in it is left there.
void take(json::object& entry, bool whole, json::object& into) {
  const auto* fields = member(entry, "fieldsV1");
  if (fields == nullptr) return;
  json::object left;
  for (const auto& [key, value] : *fields) {
    const bool stays = !whole && (key == "f:metadata" || key == "f:status");
    if (stays) {
      left[key] = value;
    } else {
      merge(into, {{key, value}});
    }
  }
  entry["fieldsV1"] = std::move(left);
}

}  // namespace

const json::object* member(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found == nullptr ? nullptr : found->if_object();
}

std::string_view text(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  if (found == nullptr || !found->is_string()) return {};
  return {found->get_string().data(), found->get_string().size()};
}

const json::object* reference_to(const json::object& object, const OwnerName& owner) {
  for (const auto& reference : owners_of(object))
    if (names(reference, owner)) return &reference.get_object();
  return nullptr;
}

std::string why_foreign(const json::object& object, const OwnerName* owner) {
  const auto writers = writers_of(object);
  if (std::find(writers.begin(), writers.end(), kFieldManager) == writers.end()) {
    return fmt::format("was not made by this provider (made by {})",
                       writers.empty() ? "somebody else" : writers.front());
  }
  const auto& owners = owners_of(object);
  if (owners.empty() || (owner != nullptr && reference_to(object, *owner) != nullptr)) return {};
  if (!owners[0].is_object()) return "belongs to somebody else";
  return fmt::format("belongs to {} '{}', which is another release's",
                     text(owners[0].get_object(), "kind"), text(owners[0].get_object(), "name"));
}

bool is_listed(const json::object& object, const OwnerName* owner) {
  if (!why_foreign(object, owner).empty()) return false;
  return owner == nullptr ? owners_of(object).empty() : reference_to(object, *owner) != nullptr;
}

std::optional<json::array> taken_over(const json::object& object, bool all) {
  json::array entries = list(member(object, "metadata"), "managedFields");
  json::object taken;
  for (auto& each : entries) {
    if (!each.is_object() || !text(each.get_object(), "subresource").empty()) continue;
    auto& entry = each.get_object();
    const bool applied_by_us = is_ours(entry) && text(entry, "operation") == "Apply";
    const bool same_version = text(entry, "apiVersion") == text(object, "apiVersion");
    if (applied_by_us || !same_version) continue;
    if (all || is_ours(entry)) take(entry, is_ours(entry), taken);
  }
  if (taken.empty()) return std::nullopt;
  json::array result;
  json::object ours{{"manager", kFieldManager},
                    {"operation", "Apply"},
                    {"apiVersion", text(object, "apiVersion")},
                    {"fieldsType", "FieldsV1"},
                    {"fieldsV1", json::object()}};
  for (auto& each : entries) {
    const auto* entry = each.if_object();
    if (entry != nullptr && is_ours(*entry) && text(*entry, "operation") == "Apply" &&
        text(*entry, "subresource").empty()) {
      ours = *entry;
    } else if (entry == nullptr || member(*entry, "fieldsV1") == nullptr ||
               !member(*entry, "fieldsV1")->empty()) {
      result.push_back(std::move(each));
    }
  }
  auto& fields = ours["fieldsV1"];
  if (!fields.is_object()) fields = json::object();
  merge(fields.get_object(), taken);
  result.push_back(std::move(ours));
  return result;
}

}  // namespace trellis::kubernetes
