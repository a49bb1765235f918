#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "base/nearest.h"
#include "contexts.h"
#include "ctl.h"
#include "files.h"

namespace trellis::wash {
namespace {

struct CtxArguments {
  std::string directory, name, editor;
  bool interactive = false;
};

Result<ContextFolder> open_folder(const CtxArguments& arguments) {
  TRY(std::filesystem::path home, wash_home());
  ContextFolder folder{home / "contexts"};
  if (!arguments.directory.empty()) folder.path = arguments.directory;
  if (arguments.directory.empty()) TRY_OK(follow_host_config(home, folder));
  return folder;
}

// One line from the person at the terminal; "" at the end of input.
std::string ask(std::string_view question) {
  fmt::print(stderr, "{} ", question);
  std::string answer;
  std::getline(std::cin, answer);
  return answer;
}

// The name that was given, or one picked from a list on a terminal.
Result<std::string> choose(const ContextFolder& folder, const std::string& given,
                           std::string_view purpose) {
  TRY(std::vector<std::string> names, folder.names());
  if (!given.empty()) return given;
  if (::isatty(STDIN_FILENO) != 1)
    return fail(Errc::invalid, "wash.ctx",
                fmt::format("Name the context {}. There are: {}", purpose, fmt::join(names, ", ")));
  for (std::size_t i = 0; i < names.size(); ++i) fmt::print(stderr, "  {}) {}\n", i + 1, names[i]);
  std::string answer = ask(fmt::format("Which context {}?", purpose));
  std::size_t number = std::strtoul(answer.c_str(), nullptr, 10);
  if (number >= 1 && number <= names.size()) return names[number - 1];
  return answer;
}

// `message`, with the nearest name that there is.
Result<void> must_be_one_of(const std::vector<std::string>& names, const std::string& name,
                            std::string message) {
  if (std::ranges::find(names, name) != names.end()) return {};
  std::string meant = nearest(name, names);
  std::string why =
      meant.empty()
          ? fmt::format("there is no context '{}'; there are: {}", name, fmt::join(names, ", "))
          : fmt::format("there is no context '{}'; did you mean '{}'?", name, meant);
  return fail(Errc::not_found, "wash.ctx",
              caused_by(std::move(message), Error{Errc::not_found, "", why}).detail);
}

Result<Output> list(const CtxArguments& arguments) {
  TRY(ContextFolder folder, open_folder(arguments));
  TRY(std::vector<std::string> names, folder.names());
  TRY(std::optional<std::string> chosen, folder.default_name());
  bool follows_host = !chosen && std::ranges::find(names, kHostConfig) != names.end();
  if (follows_host) chosen = std::string(kHostConfig);
  std::vector<std::string> lines;
  for (const std::string& name : names)
    lines.push_back(name + (name == chosen ? " (default)" : ""));
  return Output{
      fmt::format("== Contexts found in {} ==\n{}", folder.path.string(), fmt::join(lines, "\n")),
      {{"contexts", boost::json::array(names.begin(), names.end())},
       {"default", chosen.value_or("N/A")}}};
}

Result<Output> set_default(const CtxArguments& arguments) {
  TRY(ContextFolder folder, open_folder(arguments));
  TRY(std::string name, choose(folder, arguments.name, "to make the default"));
  TRY(std::vector<std::string> names, folder.names());
  TRY_OK(must_be_one_of(names, name, "Failed to set new default, context supplied was not found"));
  TRY_OK(folder.set_default(name));
  return result_output("Set new context successfully");
}

Result<Output> remove(const CtxArguments& arguments) {
  TRY(ContextFolder folder, open_folder(arguments));
  TRY(std::string name, choose(folder, arguments.name, "to delete"));
  TRY(std::vector<std::string> names, folder.names());
  TRY_OK(must_be_one_of(names, name, "Failed to delete, no context found"));
  if (::unlink(folder.file_of(name).c_str()) != 0)
    return fail(Errc::denied, "wash.ctx",
                fmt::format("Cannot delete {}", folder.file_of(name).string()));
  TRY(std::optional<std::string> chosen, folder.default_name());
  if (chosen == name) ::unlink((folder.path / "index.json").c_str());
  return result_output("Removed file successfully");
}

Result<void> ask_for_fields(LatticeContext& context) {
  auto text = [](std::string_view what, std::string& into) {
    std::string answer = ask(fmt::format("{} [{}]:", what, into));
    if (!answer.empty()) into = std::move(answer);
  };
  auto side = [&](std::string_view what, ContextSide& into) -> Result<void> {
    text(fmt::format("{} host", what), into.host);
    std::string port = fmt::to_string(into.port);
    text(fmt::format("{} port", what), port);
    unsigned long number = std::strtoul(port.c_str(), nullptr, 10);
    if (number < 1 || number > 65535)
      return fail(Errc::invalid, "wash.ctx",
                  fmt::format("'{}' is not a port from 1 to 65535", port));
    into.port = static_cast<std::uint16_t>(number);
    text(fmt::format("{} credentials file", what), into.credsfile);
    text("Lattice prefix", into.lattice_prefix);
    return {};
  };
  text("Cluster seed", context.cluster_seed);
  TRY_OK(side("Control", context.ctl));
  return side("RPC", context.rpc);
}

Result<Output> make(const CtxArguments& arguments) {
  TRY(ContextFolder folder, open_folder(arguments));
  std::string given = arguments.name;
  if (given.empty() && arguments.interactive) given = ask("Name of the context:");
  std::string name = safe_name(given);
  if (name.empty() || name == "index")
    return fail(Errc::invalid, "wash.ctx",
                fmt::format("'{}' cannot be the name of a context", given));
  TRY_OK(make_directory(folder.path));
  TRY(std::vector<std::string> names, folder.names());
  if (std::ranges::find(names, name) != names.end())
    return fail(Errc::invalid, "wash.ctx",
                fmt::format("The context {} is there already; change it with `wash ctx edit {}`",
                            name, name));
  LatticeContext context;
  context.name = name;
  if (arguments.interactive) TRY_OK(ask_for_fields(context));
  TRY_OK(write_private_file(folder.file_of(name), write_context(context)));
  return result_output(arguments.interactive
                           ? fmt::format("Created context {}.json", name)
                           : fmt::format("Created context {}.json with default values", name));
}

Result<Output> edit(const Context& output, const CtxArguments& arguments) {
  TRY(ContextFolder folder, open_folder(arguments));
  TRY(std::string name, choose(folder, arguments.name, "to edit"));
  TRY(std::vector<std::string> names, folder.names());
  TRY_OK(must_be_one_of(names, name, "Failed to edit, no context found"));
  if (name == kHostConfig)
    output.note(
        "Note: host_config follows the host that runs here; changes to it are overwritten.");
  // The editor may be a command with arguments, as in EDITOR="code -w"; the file is its last one.
  std::string file = folder.file_of(name).string();
  ::setenv("WASH_CONTEXT_FILE", file.c_str(), 1);
  int status = std::system((arguments.editor + " \"$WASH_CONTEXT_FILE\"").c_str());
  if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(Errc::invalid, "wash.ctx",
                fmt::format("The editor `{}` did not end well", arguments.editor));
  TRY_OK(find_context(folder.path, file));  // still one that can be used
  return result_output("Finished editing context successfully");
}

CLI::App& add_command(CLI::App& ctx, const std::string& name, const std::string& about,
                      CtxArguments& arguments) {
  CLI::App& command = *ctx.add_subcommand(name, about);
  command
      .add_option("--directory", arguments.directory, "Folder of the contexts (~/.wash/contexts)")
      ->envname("WASH_CONTEXTS")
      ->type_name("<FOLDER>");
  if (name != "list") command.add_option("name", arguments.name, "Name of the context");
  return command;
}

}  // namespace

void add_ctx(CLI::App& root, Context& context) {
  CLI::App& ctx = add_group(root, "ctx", "Manage wasmCloud host configuration contexts");
  auto arguments = std::make_shared<CtxArguments>();
  context.on(
      add_command(ctx, "list", "Show the contexts there are and which is the default", *arguments),
      "wash ctx list", [arguments] { return list(*arguments); });
  context.on(add_command(ctx, "default", "Make a context the default one", *arguments),
             "wash ctx default production", [arguments] { return set_default(*arguments); });
  context.on(add_command(ctx, "del", "Delete a context", *arguments), "wash ctx del production",
             [arguments] { return remove(*arguments); });
  CLI::App& make_command = add_command(ctx, "new", "Make a context", *arguments);
  make_command.add_flag("-i,--interactive", arguments->interactive, "Ask for its settings");
  make_command.parse_complete_callback([arguments] {
    if (arguments->name.empty() && !arguments->interactive) throw CLI::RequiredError("name");
  });
  context.on(make_command, "wash ctx new production", [arguments] { return make(*arguments); });
  CLI::App& edit_command = add_command(ctx, "edit", "Open a context in an editor", *arguments);
  edit_command.add_option("-e,--editor", arguments->editor, "The editor")
      ->envname("EDITOR")
      ->required()
      ->type_name("<COMMAND>");
  context.on(edit_command, "wash ctx edit production --editor vi",
             [&context, arguments] { return edit(context, *arguments); });
}

}  // namespace trellis::wash
