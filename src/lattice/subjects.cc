#include "lattice/subjects.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace trellis::lattice {

namespace {

constexpr std::string_view kRpc = "wasmbus.rpc.";

// Calls `accept(token, is_last)` for each token; false as soon as one is refused.
template <class Accept>
bool each_token(std::string_view subject, Accept accept) {
  if (subject.empty() || subject.size() > limits::kSubjectBytesMax) return false;
  for (;;) {
    const auto dot = subject.find('.');
    const bool last = dot == std::string_view::npos;
    if (!accept(subject.substr(0, dot), last)) return false;
    if (last) return true;
    subject.remove_prefix(dot + 1);
  }
}

}  // namespace

std::string Subjects::actor(std::string_view actor_key) const {
  return fmt::format("{}{}.{}", kRpc, prefix, actor_key);
}

std::string Subjects::provider(std::string_view key, std::string_view link) const {
  return fmt::format("{}{}.{}.{}", kRpc, prefix, key, link);
}

std::string Subjects::provider_link_put(std::string_view key, std::string_view link) const {
  return provider(key, link) + ".linkdefs.put";
}

std::string Subjects::provider_link_del(std::string_view key, std::string_view link) const {
  return provider(key, link) + ".linkdefs.del";
}

std::string Subjects::provider_health(std::string_view key, std::string_view link) const {
  return provider(key, link) + ".health";
}

std::string Subjects::provider_shutdown(std::string_view key, std::string_view link) const {
  return provider(key, link) + ".shutdown";
}

std::string Subjects::events() const { return "wasmbus.evt." + prefix; }

std::string Subjects::invocation_events() const { return "wasmbus.rpcevt." + prefix; }

std::string Subjects::ctl(std::string_view tail) const {
  return fmt::format("{}.{}.{}", control, prefix, tail);
}

std::string Subjects::ctl_queue() const { return fmt::format("{}.{}", control, prefix); }

std::string Subjects::command(std::string_view host_key, std::string_view name) const {
  return fmt::format("{}.{}.cmd.{}.{}", control, prefix, host_key, name);
}

std::string Subjects::inventory(std::string_view host_key) const {
  return fmt::format("{}.{}.get.{}.inv", control, prefix, host_key);
}

std::string Subjects::link_outcome(std::string_view host_key) const {
  return fmt::format("{}.{}.get.{}.link", control, prefix, host_key);
}

std::string Subjects::cache(std::string_view tail) const {
  return fmt::format("lc.{}.{}", prefix, tail);
}

std::string Subjects::cache_stream() const { return "LATTICECACHE_" + prefix; }

std::string Subjects::config_request() const { return fmt::format("wasmbus.cfg.{}.req", prefix); }

std::optional<RpcSubject> parse_rpc_subject(std::string_view subject) {
  if (!subject.starts_with(kRpc) || !valid_subject(subject)) return std::nullopt;
  RpcSubject parsed;
  std::size_t count = 0;
  std::string_view* const parts[] = {&parsed.lattice, &parsed.key, &parsed.link};
  const bool fits = each_token(subject.substr(kRpc.size()), [&](std::string_view token, bool) {
    if (count == std::size(parts)) return false;
    *parts[count++] = token;
    return true;
  });
  if (!fits || count < 2) return std::nullopt;
  return parsed;
}

bool valid_token(std::string_view token) {
  if (token.empty()) return false;
  for (const char c : token) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '.' || c == '*' || c == '>') return false;
  }
  return true;
}

Result<void> check_lattice_prefix(std::string_view prefix) {
  constexpr const char* kSite = "lattice.prefix";
  if (prefix.empty()) return fail(Errc::invalid, kSite, "the lattice prefix is empty");
  const auto slash = prefix.find_first_of("/\\");
  if (valid_token(prefix) && slash == std::string_view::npos) return {};
  if (prefix.find('.') != std::string_view::npos)
    return fail(Errc::invalid, kSite,
                fmt::format("the lattice prefix \"{}\" has a dot in it, which subjects and streams "
                            "of NATS cannot have in a name; use \"-\" or \"_\" instead",
                            prefix));
  return fail(Errc::invalid, kSite,
              fmt::format("the lattice prefix \"{}\" must have no white space, '*', '>' or slash "
                          "in it; letters, digits, \"-\" and \"_\" are safe",
                          prefix));
}

bool valid_subject(std::string_view subject) {
  return each_token(subject, [](std::string_view token, bool) { return valid_token(token); });
}

bool valid_pattern(std::string_view pattern) {
  return each_token(pattern, [](std::string_view token, bool last) {
    return token == "*" || (token == ">" && last) || valid_token(token);
  });
}

}  // namespace trellis::lattice
