#include "connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "command.h"
#include "files.h"

namespace trellis::wash {
namespace {

constexpr const char* kGroup = "Connection options";

struct Names {
  const char *host, *port, *jwt, *seed, *credsfile, *timeout;  // options
  const char *env, *creds_env, *timeout_env;
  const char* what;
};
constexpr Names kCtl{"-r,--ctl-host",    "-p,--ctl-port",   "--ctl-jwt",
                     "--ctl-seed",       "--ctl-credsfile", "-t,--timeout-ms",
                     "WASMCLOUD_CTL_",   "WASH_CTL_CREDS",  "WASMCLOUD_CTL_TIMEOUT_MS",
                     "control interface"};
constexpr Names kRpc{"-r,--rpc-host",  "-p,--rpc-port",   "--rpc-jwt",
                     "--rpc-seed",     "--rpc-credsfile", "-t,--rpc-timeout-ms",
                     "WASMCLOUD_RPC_", "WASH_RPC_CREDS",  "WASMCLOUD_RPC_TIMEOUT_MS",
                     "RPC interface"};

std::shared_ptr<ConnectionFlags> add_connection(CLI::App& app, const Names& names) {
  auto flags = std::make_shared<ConnectionFlags>();
  std::string env = names.env;
  app.add_option(names.host, flags->host, fmt::format("Host of the {} (127.0.0.1)", names.what))
      ->envname(env + "HOST")
      ->group(kGroup)
      ->type_name("<HOST>");
  app.add_option(names.port, flags->port, fmt::format("Port of the {} (4222)", names.what))
      ->envname(env + "PORT")
      ->group(kGroup)
      ->type_name("<PORT>");
  app.add_option(names.jwt, flags->jwt,
                 "JWT for the connection, or a file with it; goes with the seed")
      ->envname(env + "JWT")
      ->group(kGroup)
      ->type_name("<JWT>");
  app.add_option(names.seed, flags->seed, "Seed for the connection, or a file with it")
      ->envname(env + "SEED")
      ->group(kGroup)
      ->type_name("<SEED>");
  app.add_option(names.credsfile, flags->credsfile, "NATS credentials file for the connection")
      ->envname(names.creds_env)
      ->group(kGroup)
      ->type_name("<FILE>");
  app.add_option("-x,--lattice-prefix", flags->lattice_prefix, "Name of the lattice (default)")
      ->envname("WASMCLOUD_LATTICE_PREFIX")
      ->group(kGroup)
      ->type_name("<NAME>");
  app.add_option(names.timeout, flags->timeout_ms,
                 "How long to wait for an answer, in milliseconds (2000)")
      ->envname(names.timeout_env)
      ->group(kGroup)
      ->type_name("<MS>")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{3'600'000}).description(""));
  const auto tls = [&](const char* flag, std::string& value, const char* variable,
                       const char* about) {
    app.add_option(flag, value, about)->envname(variable)->group(kGroup)->type_name("<FILE>");
  };
  tls("--tls-ca", flags->tls_ca, "TRELLIS_NATS_CA",
      "Whom to trust when NATS requires TLS, instead of the system's certificates");
  tls("--tls-cert", flags->tls_cert, "TRELLIS_NATS_CERT", "Certificate to show to NATS");
  tls("--tls-key", flags->tls_key, "TRELLIS_NATS_KEY", "Its key");
  app.add_option("--context", flags->context, "A context file to take these settings from")
      ->group(kGroup)
      ->type_name("<FILE>");
  return flags;
}

Result<Lattice> resolve(const ConnectionFlags& flags, const ContextSide LatticeContext::* side) {
  TRY(std::filesystem::path home, wash_home());
  Lattice lattice;
  TRY(lattice.context, find_context(home, flags.context));
  const ContextSide& from = lattice.context.*side;
  control::ConnectOptions& to = lattice.options;
  to.host = flags.host.value_or(from.host);
  to.port = flags.port.value_or(from.port);
  // Whoever says who they are is not somebody else in part.
  const bool says_who = flags.jwt || flags.seed || flags.credsfile;
  to.jwt = flags.jwt.value_or(says_who ? "" : from.jwt);
  to.seed = flags.seed.value_or(says_who ? "" : from.seed);
  to.credsfile = flags.credsfile.value_or(says_who ? "" : from.credsfile);
  to.tls_ca = flags.tls_ca;
  to.tls_cert = flags.tls_cert;
  to.tls_key = flags.tls_key;
  to.lattice_prefix = flags.lattice_prefix.value_or(from.lattice_prefix);
  to.topic_prefix = flags.topic_prefix.value_or(lattice.context.topic_prefix);
  lattice.timeout_given = flags.timeout_ms.has_value();
  to.timeout = std::chrono::milliseconds(
      flags.timeout_ms.value_or(std::max<std::uint64_t>(1, from.timeout_ms)));
  if (to.lattice_prefix.empty() || to.lattice_prefix.find_first_of(".*> \t") != std::string::npos)
    return fail(
        Errc::invalid, "wash.lattice",
        fmt::format("The lattice prefix '{}' must be one word without '.', '*', '>' or blanks",
                    to.lattice_prefix));
  return lattice;
}

// Hosts that wash is not led to by itself: ", or with --context <file>".
std::string or_further_hosts() {
  Result<std::filesystem::path> home = wash_home();
  if (!home) return {};
  std::string text;
  for (const std::filesystem::path& file : further_host_configs(*home))
    text += fmt::format("{} --context {}", text.empty() ? ", or with" : " or", file.string());
  return text;
}

}  // namespace

std::shared_ptr<ConnectionFlags> add_ctl_connection(CLI::App& app) {
  std::shared_ptr<ConnectionFlags> flags = add_connection(app, kCtl);
  app.add_option("--ctl-topic-prefix", flags->topic_prefix,
                 "Prefix of the control interface's subjects (wasmbus.ctl)")
      ->envname("WASMCLOUD_CTL_TOPIC_PREFIX")
      ->group(kGroup)
      ->type_name("<PREFIX>");
  return flags;
}

std::shared_ptr<ConnectionFlags> add_rpc_connection(CLI::App& app) {
  return add_connection(app, kRpc);
}

Result<Lattice> resolve_ctl(const ConnectionFlags& flags) {
  return resolve(flags, &LatticeContext::ctl);
}
Result<Lattice> resolve_rpc(const ConnectionFlags& flags) {
  return resolve(flags, &LatticeContext::rpc);
}

Result<control::Client> connect(const control::ConnectOptions& options) {
  Result<control::Client> client = control::Client::connect(options);
  if (client) return client;
  std::string where = fmt::format("{}:{}", options.host, options.port);
  if (client.error().code == Errc::unavailable)
    return fail(caused_by(
        fmt::format("Cannot reach the lattice at {}. Is a host running? Start one with "
                    "`wash up`, or say where one is with -r <host> and -p <port>{}. Where "
                    "hosts share a NATS server, it is that server that cannot be reached",
                    where, or_further_hosts()),
        client.error()));
  return fail(caused_by(fmt::format("Cannot connect to the lattice at {}", where), client.error()));
}

}  // namespace trellis::wash
