#include "help_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace trellis::wash {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;  // what is typed, what it does

constexpr std::size_t kColumnMax = 34;  // longer ones have their text on the next line
constexpr std::size_t kWidth = 100;

std::string path_of(const CLI::App* app) {
  std::string path = app->get_name();
  for (app = app->get_parent(); app != nullptr; app = app->get_parent())
    path = app->get_name() + " " + path;
  return path;
}

std::string argument_of(const CLI::Option* option) {
  std::string name = fmt::format("<{}>", option->get_name(true));
  if (option->get_items_expected_max() > 1) name = fmt::format("[{}]...", option->get_name(true));
  return option->get_required() || option->get_items_expected_max() > 1
             ? name
             : fmt::format("[{}]", option->get_name(true));
}

std::string option_of(const CLI::Option* option) {
  std::string typed =
      option->get_snames().empty() ? "    " : fmt::format("-{}, ", option->get_snames().front());
  if (!option->get_lnames().empty()) typed += "--" + option->get_lnames().front();
  if (option->get_items_expected_max() > 0 && option->get_type_size_max() > 0)
    typed += " " + option->get_type_name();
  return typed;
}

std::string about(const CLI::Option* option) {
  std::string text = option->get_description();
  if (!option->get_default_str().empty() && option->get_items_expected_max() > 0)
    text += fmt::format(" ({})", option->get_default_str());
  if (!option->get_envname().empty()) text += fmt::format(" [${}]", option->get_envname());
  return text;
}

// `text` broken at blanks, every line but the first set in by `indent`.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string lines;
  std::size_t column = indent;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.find(' ', at), text.size());
    std::size_t size = end - at;
    if (column > indent && column + 1 + size > kWidth) {
      lines += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      lines += ' ';
      ++column;
    }
    lines += text.substr(at, size);
    column += size;
    at = end + 1;
  }
  return lines;
}

std::string section(const std::string& title, const Rows& rows) {
  if (rows.empty()) return {};
  std::size_t column = 0;
  for (const auto& [typed, text] : rows)
    if (typed.size() <= kColumnMax) column = std::max(column, typed.size());
  std::string out = fmt::format("\n{}:\n", title);
  for (const auto& [typed, text] : rows) {
    out += "  " + typed;
    std::size_t indent = column + 4;
    out += typed.size() > column ? '\n' + std::string(indent, ' ')
                                 : std::string(indent - 2 - typed.size(), ' ');
    out += wrapped(text, indent);
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

// The options of one app in their groups, in the order they were made.
std::string options_of(const CLI::App* app, bool with_help) {
  std::vector<std::pair<std::string, Rows>> groups;
  for (const CLI::Option* option : app->get_options()) {
    bool help = option == app->get_help_ptr();
    if (option->get_positional() || option->get_group().empty() || (help && !with_help)) continue;
    std::string title = app->get_parent() == nullptr ? "Global options" : option->get_group();
    auto found = std::ranges::find(groups, title, &std::pair<std::string, Rows>::first);
    if (found == groups.end()) found = groups.insert(found, {title, Rows{}});
    found->second.emplace_back(option_of(option), about(option));
  }
  std::string out;
  for (const auto& [title, rows] : groups) out += section(title, rows);
  return out;
}

}  // namespace

std::string usage_of(const CLI::App& app) {
  bool group = !app.get_subcommands([](const CLI::App*) { return true; }).empty();
  std::string usage =
      fmt::format("Usage: {}{}", path_of(&app), group ? " <COMMAND>" : " [OPTIONS]");
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional()) usage += " " + argument_of(option);
  return usage;
}

std::string HelpFormat::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  Rows commands, arguments;
  for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; }))
    commands.emplace_back(sub->get_name(), sub->get_description());
  for (const CLI::Option* option : app->get_options())
    if (option->get_positional()) arguments.emplace_back(argument_of(option), about(option));
  std::string out = fmt::format("{}\n\n{}\n", app->get_description(), usage_of(*app));
  out += section("Commands", commands) + section("Arguments", arguments);
  for (const CLI::App* at = app; at != nullptr; at = at->get_parent())
    out += options_of(at, at->get_parent() == nullptr);
  if (!app->get_footer().empty()) out += "\n" + app->get_footer() + "\n";
  return out;
}

}  // namespace trellis::wash
