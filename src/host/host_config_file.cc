#include "host/host_config_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "codec/json.h"

namespace trellis::host {
namespace {

boost::json::object contents(const Config& config, const Identity& identity) {
  boost::json::object out;
  out["lattice_prefix"] = config.lattice;
  out["cluster_seed"] = identity.cluster.seed();
  out["cluster_key"] = identity.cluster.public_key();
  boost::json::array issuers;
  for (const auto& issuer : identity.cluster_issuers) issuers.emplace_back(issuer);
  out["cluster_issuers"] = std::move(issuers);
  for (const char* connection : {"rpc", "prov_rpc", "ctl"}) {
    const std::string prefix = connection;
    out[prefix + "_host"] = config.bus_host;
    out[prefix + "_port"] = config.bus_port;
    out[prefix + "_seed"] = "";
    out[prefix + "_jwt"] = "";
    out[prefix + "_tls"] = 0;
  }
  out["rpc_timeout_ms"] = config.rpc_timeout.count();
  out["ctl_topic_prefix"] = config.control_prefix;
  out["provider_delay"] = config.shutdown_delay.count();
  out["allow_latest"] = config.allow_latest;
  return out;
}

Result<void> refuse(const std::string& path) {
  return fail(
      Errc::denied, "host.config_file",
      fmt::format("cannot write {}: {}; wash will use its defaults", path, std::strerror(errno)));
}

}  // namespace

Result<void> write_host_config_file(const Config& config, const Identity& identity) {
  const char* home = std::getenv("HOME");
  if (home == nullptr) return {};
  const std::filesystem::path folder = std::filesystem::path(home) / ".wash";
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  const std::string path = (folder / "host_config.json").string();
  const std::string fresh = fmt::format("{}.{}", path, ::getpid());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return refuse(path);
  const std::string text = codec::json_pretty(contents(config, identity)) + "\n";
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (!written || ::rename(fresh.c_str(), path.c_str()) != 0) {
    ::unlink(fresh.c_str());
    return refuse(path);
  }
  return {};
}

}  // namespace trellis::host
