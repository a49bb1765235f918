// What every command of wash shares: how a subcommand is registered, and how its result or error is
// printed. Each group of commands adds itself with one function (add_ctl, …) called by main(), and
// registers what its leaf subcommands do with Context::on(). Nothing runs while the command line is
// still being read, so a mistake at its end is found before anything is done. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>

#include "base/causes.h"
#include "base/result.h"
#include "spinner.h"

namespace trellis::wash {

// The answer of a command: `text` for people, `json` for programs ("success": true is added to it).
struct Output {
  std::string text;
  boost::json::object json;
  bool silent = false;  // print nothing at all in text mode
};

class Context {
 public:
  using Action = std::function<Result<Output>()>;

  // Says what a leaf command does when it is the one that was typed. `example` is a whole command
  // line
  // ("wash keys gen account") that its help shows.
  void on(CLI::App& command, std::string_view example, Action action);

  bool json() const { return format_ == "json"; }
  // A line on stderr while the command goes on; nothing in JSON mode.
  void note(std::string_view line) const;
  // Turns on stderr until it is destroyed; shows nothing in JSON mode or when stderr is not a
  // terminal.
  Spinner spinner(std::string message) const;

  // The option -o/--output writes here.
  std::string& format() { return format_; }
  // Runs the chosen command and prints its outcome; the exit code.
  int run();

 private:
  std::string format_ = "text";
  Action action_;
};

// The groups. Each adds its commands to the root command; `context` outlives the parsed command
// line.
void add_up(CLI::App& root, Context& context);
void add_down(CLI::App& root, Context& context);
void add_ctl(CLI::App& root, Context& context);
void add_call(CLI::App& root, Context& context);
void add_ctx(CLI::App& root, Context& context);
void add_drain(CLI::App& root, Context& context);
void add_claims(CLI::App& root, Context& context);
void add_keys(CLI::App& root, Context& context);
void add_reg(CLI::App& root, Context& context);
void add_par(CLI::App& root, Context& context);

}  // namespace trellis::wash
