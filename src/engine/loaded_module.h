// A compiled module with everything that can be settled once: its imports resolved, its exports
// checked, the start-up exports it has. Immutable; any core; the Engine outlives it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/c_handle.h"
#include "engine/code_cache.h"
#include "engine/engine.h"
#include "engine/instance_image.h"
#include "engine/profile.h"

namespace trellis::engine {

class LoadedModule final : public Module {
 public:
  // Checks imports and exports. Errors list everything that is missing.
  static Result<std::shared_ptr<LoadedModule>> create(const Profile& profile, Code code,
                                                      ModuleInfo info);

  const ModuleInfo& info() const override { return info_; }
  void set_api_version(int version) { info_.api_version = version; }  // while it is still unshared

  const Profile& profile() const { return profile_; }
  const wasmtime_instance_pre_t* pre() const { return pre_.get(); }
  // Called on a new instance, in this order (docs/protocol.md §1.2).
  struct StartupExport {
    std::string name;
    std::size_t results;
  };
  const std::vector<StartupExport>& startup_exports() const { return startup_; }
  bool has_api_version() const { return has_api_version_; }

  // Exports that hold what the module keeps outside its memory; none when its instances cannot be
  // restored (wasmtime/src/restorable.rs).
  const std::vector<std::string>& restored_globals() const { return restored_globals_; }
  // Null when instances cannot be restored, or when they do not all start alike.
  const InstanceImage* image() const { return image_.get(); }
  void set_image(std::unique_ptr<const InstanceImage> image) { image_ = std::move(image); }

 private:
  LoadedModule(const Profile& profile, ModuleInfo info)
      : profile_(profile), info_(std::move(info)) {}
  Result<void> check_imports();
  Result<void> check_exports();

  const Profile& profile_;
  ModuleInfo info_;
  Code code_;
  InstancePreHandle pre_;
  std::vector<StartupExport> startup_;
  bool has_api_version_ = false;
  std::vector<std::string> restored_globals_;
  std::unique_ptr<const InstanceImage> image_;
};

}  // namespace trellis::engine
