// Reads the members of one JSON object into a message: a member that is absent or null leaves what
// is there, one of the wrong type or a required one that is missing is remembered, and said once at
// the end. Used by messages.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "control/messages.h"

namespace trellis::control {

class Fields {
 public:
  explicit Fields(const boost::json::object& object) : object_(object) {}

  void text(std::string_view key, std::string& into);
  void need(std::string_view key, std::string& into);
  void text(std::string_view key, std::optional<std::string>& into);
  void number(std::string_view key, std::uint64_t& into);
  void number(std::string_view key, std::optional<std::uint64_t>& into);
  void number(std::string_view key, std::int32_t& into);
  bool flag(std::string_view key, bool& into);  // true if it was there
  // A count of instances; more than 65535 is wrong. True if it was there.
  bool count(std::string_view key, std::uint16_t& into);
  void map(std::string_view key, StringMap& into);
  // Calls `each` with every object of an array.
  template <class Each>
  void list(std::string_view key, Each each) {
    const boost::json::value* value = find(key);
    if (value == nullptr) return;
    if (!value->is_array()) return wrong(key, "a list");
    for (const boost::json::value& element : value->get_array()) {
      if (!element.is_object()) return wrong(key, "a list of objects");
      each(element.get_object());
    }
  }

  void wrong(std::string_view key, std::string_view expected);
  const std::string& problem() const { return problem_; }  // "" when all was well

 private:
  const boost::json::value* find(std::string_view key) const;

  const boost::json::object& object_;
  std::string problem_;
};

}  // namespace trellis::control
