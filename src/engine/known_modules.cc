#include "engine/known_modules.h"

namespace trellis::engine {

std::shared_ptr<const LoadedModule> KnownModules::find(const std::string& content_hash) const {
  std::lock_guard lock(mutex_);
  const auto found = modules_.find(content_hash);
  return found == modules_.end() ? nullptr : found->second.lock();
}

std::shared_ptr<const LoadedModule> KnownModules::add(std::shared_ptr<const LoadedModule> module) {
  std::lock_guard lock(mutex_);
  if (modules_.size() >= forget_at_) {
    std::erase_if(modules_, [](const auto& entry) { return entry.second.expired(); });
    forget_at_ = 2 * modules_.size() + 64;
  }
  auto& place = modules_[module->info().content_hash];
  if (auto first = place.lock()) return first;
  place = module;
  return module;
}

}  // namespace trellis::engine
