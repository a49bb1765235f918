#include "control/connection.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/limits.h"
#include "claims/nkey.h"
#include "control/probe.h"

namespace trellis::control {
namespace {

constexpr const char* kSystemCertificates = "/etc/ssl/certs/ca-certificates.crt";

// What the connection proves itself with. libnats calls back for it, so it lives as long as the
// connecting does.
struct Credentials {
  std::string jwt;
  std::optional<claims::KeyPair> key;
};

// A secret is given itself or as the path of the file that holds it.
std::string literal_or_file(const std::string& value) {
  std::error_code ignored;
  if (value.empty() || !std::filesystem::is_regular_file(value, ignored)) return value;
  std::ifstream file(value);
  std::string text;
  char c = 0;
  while (text.size() < limits::kJwtBytesMax && file.get(c)) text.push_back(c);
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

char* duplicate(std::string_view text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));  // libnats frees it
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

natsStatus give_jwt(char** jwt, char**, void* closure) {
  *jwt = duplicate(static_cast<Credentials*>(closure)->jwt);
  return *jwt == nullptr ? NATS_NO_MEMORY : NATS_OK;
}

natsStatus sign_nonce(char** problem, unsigned char** signature, int* size, const char* nonce,
                      void* closure) {
  const auto& credentials = *static_cast<Credentials*>(closure);
  if (!credentials.key) {
    *problem = duplicate("the server asks for a signature, and no seed was given");
    return NATS_ERR;
  }
  claims::Signature made = credentials.key->sign(as_bytes(nonce));
  *signature = static_cast<unsigned char*>(std::malloc(made.size()));
  if (*signature == nullptr) return NATS_NO_MEMORY;
  std::memcpy(*signature, made.data(), made.size());
  *size = static_cast<int>(made.size());
  return NATS_OK;
}

Result<Credentials> read_credentials(const ConnectOptions& options) {
  Credentials credentials;
  credentials.jwt = literal_or_file(options.jwt);
  std::string seed = literal_or_file(options.seed);
  if (seed.empty()) return credentials;
  Result<claims::KeyPair> key = claims::KeyPair::from_seed(seed);
  if (!key)
    return fail(
        Errc::invalid, "control.seed",
        fmt::format(
            "The seed for the connection is neither a seed nor the path of a file with one: {}",
            key.error().detail));
  credentials.key = std::move(*key);
  return credentials;
}

natsStatus apply_credentials(natsOptions* to, const ConnectOptions& options,
                             Credentials& credentials) {
  if (!credentials.jwt.empty())
    return natsOptions_SetUserCredentialsCallbacks(to, give_jwt, &credentials, sign_nonce,
                                                   &credentials);
  if (!options.credsfile.empty())
    return natsOptions_SetUserCredentialsFromFiles(to, options.credsfile.c_str(), nullptr);
  if (credentials.key)
    return natsOptions_SetNKey(to, credentials.key->public_key().c_str(), sign_nonce, &credentials);
  return NATS_OK;
}

// The server requires TLS, which is learned by trying: reading what the system trusts takes longer
// than most commands.
natsStatus apply_tls(natsOptions* to, const ConnectOptions& options) {
  natsStatus status = natsOptions_SetSecure(to, true);
  const char* ca = options.tls_ca.empty() ? kSystemCertificates : options.tls_ca.c_str();
  if (status == NATS_OK) status = natsOptions_LoadCATrustedCertificates(to, ca);
  if (status == NATS_OK) status = natsOptions_SetExpectedHostname(to, options.host.c_str());
  if (status == NATS_OK && !options.tls_cert.empty())
    status =
        natsOptions_LoadCertificatesChain(to, options.tls_cert.c_str(), options.tls_key.c_str());
  return status;
}

// libnats leaves a signature out that begins with a zero, one in 256 (seen in 3.4.1): a refusal is
// only believed when it comes again, for other nonces.
natsStatus connect(natsConnection** connection, natsOptions* options) {
  constexpr int kAttemptsMax = 3;
  natsStatus status = NATS_OK;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    status = natsConnection_Connect(connection, options);
    if (status != NATS_CONNECTION_AUTH_FAILED) break;
  }
  return status;
}

std::string url_of(const ConnectOptions& options) {
  bool ipv6 = options.host.find(':') != std::string::npos;
  std::string host = ipv6 ? fmt::format("[{}]", options.host) : options.host;
  return fmt::format("nats://{}:{}", host, options.port);
}

}  // namespace

Error nats_error(natsStatus status) {
  switch (status) {
    case NATS_TIMEOUT:
      return {Errc::timeout, "control.nats", "timed out"};
    case NATS_NO_RESPONDERS:
      return {Errc::unavailable, "control.nats", "nats: no responders"};
    case NATS_MAX_PAYLOAD:
      return {Errc::exhausted, "control.nats",
              "nats: the message is larger than the server takes (its max_payload)"};
    case NATS_NOT_PERMITTED:
    case NATS_CONNECTION_AUTH_FAILED: {
      const char* said = nats_GetLastError(nullptr);
      return {Errc::unauthenticated, "control.nats",
              fmt::format("nats: {}",
                          said != nullptr && *said != '\0' ? said : natsStatus_GetText(status))};
    }
    default: {
      const char* said = nats_GetLastError(nullptr);
      return {Errc::unavailable, "control.nats",
              fmt::format("nats: {}",
                          said != nullptr && *said != '\0' ? said : natsStatus_GetText(status))};
    }
  }
}

Result<ConnectionHandle> open_connection(const ConnectOptions& options) {
  // libnats says only "no servers available": the system's reason is found out first.
  PortProbe port = probe_port(options.host, options.port, options.timeout);
  if (port.state == PortState::closed)
    return fail(Errc::unavailable, "control.connect", port.reason);
  if (port.state == PortState::other)
    return fail(
        Errc::unavailable, "control.connect",
        fmt::format("What listens on {}:{} is not a NATS server", options.host, options.port));
  if (!options.credsfile.empty() && ::access(options.credsfile.c_str(), R_OK) != 0)
    return fail(Errc::not_found, "control.credsfile",
                fmt::format("Cannot read the credentials file {}", options.credsfile));
  TRY(Credentials credentials, read_credentials(options));
  natsOptions* made = nullptr;
  natsStatus status = natsOptions_Create(&made);
  OptionsHandle settings(made);
  if (status == NATS_OK) status = natsOptions_SetURL(made, url_of(options).c_str());
  if (status == NATS_OK) status = natsOptions_SetName(made, "wash");
  if (status == NATS_OK) status = natsOptions_SetTimeout(made, options.timeout.count());
  if (status == NATS_OK) status = natsOptions_SetAllowReconnect(made, false);
  if (status == NATS_OK) status = apply_credentials(made, options, credentials);
  natsConnection* connection = nullptr;
  if (status == NATS_OK) status = connect(&connection, made);
  if (status == NATS_SECURE_CONNECTION_REQUIRED || status == NATS_SSL_ERROR) {
    status = apply_tls(made, options);
    if (status == NATS_OK) status = connect(&connection, made);
  }
  if (status != NATS_OK) return fail(nats_error(status));
  return ConnectionHandle(connection);
}

}  // namespace trellis::control
