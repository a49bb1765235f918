// The options of `wash up` and the environment they become for the host: docs/protocol.md §9.1.
// Options that belonged to the parts 2022 downloaded are taken and said to have no meaning, so that
// old scripts run on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "lattice/nats_connection.h"

namespace trellis::wash {

class UpOptions {
 public:
  explicit UpOptions(CLI::App& app);

  bool detached = false;
  bool connect_only = false;
  std::string nats_host = "127.0.0.1";
  std::uint16_t nats_port = 4222;
  std::string remote_url, remote_credsfile;

  // For the host, beyond what wash's own environment holds.
  std::map<std::string, std::string> environment() const;
  // Whether the host is to use a NATS server that is there, instead of a bus of its own.
  bool joins_nats() const;
  // Where that is, or where the host's own bus will listen: the RPC address if one was given.
  std::string bus_host() const;
  std::uint16_t bus_port() const;
  // A host names variables: the same text with the options that were given in their place.
  std::string in_options(std::string text) const;
  // Options that were given and do nothing here.
  std::vector<std::string> without_meaning() const;

 private:
  enum class Kind { value, one, truth };  // passed as it is, as "1", as "true"
  struct Setting {
    CLI::Option* option;
    std::string variable;
    Kind kind;
  };
  void pass(CLI::App& app, const std::string& flag, const std::string& variable,
            const std::string& about, Kind kind = Kind::value, const std::string& otherwise = "");
  void pass_connection(CLI::App& app, const std::string& name, const std::string& variable);
  void take(CLI::App& app, const std::string& flag, const std::string& variable);
  std::string given(const std::string& variable) const;
  lattice::NatsServer remote() const;  // of remote_url

  std::vector<Setting> settings_;
  std::vector<CLI::Option*> taken_;
};

// The dashboard's port and where to ask it, as the host will read them: WASMCLOUD_DASHBOARD_PORT,
// else PORT.
Result<std::uint16_t> dashboard_port();
std::string dashboard_host();

}  // namespace trellis::wash
