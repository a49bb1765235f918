#include "usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "base/nearest.h"
#include "help_format.h"

namespace trellis::wash {
namespace {

constexpr const char* kAbout = "A single CLI to handle all of your wasmCloud tooling needs";
constexpr const char* kHint = "For more information try '--help'";
// Commands of 2022 that this version does not have: told apart from typing mistakes.
constexpr std::string_view kNotHere[] = {"app", "build", "gen", "lint", "new", "validate"};

// The command that was being read when the mistake was met: the last subcommand that was
// recognised.
const CLI::App& deepest(const CLI::App& root) {
  const CLI::App* at = &root;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
  return *at;
}

std::string path_of(const CLI::App& app) {
  std::string path = app.get_name();
  for (const CLI::App* up = app.get_parent(); up != nullptr; up = up->get_parent())
    path = up->get_name() + " " + path;
  return path;
}

std::vector<std::string> subcommands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!sub->get_name().empty()) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string unknown_word(const CLI::App& root, const CLI::App& app, const std::string& word) {
  std::string mistake;
  std::vector<std::string> known;
  if (word.starts_with('-')) {
    mistake = fmt::format("'{}' is not an option of `{}`.", word, path_of(app));
    known = flags_of(app);
  } else if (known = subcommands_of(app); !known.empty()) {
    bool later = &app == &root && std::ranges::find(kNotHere, word) != std::end(kNotHere);
    if (later)
      return fmt::format("`wash {}` is not available in this version. Available commands: {}.",
                         word, fmt::join(known, ", "));
    mistake = fmt::format("unrecognized subcommand '{}' of `{}`.", word, path_of(app));
  } else {
    return fmt::format("`{}` did not expect '{}' here.", path_of(app), word);
  }
  std::string meant = nearest(word.substr(0, word.find('=')), known);
  if (!meant.empty()) return fmt::format("{} Did you mean '{}'?", mistake, meant);
  if (word.starts_with('-')) return mistake;
  return fmt::format("{} It has: {}.", mistake, fmt::join(known, ", "));
}

// An error on stderr, and the exit code that goes with it.
int refuse(const std::string& mistake) {
  fmt::print(stderr, "error: {}\n\n{}\n", mistake, kHint);
  return 2;
}

const CLI::App* subcommand(const CLI::App& app, std::string_view name) {
  const auto found = app.get_subcommands(
      [name](const CLI::App* sub) { return sub->get_name() == name && !sub->get_disabled(); });
  return found.empty() ? nullptr : found.front();
}

// "<actor-id> is missing", or the parser's own words for what is not an argument.
std::string missing_text(const CLI::App& app, const std::string& text) {
  for (const CLI::Option* option : app.get_options()) {
    std::string name = option->get_name(option->get_positional());
    if (text != name + " is required") continue;
    return option->get_positional() ? fmt::format("<{}> is missing", name)
                                    : fmt::format("{} is missing", name);
  }
  return text;
}

// The error texts of the argument parser, said as a sentence.
std::string mistake_text(const CLI::App& root, const CLI::App& app, const CLI::ParseError& error) {
  std::vector<std::string> left = root.remaining(true);
  bool unknown = !left.empty() && (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                                   dynamic_cast<const CLI::RequiredError*>(&error) != nullptr);
  if (unknown) return unknown_word(root, app, left.front());
  std::string text = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    return fmt::format("{}\n\n{}", missing_text(app, text), usage_of(app));
  // Our own checks say everything themselves; the parser puts the argument's name before it.
  if (std::size_t at = text.find("Invalid value '"); at != std::string::npos)
    return text.substr(at);
  return text;
}

}  // namespace

void set_up_root(CLI::App& root, Context& context) {
  root.name("wash");
  root.description(kAbout);
  root.set_help_flag("-h,--help", "Print help");
  root.set_version_flag("-V,--version", "wash " TRELLIS_VERSION, "Print version");
  root.require_subcommand(1, 1);
  root.fallthrough();
  root.formatter(std::make_shared<HelpFormat>());
  root.footer("Run `wash help <command>` for more on a command.");
  root.add_option("-o,--output", context.format(), "Form of the output: text or json")
      ->default_str("text")
      ->type_name("<OUTPUT>")
      ->check([](const std::string& value) -> std::string {
        if (value == "text" || value == "json") return {};
        return fmt::format(
            "Invalid value '{}' for '--output <OUTPUT>': error parsing output type, see help for "
            "the list of "
            "accepted outputs",
            value);
      });
}

int report_usage(const CLI::App& root, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return root.exit(error, std::cout, std::cerr);
  const CLI::App& app = deepest(root);
  bool incomplete = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
                    root.remaining(true).empty() && !subcommands_of(app).empty();
  if (incomplete) {  // a group without its command: show what it has
    fmt::print(stderr, "{}",
               app.help(app.get_parent() == nullptr ? "" : path_of(*app.get_parent())));
    return 2;
  }
  return refuse(mistake_text(root, app, error));
}

std::optional<int> answer_help(const CLI::App& root, std::span<const char* const> words) {
  const CLI::App* app = &root;
  bool asked = false;
  for (std::string_view word : words) {
    if (const CLI::App* inner = subcommand(*app, word)) {
      app = inner;
    } else if (!asked && word == "help" && !subcommands_of(*app).empty()) {
      asked = true;
    } else if (!asked) {
      return std::nullopt;
    } else if (!word.starts_with('-')) {
      return refuse(unknown_word(root, *app, std::string(word)));
    }
  }
  if (!asked) return std::nullopt;
  std::cout << app->help();
  return 0;
}

}  // namespace trellis::wash
