#include "up_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstdlib>

#include "lattice/nats_connection.h"
#include "lattice/nats_text.h"

namespace trellis::wash {
namespace {

constexpr const char* kNats = "Bus options";
constexpr const char* kHost = "Host options";
constexpr const char* kOther = "Taken for compatibility; no meaning here";

// What is wrong with --nats-remote-url; "" when nothing is.
std::string url_mistake(const std::string& url) {
  if (url.find('@') != std::string::npos)
    return "names a user or a password: give them in a credentials file, with --nats-credsfile";
  const auto server = lattice::NatsServer::parse(url);
  return server ? "" : server.error().detail;
}

}  // namespace

UpOptions::UpOptions(CLI::App& app) {
  app.add_flag("-d,--detached,--detach", detached, "Run in the background; `wash down` stops it");
  app.add_option("--nats-host", nats_host,
                 "Address the host's bus listens on, or of the NATS server to use")
      ->envname("NATS_HOST")
      ->capture_default_str()
      ->type_name("<HOST>")
      ->group(kNats);
  app.add_option("--nats-port", nats_port,
                 "Port the host's bus listens on, or of the NATS server to use")
      ->envname("NATS_PORT")
      ->capture_default_str()
      ->type_name("<PORT>")
      ->group(kNats);
  app.add_flag("--nats-connect-only", connect_only,
               "Use the NATS server that runs there, start none")
      ->envname("NATS_CONNECT_ONLY")
      ->group(kNats);
  CLI::Option* url = app.add_option("--nats-remote-url", remote_url, "A remote NATS to join")
                         ->envname("NATS_REMOTE_URL")
                         ->type_name("<URL>")
                         ->check(CLI::Validator(url_mistake, ""))
                         ->group(kNats);
  CLI::Option* creds =
      app.add_option("--nats-credsfile", remote_credsfile, "Credentials for the remote NATS")
          ->envname("NATS_CREDSFILE")
          ->type_name("<FILE>")
          ->group(kNats);
  url->needs(creds);
  creds->needs(url);
  pass(app, "-x,--lattice-prefix", "WASMCLOUD_LATTICE_PREFIX", "Name of the lattice", Kind::value,
       "default");
  pass(app, "--host-seed", "WASMCLOUD_HOST_SEED",
       "Seed of the host's key (SN…); else a new one is made");
  pass(app, "--cluster-seed", "WASMCLOUD_CLUSTER_SEED",
       "Seed that signs invocations (SC…); else a new one is made");
  pass(app, "--cluster-issuers", "WASMCLOUD_CLUSTER_ISSUERS",
       "Other cluster keys to trust, with commas between");
  pass(app, "--rpc-timeout-ms", "WASMCLOUD_RPC_TIMEOUT_MS", "Deadline of calls between parts",
       Kind::value, "2000");
  pass(app, "--provider-delay", "WASMCLOUD_PROV_SHUTDOWN_DELAY_MS",
       "How long providers may take to stop", Kind::value, "300");
  pass(app, "--allow-latest", "WASMCLOUD_OCI_ALLOW_LATEST", "Allow references tagged latest",
       Kind::truth);
  pass(app, "--allowed-insecure", "WASMCLOUD_OCI_ALLOWED_INSECURE",
       "Registries to reach without TLS, with commas between");
  pass(app, "--enable-structured-logging", "WASMCLOUD_STRUCTURED_LOGGING_ENABLED", "Log as JSON",
       Kind::truth);
  pass(app, "--structured-log-level", "WASMCLOUD_STRUCTURED_LOG_LEVEL",
       "debug, info, warn or error", Kind::value, "info");
  pass(app, "--config-service-enabled", "WASMCLOUD_CONFIG_SERVICE",
       "Ask the lattice for a configuration", Kind::one);
  pass(app, "--wasmcloud-js-domain", "WASMCLOUD_JS_DOMAIN", "JetStream domain of the lattice");
  pass_connection(app, "rpc", "WASMCLOUD_RPC_");
  pass_connection(app, "prov-rpc", "WASMCLOUD_PROV_RPC_");
  pass_connection(app, "ctl", "WASMCLOUD_CTL_");
  take(app, "--nats-version", "NATS_VERSION");
  take(app, "--nats-js-domain", "NATS_JS_DOMAIN");
  take(app, "--wasmcloud-version", "WASMCLOUD_VERSION");
  const std::string ipv6 = "IPv6 is used wherever a server has such an address";
  taken_.push_back(app.add_flag("--enable-ipv6", ipv6)->group(kOther));
  const std::string start_only = "Nothing is ever downloaded";
  taken_.push_back(app.add_flag("--wasmcloud-start-only", start_only)->group(kOther));
}

void UpOptions::pass(CLI::App& app, const std::string& flag, const std::string& variable,
                     const std::string& about, Kind kind, const std::string& otherwise) {
  CLI::Option* option =
      kind == Kind::value ? app.add_option(flag, about) : app.add_flag(flag, about);
  option->envname(variable)->group(kHost);
  if (kind == Kind::value) option->type_name("<VALUE>")->expected(1);
  if (!otherwise.empty()) option->default_str(otherwise);
  settings_.push_back({option, variable, kind});
}

void UpOptions::pass_connection(CLI::App& app, const std::string& name,
                                const std::string& variable) {
  auto about = [&](const char* what) { return fmt::format("{} of the {} connection", what, name); };
  pass(app, fmt::format("--{}-host", name), variable + "HOST", about("Host"));
  pass(app, fmt::format("--{}-port", name), variable + "PORT", about("Port"));
  pass(app, fmt::format("--{}-seed", name), variable + "SEED", about("Seed"));
  pass(app, fmt::format("--{}-jwt", name), variable + "JWT", about("JWT"));
  pass(app, fmt::format("--{}-tls", name), variable + "TLS", about("TLS"), Kind::one);
  pass(app, fmt::format("--{}-credsfile", name), variable + "CREDSFILE",
       about("NATS credentials file"));
}

void UpOptions::take(CLI::App& app, const std::string& flag, const std::string& variable) {
  CLI::Option* option = app.add_option(flag, "")->type_name("<VALUE>")->expected(1)->group(kOther);
  if (!variable.empty()) option->envname(variable);
  taken_.push_back(option);
}

std::string UpOptions::given(const std::string& variable) const {
  for (const Setting& setting : settings_)
    if (setting.variable == variable && setting.option->count() > 0)
      return setting.option->results().back();
  return {};
}

std::map<std::string, std::string> UpOptions::environment() const {
  std::map<std::string, std::string> environment = {{"WASMCLOUD_LATTICE_PREFIX", "default"},
                                                    {"WASMCLOUD_RPC_TIMEOUT_MS", "2000"},
                                                    {"WASMCLOUD_PROV_SHUTDOWN_DELAY_MS", "300"},
                                                    {"WASMCLOUD_STRUCTURED_LOG_LEVEL", "info"}};
  const char* said = std::getenv("TRELLIS_BUS");
  const bool known = said == nullptr || *said == '\0' || std::string_view(said) == "nats" ||
                     std::string_view(said) == "embedded";
  if (known) environment["TRELLIS_BUS"] = joins_nats() ? "nats" : "embedded";  // else the host says
  for (const char* connection : {"RPC", "PROV_RPC", "CTL"}) {
    const std::string prefix = fmt::format("WASMCLOUD_{}_", connection);
    environment[prefix + "HOST"] = bus_host();
    environment[prefix + "PORT"] = fmt::to_string(bus_port());
    if (remote_url.empty()) continue;
    environment[prefix + "HOST"] = remote().host;
    environment[prefix + "PORT"] = fmt::to_string(remote().port);
    environment[prefix + "CREDSFILE"] = remote_credsfile;
    if (remote_url.starts_with("tls://")) environment[prefix + "TLS"] = "1";
  }
  for (const Setting& setting : settings_) {
    if (setting.option->count() == 0) continue;
    switch (setting.kind) {
      case Kind::value:
        environment[setting.variable] = setting.option->results().back();
        break;
      case Kind::one:
        environment[setting.variable] = "1";
        break;
      case Kind::truth:
        environment[setting.variable] = "true";
        break;
    }
  }
  return environment;
}

bool UpOptions::joins_nats() const {
  if (connect_only || !remote_url.empty()) return true;
  if (const char* said = std::getenv("TRELLIS_BUS")) return std::string_view(said) == "nats";
  for (const char* variable : {"SEED", "JWT", "TLS", "CREDSFILE"})
    if (!given(fmt::format("WASMCLOUD_RPC_{}", variable)).empty()) return true;
  return !lattice::is_this_machine(bus_host());
}

lattice::NatsServer UpOptions::remote() const {
  return lattice::NatsServer::parse(remote_url)
      .value_or(lattice::NatsServer{});  // checked when it was given
}

std::string UpOptions::bus_host() const {
  const std::string host = given("WASMCLOUD_RPC_HOST");
  if (!host.empty()) return host;
  return remote_url.empty() ? nats_host : remote().host;
}

std::uint16_t UpOptions::bus_port() const {
  std::string port = given("WASMCLOUD_RPC_PORT");
  std::uint16_t number = remote_url.empty() ? nats_port : remote().port;
  std::from_chars(port.data(), port.data() + port.size(), number);
  return number;
}

std::string UpOptions::in_options(std::string text) const {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  for (const Setting& setting : settings_) {
    const std::size_t at = text.find(setting.variable);
    if (at == std::string::npos || setting.option->count() == 0) continue;
    const std::size_t end = at + setting.variable.size();
    if (end < text.size() && kLetters.find(text[end]) != std::string_view::npos) continue;
    text.replace(at, setting.variable.size(),
                 fmt::format("--{} ({})", setting.option->get_lnames().front(), setting.variable));
  }
  return text;
}

std::vector<std::string> UpOptions::without_meaning() const {
  std::vector<std::string> names;
  for (const CLI::Option* option : taken_)
    if (option->count() > 0) names.push_back("--" + option->get_lnames().front());
  return names;
}

Result<std::uint16_t> dashboard_port() {
  for (const char* name : {"WASMCLOUD_DASHBOARD_PORT", "PORT"}) {
    const char* text = std::getenv(name);
    if (text == nullptr || *text == '\0') continue;
    std::string_view digits = text;
    std::uint16_t port = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0)
      return fail(Errc::invalid, "wash.dashboard_port",
                  fmt::format("{}='{}' is not a port from 1 to 65535", name, digits));
    return port;
  }
  return std::uint16_t{4000};
}

std::string dashboard_host() {
  const char* host = std::getenv("WASMCLOUD_DASHBOARD_HOST");
  std::string_view given = host == nullptr ? "" : host;
  if (given.empty() || given == "0.0.0.0" || given == "::") return "localhost";
  return std::string(given);
}

}  // namespace trellis::wash
