// What a configuration service tells a host to start, and whom to be towards registries: the JSON
// of docs/protocol.md §9.3. Used by ConfigService. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/registry_credentials.h"

namespace trellis::host {

struct ConfigReply {
  struct Provider {
    std::string reference, link_name;
  };
  std::vector<Provider> providers;
  std::vector<std::string> actors;  // references
  control::RegistryCredentials credentials;
  std::vector<std::string> passed_over;  // a sentence for each entry that means nothing
};

// An error only when the whole is no JSON object; entries that mean nothing are passed over.
Result<ConfigReply> parse_config_reply(std::string_view body);

// {"labels":{…}}: what is asked with.
std::string config_request(const std::map<std::string, std::string>& labels);

}  // namespace trellis::host
