#include "console/probes.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "codec/json.h"

namespace trellis::console {
namespace {

net::HttpResponse answer(bool yes, const boost::json::object& body) {
  return net::HttpResponse::text(yes ? 200 : 503, codec::json_write(body) + "\n",
                                 "application/json");
}

}  // namespace

net::HttpResponse livez(const runtime::Cores& serving,
                        std::chrono::steady_clock::duration silence_max) {
  for (std::size_t i = 0; i < serving.size(); ++i) {
    const auto silent = serving[i].silent_for();
    if (silent <= silence_max) continue;
    const auto seconds = std::chrono::duration<double>(silent).count();
    return answer(false, {{"live", false},
                          {"reason", fmt::format("core {} has not turned for {:.1f} s: something "
                                                 "holds its thread",
                                                 i, seconds)}});
  }
  return answer(true, {{"live", true}});
}

net::HttpResponse readyz(const host::Host::Readiness& readiness) {
  const bool ready = readiness.why_not.empty();
  boost::json::object body{{"ready", ready}};
  if (!ready) body["reason"] = readiness.why_not;
  if (ready && !readiness.bus_connected) body["bus"] = "reconnecting";
  return answer(ready, body);
}

bool is_for_everybody(std::string_view path) {
  return path == "/api/livez" || path == "/api/readyz" || path == "/metrics";
}

bool is_from_this_machine(std::string_view remote) {
  return remote.starts_with("127.0.0.1:") || remote.starts_with("[::1]:") ||
         remote.starts_with("[::ffff:127.0.0.1]:");
}

}  // namespace trellis::console
