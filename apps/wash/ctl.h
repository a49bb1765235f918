// The commands of `wash ctl`, one file per group. They share the connection options, which stand on
// `wash ctl` itself and may be typed anywhere after it.
#pragma once

#include <memory>
#include <string>

#include "command.h"
#include "connection.h"

namespace trellis::wash {

struct Ctl {
  Context& context;
  std::shared_ptr<ConnectionFlags> flags;

  Result<Lattice> lattice() const { return resolve_ctl(*flags); }
};
using CtlPtr = std::shared_ptr<Ctl>;

void add_ctl_get(CLI::App& ctl, const CtlPtr& shared);
void add_ctl_link(CLI::App& ctl, const CtlPtr& shared);
void add_ctl_start(CLI::App& ctl, const CtlPtr& shared);
void add_ctl_stop(CLI::App& ctl, const CtlPtr& shared);
void add_ctl_scale(CLI::App& ctl, const CtlPtr& shared);  // and update
void add_ctl_apply(CLI::App& ctl, const CtlPtr& shared);

// A group of commands: does nothing by itself.
CLI::App& add_group(CLI::App& parent, const std::string& name, const std::string& about);

// Nobody answered for this host: adds where to look. Other errors pass unchanged.
Error explain_silence(const Error& error, const std::string& host_id,
                      const std::string& lattice_prefix);

// The answer of commands whose JSON is {"result": <text>}.
Output result_output(const std::string& text);

}  // namespace trellis::wash
