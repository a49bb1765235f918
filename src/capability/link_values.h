// The values of a link as providers read them: keys in any case, configuration as JSON or as base64
// of it, and a word about keys that mean nothing, which are most often a slip of the pen. Pure.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.h"
#include "lattice/link.h"

namespace trellis::capability {

class LinkValues {
 public:
  // Errors (invalid): one key in two cases; config_b64 or config_json that is no JSON object.
  static Result<LinkValues> read(const lattice::Link& link);

  const std::string* find(std::string_view lower_key) const;  // null: not given

  // What config_b64 holds, or config_json if that is not given; else empty.
  const boost::json::object& config() const { return config_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;  // keys in lower case
  boost::json::object config_;
};

// A sentence about the values whose keys are none of `known`, as they are usually written; "" when
// there are none such.
std::string warning_about_unknown(const lattice::Link& link,
                                  std::initializer_list<std::string_view> known);

bool same_ignoring_case(std::string_view a, std::string_view b);

// The configuration a provider was started with: a JSON object, or nothing at all.
Result<boost::json::object> provider_config(std::string_view config_json);

// "a, b,,c" → a, b, c.
std::vector<std::string> comma_list(std::string_view text);

// A member that is a list of texts; absent or null: empty.
Result<std::vector<std::string>> string_list(const boost::json::object& object,
                                             std::string_view key);

}  // namespace trellis::capability
