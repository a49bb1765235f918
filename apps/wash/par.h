// The commands of `wash par`, one file per command: provider archives made, looked into, added to.
#pragma once

#include <string>

#include "artifact/provider_archive.h"
#include "claims_arguments.h"
#include "command.h"

namespace trellis::wash {

void add_par_create(CLI::App& par, Context& context);
void add_par_insert(CLI::App& par, Context& context);
void add_par_inspect(CLI::App& par, Context& context);

// What create and insert share: for which machine, which program, signed by whom.
struct ProgramArguments {
  std::string target, program;
  SigningArguments signing;
};
void add_program_options(CLI::App& command, ProgramArguments& into,
                         const std::string& subject_about);

// The program's bytes, when `--arch` names a kind of machine.
Result<Bytes> read_program(const ProgramArguments& arguments);

}  // namespace trellis::wash
