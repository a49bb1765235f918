// The providers that come with Trellis: their names, keys, the references of 2022 they answer to,
// and how one is made. Used by the host, which runs them within itself, and by trellis-provider,
// which runs one in a process of its own. The one place that knows all folders of providers/. Any
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capability/provider.h"

namespace trellis::builtin {

struct BuiltinProvider {
  std::string name;                     // "httpserver"
  std::vector<std::string> references;  // registry/name, without a tag; none: only builtin:<name>
  capability::ProviderInfo info;
  std::function<std::unique_ptr<capability::Provider>(capability::ProviderContext)> make;
};

const std::vector<BuiltinProvider>& builtin_providers();

// The one of that name or key, or null.
const BuiltinProvider* find_by_name(std::string_view name);
const BuiltinProvider* find_by_key(std::string_view public_key);

// Where it keeps what survives a restart, below the data folder of the host or of the process
// (TRELLIS_DATA_DIR): the same, so that it may move from one to the other.
std::string data_dir_of(const BuiltinProvider& provider, std::string_view data_dir,
                        std::string_view lattice);

}  // namespace trellis::builtin
