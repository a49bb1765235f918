#include "host/provider_loader.h"

#include <fmt/format.h>

#include "base/unix_time.h"
#include "host/guest_text.h"

namespace trellis::host {
namespace {

struct Fetched {
  artifact::ProviderProgram content;
  std::string digest;
};

// On one of the threads for pulls.
Result<Fetched> fetch_and_check(const artifact::Resolver& resolver, const std::string& reference) {
  TRY(artifact::Artifact artifact, resolver.fetch(reference, artifact::Kind::provider));
  if (as_text(artifact.bytes).starts_with(std::string_view("\0asm", 4))) {
    return fail(
        Errc::invalid, "host.providers",
        fmt::format("{} is a WebAssembly module, not a provider archive; start it with `wash "
                    "ctl start actor`",
                    reference));
  }
  auto program = artifact::read_provider_program(artifact.bytes, now_unix());
  if (program) return Fetched{*std::move(program), std::move(artifact.digest)};
  return fail(program.error().code, program.error().site,
              fmt::format("{}: {}", reference, program.error().detail));
}

}  // namespace

runtime::Task<LoadedProvider> ProviderLoader::load(std::string reference) {
  std::function<Result<Fetched>()> fetch = [this, &reference] {
    return fetch_and_check(parts_.resolver, reference);
  };
  CO_TRY(auto fetched, co_await parts_.pulls.run<Fetched>(std::move(fetch)));
  auto& loaded = fetched.content;
  CO_TRY_OK(parts_.config.provider_issuers.check(
      fmt::format("provider {} ({})", loaded.claims.subject, as_log_line(loaded.claims.name)),
      loaded.claims.issuer));
  // Written by the thread that starts programs: no start may inherit a program that is being
  // written.
  std::function<Result<artifact::InstalledProgram>()> install = [this, &loaded] {
    return folder_.install(loaded.program, loaded.claims.contract_id);
  };
  CO_TRY(auto installed,
         co_await parts_.spawner.run<artifact::InstalledProgram>(std::move(install)));
  co_return LoadedProvider{.claims = std::move(loaded.claims),
                           .program = std::move(installed),
                           .digest = std::move(fetched.digest)};
}

}  // namespace trellis::host
