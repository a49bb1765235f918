#include "settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstdlib>
#include <vector>

namespace trellis::provider_app {
namespace {

constexpr const char* kSite = "provider_app.settings";
constexpr unsigned kCoresMax = 256;
constexpr const char* kNatsHere = "127.0.0.1:4222";

std::string text_or(const Environment& get, const char* name, std::string otherwise) {
  auto value = get(name);
  return value && !value->empty() ? *std::move(value) : std::move(otherwise);
}

Result<unsigned> read_cores(const Environment& get) {
  const auto text = text_or(get, "TRELLIS_CORES", "0");
  unsigned value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value);
  if (ec == std::errc{} && stop == end && value <= kCoresMax) return value;
  return fail(Errc::invalid, kSite,
              fmt::format("TRELLIS_CORES='{}' is not a number from 0 to {}", text, kCoresMax));
}

// As the host finds its own, so that what a provider kept there is found from here.
std::string data_folder(const Environment& get) {
  const auto home = text_or(get, "HOME", "/tmp");
  const auto state = text_or(get, "XDG_STATE_HOME", home + "/.local/state");
  return text_or(get, "TRELLIS_DATA_DIR", state + "/trellis");
}

std::string known_names() {
  std::vector<std::string> names;
  for (const auto& provider : builtin::builtin_providers()) names.push_back(provider.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<Settings> settings_from(const capability::HostData& data,
                               const builtin::BuiltinProvider& provider,
                               const Environment& environment) {
  const Environment get = [&](const std::string& name) {
    const auto told = data.env_values.find(name);
    return told == data.env_values.end() ? environment(name) : std::optional(told->second);
  };
  Settings settings;
  settings.log.level = log::parse_level(text_or(get, "WASMCLOUD_STRUCTURED_LOG_LEVEL", "info"))
                           .value_or(log::Level::info);  // of hosts that know other levels
  settings.log.json = data.structured_logging;
  TRY(settings.cores, read_cores(get));
  auto server = lattice::NatsServer::parse(data.bus_url.empty() ? kNatsHere : data.bus_url);
  if (!server)
    return fail(Errc::invalid, kSite,
                fmt::format("lattice_rpc_url of the host's data: {}", server.error().detail));
  settings.server = *std::move(server);
  settings.tls = {.required = data.tls || data.bus_url.starts_with("tls://"),
                  .ca_file = text_or(get, "TRELLIS_NATS_CA", ""),
                  .cert_file = text_or(get, "TRELLIS_NATS_CERT", ""),
                  .key_file = text_or(get, "TRELLIS_NATS_KEY", "")};
  settings.data_dir = builtin::data_dir_of(provider, data_folder(get), data.lattice);
  settings.bus = {.url = (settings.tls.required ? "tls://" : "nats://") + settings.server.address(),
                  .jwt = data.user_jwt,
                  .seed = data.user_seed,
                  .ca_file = settings.tls.ca_file,
                  .cert_file = settings.tls.cert_file,
                  .key_file = settings.tls.key_file};
  return settings;
}

Result<const builtin::BuiltinProvider*> choose_provider(const std::optional<std::string>& name,
                                                        const capability::HostData& data) {
  if (name) {
    if (const auto* found = builtin::find_by_name(*name)) return found;
    return fail(Errc::not_found, kSite,
                fmt::format("this program was packed as provider '{}', which this version does not "
                            "have; it has {}",
                            *name, known_names()));
  }
  if (const auto* found = builtin::find_by_key(data.provider_key)) return found;
  return fail(Errc::not_found, kSite,
              fmt::format("this program does not say which provider it is, and the host's key for "
                          "it, {}, is none of a built-in provider ({}); make the archive with "
                          "`trellis-provider pack <name>`",
                          data.provider_key, known_names()));
}

}  // namespace trellis::provider_app
