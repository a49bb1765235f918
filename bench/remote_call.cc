// What bench/lattice.py starts: a caller that is a host as far as calls go, and what it is compared
// with.
//   remote_call respond <nats port>            answers requests on `bench.raw` with what it got
//   remote_call respond-libnats <nats port>    the same on `bench.libnats`, made of libnats
//   remote_call measure <nats port> <cluster seed> <actor> <seconds>
// `measure` prints lines "<what> <µs of one call after the other> <calls/s of 64 at once>": libnats
// and own client (a NATS request to a responder made of the same client), sealed and signed (an
// echo actor on another host of the lattice, called as hosts call it; answers checked).
#include <fmt/format.h>
#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "capability/http_contract.h"
#include "host/remote_calls.h"
#include "lattice/large_messages.h"
#include "lattice/nats_bus.h"

namespace trellis {
namespace {

using namespace std::chrono_literals;
using runtime::Deadline;
using runtime::Task;
using Clock = std::chrono::steady_clock;
using Call = std::function<Task<void>()>;

constexpr int kCallers = 64;

Task<std::unique_ptr<lattice::NatsBus>> connect(const char* port) {
  lattice::NatsBusOptions options;
  CO_TRY(const auto server, lattice::NatsServer::parse(fmt::format("127.0.0.1:{}", port)));
  options.servers = {server};
  options.connection.name = "bench";
  co_return co_await lattice::NatsBus::start(std::move(options));
}

Task<void> respond(const char* port) {
  CO_TRY(const auto bus, co_await connect(port));
  CO_TRY(const auto subscription,
         bus->subscribe("bench.raw", "", [&](const lattice::Message& asked) {
           (void)bus->publish({asked.reply, "", {}, asked.data});
         }));
  for (;;) CO_TRY_OK(co_await runtime::Core::current().sleep_until(Deadline::in(1h)));
}

struct Count {
  std::uint64_t calls = 0, failed = 0;
  std::string error;
};

Task<void> call_until(Call call, Clock::time_point end, Count& count) {
  while (Clock::now() < end) {
    const auto done = co_await call();
    ++count.calls;
    if (done) continue;
    ++count.failed;
    count.error = done.error().describe();
  }
  co_return Result<void>();
}

Task<Count> run(Call call, int callers, Clock::duration time) {
  Count count;
  runtime::TaskGroup group(runtime::Core::current());
  for (int i = 0; i < callers; ++i)
    group.spawn("caller", call_until(call, Clock::now() + time, count));
  CO_TRY_OK(co_await group.join(Deadline::in(time + 30s)));
  if (count.failed)
    co_return fail(
        Errc::internal, "bench",
        fmt::format("{} of {} calls failed: {}", count.failed, count.calls, count.error));
  co_return count;
}

Task<void> measure_one(const char* what, Call call, Clock::duration time) {
  CO_TRY_OK(co_await run(call, 1, 200ms));  // warm
  const auto seconds = std::chrono::duration<double>(time).count();
  CO_TRY(const auto serial, co_await run(call, 1, time));
  CO_TRY(const auto at_once, co_await run(call, kCallers, time));
  fmt::print("{} {:.1f} {:.0f}\n", what, seconds * 1e6 / static_cast<double>(serial.calls),
             static_cast<double>(at_once.calls) / seconds);
  std::fflush(stdout);
  co_return Result<void>();
}

Task<void> raw_call(lattice::Bus& bus, const Bytes& body) {
  CO_TRY(const auto answer, co_await bus.request({"bench.raw", "", {}, body}, Deadline::in(5s)));
  if (answer.data != body) co_return fail(Errc::corrupt, "bench", "another answer than expected");
  co_return Result<void>();
}

Task<void> actor_call(host::RemoteCalls& calls, const std::string& actor, const Bytes& body) {
  CO_TRY(const auto answer,
         co_await calls.call({"VBENCH", "default", "wasmcloud:httpserver"}, {actor, "", ""},
                             "HttpServer.HandleRequest", body, Deadline::in(5s), 0));
  const auto response = capability::decode_http_answer(answer);
  if (!response || response->status != 200)
    co_return fail(Errc::corrupt, "bench", "another answer than expected");
  co_return Result<void>();
}

// --- libnats, as its users have it: each caller waits on a thread of its own ---

natsConnection* connect_libnats(const char* port) {
  natsOptions* options = nullptr;
  natsOptions_Create(&options);
  natsOptions_SetURL(options, fmt::format("nats://127.0.0.1:{}", port).c_str());
  natsOptions_SetSendAsap(options, true);  // else it waits up to a millisecond for more to send
  natsConnection* connection = nullptr;
  natsConnection_Connect(&connection, options);
  natsOptions_Destroy(options);
  return connection;
}

void answer_libnats(natsConnection* connection, natsSubscription*, natsMsg* asked, void*) {
  natsConnection_Publish(connection, natsMsg_GetReply(asked), natsMsg_GetData(asked),
                         natsMsg_GetDataLength(asked));
  natsMsg_Destroy(asked);
}

int respond_libnats(const char* port) {
  auto* connection = connect_libnats(port);
  natsSubscription* subscription = nullptr;
  if (natsConnection_Subscribe(&subscription, connection, "bench.libnats", answer_libnats,
                               nullptr) != NATS_OK)
    return 1;
  for (;;) std::this_thread::sleep_for(1h);
}

Result<std::uint64_t> run_libnats(natsConnection* connection, const Bytes& body, int callers,
                                  Clock::duration time) {
  std::atomic<std::uint64_t> calls{0}, failed{0};
  std::vector<std::thread> threads;
  const auto end = Clock::now() + time;
  for (int i = 0; i < callers; ++i)
    threads.emplace_back([&] {
      while (Clock::now() < end) {
        natsMsg* answer = nullptr;
        const auto status =
            natsConnection_Request(&answer, connection, "bench.libnats", body.data(),
                                   static_cast<int>(body.size()), 5'000);
        ++(status == NATS_OK ? calls : failed);
        natsMsg_Destroy(answer);
      }
    });
  for (auto& thread : threads) thread.join();
  if (failed)
    return fail(Errc::internal, "bench", fmt::format("{} requests failed", failed.load()));
  return calls.load();
}

Result<void> measure_libnats(const char* port, const Bytes& body, Clock::duration time) {
  auto* connection = connect_libnats(port);
  for (int i = 0; i < 50 && !run_libnats(connection, body, 1, 100ms); ++i) {
  }  // until the responder is there
  TRY(const auto serial, run_libnats(connection, body, 1, time));
  TRY(const auto at_once, run_libnats(connection, body, kCallers, time));
  const auto seconds = std::chrono::duration<double>(time).count();
  fmt::print("libnats {:.1f} {:.0f}\n", seconds * 1e6 / static_cast<double>(serial),
             static_cast<double>(at_once) / seconds);
  natsConnection_Destroy(connection);
  return {};
}

Bytes request_body() {
  return capability::encode_http_call(
      {.method = "GET", .path = "/", .query = "", .headers = {}, .body = {}});
}

Task<void> measure(runtime::Cores& cores, char** argument) {
  CO_TRY(const auto bus, co_await connect(argument[0]));
  host::Config config;
  config.cluster_seed = argument[1];
  const std::string actor = argument[2];
  const auto time = std::chrono::milliseconds(std::atoi(argument[3]) * 1000);
  CO_TRY(const auto identity, host::make_identity(config));
  const lattice::Subjects subjects;
  lattice::InvocationSeal seal(identity.cluster, config.lattice);
  host::Peers alike("NSELF", seal.name()), unlike("NSELF", seal.name());
  // A host that does not know the seal: then calls are signed.
  unlike.take({"", "", {}, to_bytes(R"({"specversion":"1.0","id":"1","source":"NOTHER",
      "type":"com.wasmcloud.lattice.host_heartbeat","time":"2022-11-28T12:00:00Z","data":{}})")});
  runtime::TaskGroup tasks(runtime::Core::current());
  lattice::LargeMessages large(tasks, *bus, "");
  host::RemoteCalls sealed(cores, *bus, subjects, identity, seal, alike, large);
  host::RemoteCalls signed_calls(cores, *bus, subjects, identity, seal, unlike, large);

  const auto body = request_body();
  CO_TRY_OK(co_await measure_one("own client", [&] { return raw_call(*bus, body); }, time));
  CO_TRY_OK(co_await measure_one("sealed", [&] { return actor_call(sealed, actor, body); }, time));
  CO_TRY_OK(
      co_await measure_one("signed", [&] { return actor_call(signed_calls, actor, body); }, time));
  co_return co_await bus->stop(Deadline::in(1s));
}

int run_main(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "";
  const bool responds = what == "respond" || what == "respond-libnats";
  if (!(responds && count == 3) && !(what == "measure" && count == 6)) {
    fmt::print(stderr, "see the head of bench/remote_call.cc\n");
    return 2;
  }
  if (what == "respond-libnats") return respond_libnats(arguments[2]);
  if (what == "measure") {
    const auto time = std::chrono::seconds(std::atoi(arguments[5]));
    if (const auto done = measure_libnats(arguments[2], request_body(), time); !done) {
      fmt::print(stderr, "{}\n", done.error().describe());
      return 1;
    }
  }
  auto cores = runtime::Cores::start({.count = 1, .pin = false});
  if (!cores) return 1;
  auto& all = **cores;
  const auto done = all.run_blocking<void>(
      0, [&] { return what == "respond" ? respond(arguments[2]) : measure(all, arguments + 2); });
  if (!done) fmt::print(stderr, "{}\n", done.error().describe());
  return done ? 0 : 1;
}

}  // namespace
}  // namespace trellis

int main(int count, char** arguments) { return trellis::run_main(count, arguments); }
