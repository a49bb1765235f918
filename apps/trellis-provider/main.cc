// trellis-provider: the built-in providers as processes of their own. Started by a host, without
// arguments and with its data on stdin, it is one of them; started by people, it packs one of them
// into an archive that hosts can start. Exit codes: 0 done, or stopped in good order; 1 it failed,
// and the last line on stderr says why; 2 the command line was wrong.
#include <fmt/format.h>

#include <cstdio>

#include <CLI/CLI.hpp>

#include "pack.h"
#include "serve.h"

namespace trellis::provider_app {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

constexpr const char* kAbout =
    "trellis-provider: the providers of Trellis as programs of their own, to be run by any host\n"
    "that speaks the protocol of wasmCloud 2022.\n\n"
    "Hosts start it without arguments and write to its stdin who it is. People make archives\n"
    "with it, which `wash ctl start provider` starts; docs/providers.md says when that is good "
    "for.";

int failed(const Error& error) {
  fmt::print(stderr, "trellis-provider: {}\n", error.detail);
  return kFailed;
}

int command(int argc, char** argv) {
  Action chosen;
  CLI::App app{kAbout, "trellis-provider"};
  app.set_version_flag("-V,--version", "trellis-provider " TRELLIS_VERSION);
  app.require_subcommand(1);
  add_pack(app, chosen);
  add_list(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  const auto done = chosen();
  if (!done) return failed(done.error());
  fmt::print("{}", *done);
  return 0;
}

int start(int argc, char** argv) {
  if (argc > 1) return command(argc, argv);
  const auto served = serve();
  return served ? 0 : failed(served.error());
}

}  // namespace
}  // namespace trellis::provider_app

int main(int argc, char** argv) { return trellis::provider_app::start(argc, argv); }
