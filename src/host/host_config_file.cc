#include "host/host_config_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "codec/json.h"

namespace trellis::host {
namespace {

namespace fs = std::filesystem;

boost::json::object contents(const Config& config, const Identity& identity,
                             std::uint16_t bus_port) {
  boost::json::object out;
  out["lattice_prefix"] = config.lattice;
  out["cluster_seed"] = identity.cluster.seed();
  out["cluster_key"] = identity.cluster.public_key();
  boost::json::array issuers;
  for (const auto& issuer : identity.cluster_issuers) issuers.emplace_back(issuer);
  out["cluster_issuers"] = std::move(issuers);
  const std::pair<const char*, const BusConnection&> connections[] = {
      {"rpc", config.rpc}, {"prov_rpc", config.provider_rpc}, {"ctl", config.control}};
  for (const auto& [name, connection] : connections) {
    const std::string prefix = name;
    out[prefix + "_host"] = connection.host;
    out[prefix + "_port"] = config.join_nats ? connection.port : bus_port;
    out[prefix + "_seed"] = connection.seed;
    out[prefix + "_jwt"] = connection.jwt;
    out[prefix + "_tls"] = connection.tls ? 1 : 0;
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

Result<void> replace(const std::string& path, const std::string& text) {
  const std::string fresh = fmt::format("{}.{}", path, ::getpid());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return refuse(path);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (written && ::rename(fresh.c_str(), path.c_str()) == 0) return {};
  const auto refused = refuse(path);
  ::unlink(fresh.c_str());
  return refused;
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

enum class Lock { mine, of_another_host, none };

// None when the file system has no locks: then the last host that starts has the name, as in 2022.
Lock take_lock(const fs::path& path, int& fd) {
  fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Lock::none;
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return Lock::mine;
  const bool taken = errno == EWOULDBLOCK;
  ::close(std::exchange(fd, -1));
  return taken ? Lock::of_another_host : Lock::none;
}

std::string describe_host_of(const std::string& path) {
  const auto value = codec::json_parse(read(path));
  if (!value || !value->is_object()) return "an unknown address";
  const auto& object = value->get_object();
  const auto host = codec::json_string(object, "ctl_host");
  const auto port = codec::json_uint(object, "ctl_port");
  const auto lattice = codec::json_string(object, "lattice_prefix");
  if (!host || !*host || !port || !*port) return "an unknown address";
  return fmt::format("{}:{} (lattice {})", **host, **port,
                     lattice && *lattice ? **lattice : "default");
}

}  // namespace

fs::path wash_folder() {
  const char* home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? fs::path() : fs::path(home) / ".wash";
}

Result<HostConfigFile> HostConfigFile::write(const fs::path& folder, const Config& config,
                                             const Identity& identity, std::uint16_t bus_port) {
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  const std::string first = (folder / "host_config.json").string();
  const std::string further =
      (folder / fmt::format("host_config-{}.json",
                            config.dashboard_port != 0 ? config.dashboard_port : ::getpid()))
          .string();
  HostConfigFile file;
  const bool is_first = take_lock(folder / "host_config.lock", file.lock_) != Lock::of_another_host;
  if (!is_first) file.first_host_ = describe_host_of(first);
  if (is_first) ::unlink(further.c_str());  // left by one that was killed
  file.text_ = codec::json_pretty(contents(config, identity, bus_port)) + "\n";
  TRY_OK(replace(is_first ? first : further, file.text_));
  file.path_ = is_first ? first : further;
  return file;
}

HostConfigFile::HostConfigFile(HostConfigFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      text_(std::move(other.text_)),
      first_host_(std::move(other.first_host_)),
      lock_(std::exchange(other.lock_, -1)) {}

HostConfigFile::~HostConfigFile() {
  // Somebody else's may stand there by now: tools of 2022 know nothing of the lock.
  if (!path_.empty() && read(path_) == text_) ::unlink(path_.c_str());
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace trellis::host
