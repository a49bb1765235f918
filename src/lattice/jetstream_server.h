// For tests: a real nats-server on a free port, with a folder of its own for what JetStream keeps.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "lattice/temporary_folder.h"
#include "runtime/server_process.h"

namespace trellis::lattice {

inline constexpr std::string_view kWithJetStream =
    "jetstream { store_dir: \"FOLDER/jetstream\" }\n";

class JetStreamServer {
 public:
  // `config`: lines of its configuration file, besides where it listens; FOLDER is the folder.
  explicit JetStreamServer(std::string config = std::string(kWithJetStream))
      : port_(runtime::free_port()), process_(command(std::move(config)), port_) {}

  std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }
  // What JetStream keeps in memory is lost.
  void restart() {
    process_.stop();
    process_.start();
  }

  // Silent, but connected.
  void pause() { process_.pause(); }
  void resume() { process_.resume(); }

 private:
  std::vector<std::string> command(std::string config) const {
    constexpr std::string_view kFolder = "FOLDER";
    for (auto at = config.find(kFolder); at != std::string::npos; at = config.find(kFolder))
      config.replace(at, kFolder.size(), folder_.path().string());
    std::ofstream(folder_.file("nats.conf"))
        << "listen: \"127.0.0.1:" << port_ << "\"\nlog_file: /dev/null\n"
        << config;
    return {"nats-server", "-c", folder_.file("nats.conf")};
  }

  TemporaryFolder folder_;
  std::uint16_t port_;
  runtime::ServerProcess process_;
};

}  // namespace trellis::lattice
