#include "host/metrics_text.h"

#include <algorithm>
#include <string_view>

#include "metrics/exposition.h"

namespace trellis::host {
namespace {

using metrics::Exposition;

double seconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

// "ok" always, so that a rate of errors has what to be divided by; others once there was one.
bool is_shown(std::size_t outcome, std::uint64_t count) {
  return outcome == Outcome::ok().index() || count > 0;
}

// The sum keeps operations that nobody calls any more on any core (CallCells::clear).
bool was_called(const CallCells::Operation& operation) {
  return std::ranges::any_of(operation.durations.counts(), [](auto count) { return count > 0; });
}

void add_host(Exposition& out, const MetricsSnapshot& now) {
  out.gauge("trellis_build_info", "Always 1: the version of this host and of its Wasm engine");
  out.add({{"version", now.version}, {"engine", now.engine_version}}, 1.0);
  out.gauge("trellis_host_info", "Always 1: who this host is");
  out.add({{"host", now.host_key}, {"name", now.host_name}, {"lattice", now.lattice}}, 1.0);
  out.gauge("trellis_host_start_time_seconds", "When this host started, in unix time");
  out.add({}, now.started_at);
  out.gauge("trellis_host_uptime_seconds", "How long this host has been running");
  out.add({}, now.uptime_seconds);
  out.counter("trellis_host_restarts_total",
              "How often a host was started in the place of one that was killed (trellis --keep)");
  out.add({}, static_cast<double>(now.restarts));
  out.histogram("trellis_loop_lag_seconds",
                "How late a timer of one second was on each core: what everything on it waited");
  for (std::size_t core = 0; core < now.loop_lag.size(); ++core)
    out.add({{"core", std::to_string(core)}}, now.loop_lag[core]);
}

void add_process(Exposition& out, const ProcessNumbers& process) {
  out.counter("process_cpu_seconds_total", "CPU time of this process, user and system");
  out.add({}, process.cpu_seconds);
  out.gauge("process_start_time_seconds", "When this process started, in unix time");
  out.add({}, process.started_at);
  out.gauge("process_resident_memory_bytes", "Memory of this process that is in RAM");
  out.add({}, process.resident_bytes);
  out.gauge("process_virtual_memory_bytes",
            "Address space of this process; guests reserve much more than they use");
  out.add({}, process.virtual_bytes);
  out.gauge("process_open_fds", "Files and sockets that are open");
  out.add({}, process.files_open);
  out.gauge("process_max_fds", "How many files and sockets may be open");
  out.add({}, process.files_max);
  out.gauge("process_threads", "Threads of this process");
  out.add({}, process.threads);
}

struct NamedBus {
  std::string_view name;
  const lattice::BusNumbers& numbers;
};

void add_bus(Exposition& out, const MetricsSnapshot& now) {
  std::vector<NamedBus> buses{{"rpc", now.bus.rpc}};
  if (now.bus.control) buses.push_back({"control", *now.bus.control});
  const auto each = [&](auto value) {
    for (const auto& bus : buses) out.add({{"bus", bus.name}}, value(bus.numbers));
  };
  using Numbers = lattice::BusNumbers;
  out.gauge("trellis_bus_connected",
            "1 while the bus carries messages: always for one of this host's own");
  each([](const Numbers& bus) { return bus.connected ? 1.0 : 0.0; });
  out.counter("trellis_bus_reconnects_total", "How often a lost connection to NATS came back");
  each([](const Numbers& bus) { return bus.reconnects; });
  out.counter("trellis_bus_messages_sent_total", "Messages that this host put on the bus");
  each([](const Numbers& bus) { return bus.messages_out; });
  out.counter("trellis_bus_sent_bytes_total", "Their payloads");
  each([](const Numbers& bus) { return bus.bytes_out; });
  out.counter("trellis_bus_messages_received_total", "Messages that the bus gave to this host");
  each([](const Numbers& bus) { return bus.messages_in; });
  out.counter("trellis_bus_received_bytes_total", "Their payloads");
  each([](const Numbers& bus) { return bus.bytes_in; });
  out.counter("trellis_events_dropped_total",
              "Events of the lattice that were not published: no bus, or too many at once");
  out.add({}, now.events_dropped);
  if (!now.bus_embedded) return;
  out.gauge("trellis_bus_clients", "Clients that are connected to this host's own bus");
  out.add({}, std::uint64_t{now.bus.clients});
}

void add_caches(Exposition& out, const MetricsSnapshot& now) {
  out.counter("trellis_code_loads_total",
              "Modules that were loaded, by where their code came from: shared with an actor that "
              "has it, the cache on disk, or compiled");
  out.add({{"from", "shared"}}, now.engine.shared);
  out.add({{"from", "cache"}}, now.engine.cached);
  out.add({{"from", "compiler"}}, now.engine.compiled);
  out.counter("trellis_code_compile_seconds_total", "Time that compiling modules took");
  out.add({}, std::chrono::duration<double>(now.engine.compiling).count());
  out.counter(
      "trellis_artifact_fetches_total",
      "Artifacts of registries: cache (known by digest, or the registry was down), registry "
      "(pulled), or none (the fetch failed)");
  out.add({{"from", "cache"}}, now.artifacts.cached);
  out.add({{"from", "registry"}}, now.artifacts.pulled);
  out.add({{"from", "none"}}, now.artifacts.failed);
  out.gauge("trellis_guest_memory_used_bytes", "Memory that all guests of this host have together");
  out.add({}, std::uint64_t{now.engine.memory_bytes_used});
  out.gauge("trellis_guest_memory_limit_bytes", "What they may have (TRELLIS_GUEST_MEMORY_MIB)");
  out.add({}, std::uint64_t{now.engine.memory_bytes_max});
}

constexpr std::string_view kProofs[] = {"sealed", "signed", "none"};

void add_invocations(Exposition& out, const MetricsSnapshot& now) {
  const std::pair<std::string_view, const InvocationCells&> directions[] = {
      {"sent", now.sent}, {"received", now.received}};
  out.counter("trellis_invocations_total",
              "Calls between hosts and provider processes, by direction, by how their origin was "
              "proved, and by outcome");
  for (const auto& [direction, cells] : directions) {
    for (std::size_t proof = 0; proof < cells.outcomes.size(); ++proof) {
      for (std::size_t i = 0; i < Outcome::kCount; ++i) {
        const auto count = cells.outcomes[proof][i];
        const bool was_refused = static_cast<Proof>(proof) == Proof::none;
        if (was_refused ? count == 0 : !is_shown(i, count)) continue;
        out.add({{"direction", direction},
                 {"proof", kProofs[proof]},
                 {"outcome", Outcome::at(i).name()}},
                count);
      }
    }
  }
  out.histogram("trellis_invocation_duration_seconds",
                "From the call to its answer, or its failure");
  for (const auto& [direction, cells] : directions)
    out.add({{"direction", direction}}, cells.durations);
  out.counter("trellis_invocation_bytes_total", "Payloads of these calls and of their answers");
  for (const auto& [direction, cells] : directions) {
    out.add({{"direction", direction}, {"part", "request"}}, cells.request_bytes);
    out.add({{"direction", direction}, {"part", "answer"}}, cells.answer_bytes);
  }
}

void add_providers(Exposition& out, const MetricsSnapshot& now) {
  out.gauge("trellis_links", "Links of this lattice by their state on this host");
  for (const auto& [state, count] : now.links_by_state) out.add({{"state", state}}, count);
  using Provider = MetricsSnapshot::Provider;
  const auto each = [&](auto value) {
    for (const Provider& provider : now.providers)
      out.add({{"provider", provider.key},
               {"name", provider.name},
               {"link_name", provider.link_name},
               {"contract", provider.contract_id}},
              value(provider));
  };
  out.gauge("trellis_provider_up", "1 while the provider runs and is well");
  each([](const Provider& provider) { return provider.up ? 1.0 : 0.0; });
  out.counter("trellis_provider_restarts_total",
              "How often the provider's process was started again after it had ended");
  each([](const Provider& provider) { return provider.restarts; });
}

constexpr std::string_view kStatusClasses[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};

void add_listeners(Exposition& out, const MetricsSnapshot& now) {
  using Listener = MetricsSnapshot::Listener;
  const auto each = [&](auto value) {
    for (const Listener& listener : now.listeners)
      out.add({{"actor", listener.actor_id},
               {"link_name", listener.link_name},
               {"address", listener.address}},
              value(listener.cells));
  };
  out.counter("trellis_http_requests_total",
              "HTTP requests that were answered, by class of status");
  for (const auto& listener : now.listeners) {
    for (std::size_t i = 0; i < listener.cells.answers.size(); ++i) {
      if (i != 2 && listener.cells.answers[i] == 0) continue;
      out.add({{"actor", listener.actor_id},
               {"link_name", listener.link_name},
               {"address", listener.address},
               {"status", kStatusClasses[i]}},
              listener.cells.answers[i]);
    }
  }
  out.histogram("trellis_http_request_duration_seconds",
                "From a request that is read to the actor's answer");
  each([](const HttpCells& cells) { return cells.durations; });
  out.counter(
      "trellis_http_unavailable_total",
      "Requests answered with 503: the actor is not running, too slow, or has too many calls");
  each([](const HttpCells& cells) { return cells.unavailable; });
  out.counter("trellis_http_refused_total",
              "Requests answered without asking the actor: malformed, too large or too slow");
  each([](const HttpCells& cells) { return cells.refused; });
  out.gauge("trellis_http_connections_open", "Connections that are open");
  each([](const HttpCells& cells) { return cells.open; });
  out.counter("trellis_http_connections_total", "Connections that were accepted");
  each([](const HttpCells& cells) { return cells.accepted; });
  out.counter("trellis_http_connections_full_total",
              "How often accepting had to wait because as many connections were open as may be");
  each([](const HttpCells& cells) { return cells.full; });
}

void add_actor_use(Exposition& out, const MetricsSnapshot& now) {
  using Actor = MetricsSnapshot::Actor;
  const auto each = [&](auto value) {
    for (const Actor& actor : now.actors)
      out.add({{"actor", actor.key}, {"name", actor.name}}, value(actor.cells));
  };
  out.gauge("trellis_actor_calls_running", "Calls that the actor is working on");
  each([](const ActorCells& cells) { return cells.running; });
  out.gauge("trellis_actor_calls_waiting", "Calls that wait because as many run as may");
  each([](const ActorCells& cells) { return cells.waiting; });
  out.gauge("trellis_actor_instances", "Instances of the actor's module that exist");
  each([](const ActorCells& cells) { return cells.guests.living; });
  out.gauge("trellis_actor_instances_ready", "Those of them that wait for the next calls");
  each([](const ActorCells& cells) { return cells.guests.ready; });
  out.counter("trellis_actor_instances_made_total",
              "Instances that were made; calls beyond their number had one that was put back");
  each([](const ActorCells& cells) { return cells.guests.made; });
  out.gauge("trellis_actor_memory_bytes", "Linear memory and tables of the actor's instances");
  each([](const ActorCells& cells) { return cells.guests.memory_bytes; });
  out.counter("trellis_actor_cpu_seconds_total",
              "Time in which the actor's code ran, with preparing its instances. Measured as the "
              "time that passed while it had its core's thread, which nothing of this host "
              "interrupts; other programs on the same processor are counted too");
  each([](const ActorCells& cells) { return seconds(cells.guests.run_ns); });
}

void add_actor_calls(Exposition& out, const MetricsSnapshot& now) {
  out.counter("trellis_actor_calls_total", "Calls to actors of this host, by how they ended");
  for (const auto& actor : now.actors) {
    for (const auto& operation : actor.cells.calls.operations()) {
      if (!was_called(operation)) continue;
      for (std::size_t i = 0; i < Outcome::kCount; ++i) {
        if (!is_shown(i, operation.outcomes[i])) continue;
        out.add({{"actor", actor.key},
                 {"name", actor.name},
                 {"operation", operation.name},
                 {"outcome", Outcome::at(i).name()}},
                operation.outcomes[i]);
      }
    }
  }
  out.histogram("trellis_actor_call_duration_seconds",
                "From a call to its answer, with the wait for its turn");
  for (const auto& actor : now.actors) {
    for (const auto& operation : actor.cells.calls.operations())
      if (was_called(operation))
        out.add({{"actor", actor.key}, {"operation", operation.name}}, operation.durations);
  }
}

void add_capability_calls(Exposition& out, const MetricsSnapshot& now) {
  out.counter("trellis_capability_calls_total",
              "Calls of actors to providers, by link and by how they ended");
  for (const auto& link : now.links) {
    for (const auto& operation : link.calls.operations()) {
      if (!was_called(operation)) continue;
      for (std::size_t i = 0; i < Outcome::kCount; ++i) {
        if (!is_shown(i, operation.outcomes[i])) continue;
        out.add({{"actor", link.actor_id},
                 {"link_name", link.link_name},
                 {"contract", link.contract_id},
                 {"operation", operation.name},
                 {"outcome", Outcome::at(i).name()}},
                operation.outcomes[i]);
      }
    }
  }
  out.histogram("trellis_capability_call_duration_seconds",
                "From a call to a provider to its answer");
  for (const auto& link : now.links) {
    for (const auto& operation : link.calls.operations())
      if (was_called(operation))
        out.add({{"actor", link.actor_id},
                 {"link_name", link.link_name},
                 {"contract", link.contract_id},
                 {"operation", operation.name}},
                operation.durations);
  }
}

}  // namespace

// What is most needed comes first: when there is too much, the last is left out.
std::string metrics_text(const MetricsSnapshot& snapshot, std::size_t series_max) {
  Exposition out(series_max);
  add_host(out, snapshot);
  add_process(out, snapshot.process);
  add_bus(out, snapshot);
  add_caches(out, snapshot);
  add_invocations(out, snapshot);
  add_providers(out, snapshot);
  add_actor_use(out, snapshot);
  add_actor_calls(out, snapshot);
  add_listeners(out, snapshot);
  add_capability_calls(out, snapshot);
  return out.text();
}

}  // namespace trellis::host
