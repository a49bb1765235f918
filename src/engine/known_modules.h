// The modules that are loaded now, by content: however many actors have the same code, it is in
// memory once. Holds none alive. Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "engine/loaded_module.h"

namespace trellis::engine {

class KnownModules {
 public:
  std::shared_ptr<const LoadedModule> find(const std::string& content_hash) const;
  // `module`, or the equal one that another load brought first.
  std::shared_ptr<const LoadedModule> add(std::shared_ptr<const LoadedModule> module);

 private:
  mutable std::mutex mutex_;  // starts of actors only
  std::unordered_map<std::string, std::weak_ptr<const LoadedModule>> modules_;
  std::size_t forget_at_ = 64;  // entries; the dead ones are looked for then
};

}  // namespace trellis::engine
