// For tests: coroutines on a core with connections to a real nats-server.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lattice/jetstream_server.h"
#include "lattice/nats_bus.h"
#include "lattice/on_core.h"
#include "lattice/received.h"

namespace trellis::lattice {

inline runtime::Deadline soon() { return runtime::Deadline::in(std::chrono::seconds(10)); }

// Connections that are closed together; made and closed on the core.
class Connections {
 public:
  struct Who {
    std::string url;
    std::string user{}, password{};
    std::function<void()> reconnected{};
  };
  runtime::Task<NatsBus*> open(Who who) {
    NatsBusOptions options;
    CO_TRY(const auto server, NatsServer::parse(who.url));
    options.servers = {server};
    options.connection.credentials.user = who.user;
    options.connection.credentials.password = who.password;
    options.changed = [tell = who.reconnected](bool connected, const std::string&) {
      if (connected && tell) tell();
    };
    CO_TRY(auto bus, co_await NatsBus::start(std::move(options)));
    open_.push_back(std::move(bus));
    co_return open_.back().get();
  }
  runtime::Task<void> close() {
    for (const auto& bus : open_) CO_TRY_OK(co_await bus->stop(soon()));
    co_return Result<void>();
  }

 private:
  std::vector<std::unique_ptr<NatsBus>> open_;
};

class OverNats : public CoreTest {
 protected:
  // Runs a test's coroutine with connections that are closed after it, whatever it ends with.
  void with_connections(std::function<runtime::Task<void>(Connections&)> test) {
    const auto done = on_core<void>([&]() -> runtime::Task<void> {
      Connections connections;
      const auto result = co_await test(connections);
      CO_TRY_OK(co_await connections.close());
      co_return result;
    });
    EXPECT_TRUE(done) << done.error().describe();
  }
};

inline Message text_message(std::string subject, std::string_view text, Headers headers = {}) {
  return {std::move(subject), "", std::move(headers), to_bytes(text)};
}

}  // namespace trellis::lattice
