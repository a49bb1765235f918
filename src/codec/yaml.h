// YAML as JSON values, through libyaml: what people write for Kubernetes and for `wash ctl apply`.
// References (&a, *a) are read within bounds; merge keys (<<) and tags of one's own are not. JSON
// is YAML as well. Pure; a large text takes milliseconds, so not on a core that serves.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.h"

namespace trellis::codec {

enum class YamlScalars {
  text,      // every scalar is a string, but for the empty one, `~` and `null`
  resolved,  // as Kubernetes reads them: plain true, 080, 0x1f, 1.5, null are what they look like
};

struct YamlLimits {
  int depth_max = 32;
  std::size_t documents_max = 1'000;
  std::size_t values_max = 1'000'000;  // counting what is kept for references and what they repeat
  bool unique_keys = false;            // refuses a key that is twice in a map; else the last counts
};

// Where each value begins, by its path: "/links/0/values". Lines count from 1.
using YamlLines = std::map<std::string, std::size_t>;

// All documents of a stream; those that hold nothing (a comment, two `---`) are null. Errors
// (invalid) name the line. `lines` gets those of the first document.
Result<std::vector<boost::json::value>> yaml_parse(std::string_view text, YamlScalars scalars,
                                                   YamlLimits limits = {},
                                                   YamlLines* lines = nullptr);

}  // namespace trellis::codec
