// Whose an object is, from what Kubernetes keeps about it: which field managers wrote it, and which
// objects own it. Nothing that is not ours is written or deleted. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace trellis::kubernetes {

inline constexpr std::string_view kFieldManager = "kubernetes-applier-provider";  // as in 2022

// The object that ours belong to, so that they go when it goes.
struct OwnerName {
  std::string api_version, kind, name;
  bool operator==(const OwnerName&) const = default;
};

// Why the object must be left alone, as a clause: "was not made by this provider (made by
// kubectl-create)"; "" when it is ours. `owner` null: ours belong to nobody.
std::string why_foreign(const boost::json::object& object, const OwnerName* owner);

// Whether the object has our owner, or none when ours have none.
bool is_listed(const boost::json::object& object, const OwnerName* owner);

// The reference to our owner that the object has already; null if it has none.
const boost::json::object* reference_to(const boost::json::object& object, const OwnerName& owner);

// metadata.managedFields as they must be for our next apply to take back what others changed: their
// fields outside of metadata and status become ours, so that those we do not mention are removed.
// With `all` false only what we ourselves wrote otherwise than by applying, as 2022 did when it
// created something. nullopt: there is nothing to take.
std::optional<boost::json::array> taken_over(const boost::json::object& object, bool all);

// A member that is an object, or null.
const boost::json::object* member(const boost::json::object& object, std::string_view key);
std::string_view text(const boost::json::object& object, std::string_view key);

}  // namespace trellis::kubernetes
