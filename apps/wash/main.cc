// The command line of Trellis: reads the arguments, runs the one command they name, prints its
// outcome. Exit codes: 0 done, 1 the command failed, 2 the command line was wrong.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <span>

#include "command.h"
#include "usage.h"

int main(int argc, char** argv) {
  using namespace trellis::wash;
  // A peer that hangs up while it is written to is an error that is said, not the end of this.
  std::signal(SIGPIPE, SIG_IGN);
  Context context;
  CLI::App root;
  set_up_root(root, context);
  // In the order of the help text.
  add_call(root, context);
  add_claims(root, context);
  add_ctl(root, context);
  add_ctx(root, context);
  add_down(root, context);
  add_drain(root, context);
  add_keys(root, context);
  add_par(root, context);
  add_reg(root, context);
  add_up(root, context);
  const std::span<const char* const> words(argv + 1, argc > 0 ? argc - 1 : 0);
  if (const auto answered = answer_help(root, words)) return *answered;
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_usage(root, error);
  }
  const int code = context.run();
  // libnats takes itself down at exit while its timer's thread may still run, which now and then
  // ended in a crash after everything was said and done.
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  std::_Exit(code);
}
