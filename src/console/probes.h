// What the probes of a container platform are told, and who may ask for more. `livez`: the loop of
// each core that serves turns; asked of their beats, from a thread that none of them can hold.
// `readyz`: host/host.h, Host::readiness(). Pure, but for the clock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "host/host.h"
#include "net/http.h"
#include "runtime/core.h"

namespace trellis::console {

// 200, or 503 with the core that has shown no sign of life for longer than `silence_max`.
net::HttpResponse livez(const runtime::Cores& serving,
                        std::chrono::steady_clock::duration silence_max = limits::kCoreSilenceMax);

net::HttpResponse readyz(const host::Host::Readiness& readiness);

// For everybody, wherever they are: what probes and scrapers ask for.
bool is_for_everybody(std::string_view path);

// "127.0.0.1:80", "[::1]:80": the peer is on this machine. `kubectl port-forward` is.
bool is_from_this_machine(std::string_view remote);

}  // namespace trellis::console
