// A WWW-Authenticate header taken apart: how a registry wants to be told who asks (RFC 9110
// §11.6.1; the distribution specification's token authentication). Pure, fuzzed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::registry {

struct Challenge {
  std::string scheme;                             // lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // names in lower case

  std::string parameter(const std::string& name) const;  // "" when it is not there
};

// Every challenge up to the first thing that is none; at most a few, each of a few parameters.
std::vector<Challenge> parse_challenges(std::string_view header);

// As a registry would write it; for tests.
std::string write_challenge(const Challenge& challenge);

}  // namespace trellis::registry
