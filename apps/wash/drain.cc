#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "ctl.h"
#include "registry/cache.h"

namespace trellis::wash {
namespace {

namespace fs = std::filesystem;

std::string variable_or(const char* name, std::string otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::string(value) : std::move(otherwise);
}

fs::path temporary(const char* name) { return fs::path(variable_or("TMPDIR", "/tmp")) / name; }
fs::path oci_cache() { return temporary("wasmcloud_ocicache"); }
// Where host and wash keep what registries gave.
fs::path artifact_cache() { return registry::default_cache_dir(registry::process_environment()); }
fs::path library_cache() { return temporary("wasmcloudcache"); }
// Where the host keeps compiled code, read as the host reads it.
fs::path code_cache() {
  std::string home = variable_or("HOME", "/tmp");
  return variable_or("TRELLIS_CACHE_DIR",
                     variable_or("XDG_CACHE_HOME", home + "/.cache") + "/trellis/code");
}

// Where it unpacks the programs of provider archives.
fs::path program_cache() {
  std::string home = variable_or("HOME", "/tmp");
  return variable_or("TRELLIS_PROVIDERS_DIR",
                     variable_or("XDG_CACHE_HOME", home + "/.cache") + "/trellis/providers");
}

// Empties the folder and keeps it; false if it is not there.
Result<bool> empty(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return false;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code failed;
    fs::remove_all(at->path(), failed);
    if (failed)
      return fail(Errc::denied, "wash.drain",
                  fmt::format("Cannot remove {}: {}", at->path().string(), failed.message()));
  }
  if (error)
    return fail(Errc::denied, "wash.drain",
                fmt::format("Cannot read {}: {}", folder.string(), error.message()));
  return true;
}

Result<Output> drain(const std::vector<fs::path>& folders) {
  std::vector<std::string> drained;
  for (const fs::path& folder : folders) {
    TRY(bool was_there, empty(folder));
    if (was_there) drained.push_back(folder.string());
  }
  std::vector<std::string> quoted;
  for (const std::string& folder : drained) quoted.push_back(fmt::format("\"{}\"", folder));
  return Output{fmt::format("Successfully cleared caches at: [{}]", fmt::join(quoted, ", ")),
                {{"drained", boost::json::array(drained.begin(), drained.end())}}};
}

}  // namespace

void add_drain(CLI::App& root, Context& context) {
  CLI::App& group = add_group(root, "drain", "Manage contents of local wasmCloud caches");
  CLI::App& all = *group.add_subcommand("all", "Empty all caches");
  context.on(all, "wash drain all", [] {
    return drain({library_cache(), oci_cache(), artifact_cache(), code_cache(), program_cache()});
  });
  CLI::App& oci = *group.add_subcommand("oci", "Empty the cache of artifacts from registries");
  context.on(oci, "wash drain oci", [] { return drain({oci_cache(), artifact_cache()}); });
  CLI::App& lib =
      *group.add_subcommand("lib", "Empty the caches of unpacked providers and compiled actors");
  context.on(lib, "wash drain lib",
             [] { return drain({library_cache(), code_cache(), program_cache()}); });
}

}  // namespace trellis::wash
