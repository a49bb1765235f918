#include "contexts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

#include "codec/json.h"
#include "files.h"

namespace trellis::wash {
namespace {

using boost::json::object;
namespace fs = std::filesystem;

Result<void> read_text(const object& from, const std::string& key, std::string& into) {
  TRY(auto text, codec::json_string(from, key));
  if (text) into = std::move(*text);
  return {};
}

Result<void> read_side(const object& from, const std::string& side, ContextSide& into) {
  TRY_OK(read_text(from, side + "_host", into.host));
  TRY(auto port, codec::json_uint(from, side + "_port"));
  if (port && *port > 65535)
    return fail(Errc::invalid, "wash.context",
                fmt::format("`{}_port` must be at most 65535", side));
  if (port) into.port = static_cast<std::uint16_t>(*port);
  TRY_OK(read_text(from, side + "_jwt", into.jwt));
  TRY_OK(read_text(from, side + "_seed", into.seed));
  TRY_OK(read_text(from, side + "_credsfile", into.credsfile));
  TRY(auto timeout, codec::json_uint(from, side + "_timeout"));
  if (timeout) into.timeout_ms = *timeout;
  TRY_OK(read_text(from, "lattice_prefix", into.lattice_prefix));  // as a host writes it
  TRY_OK(read_text(from, side + "_lattice_prefix", into.lattice_prefix));
  return {};
}

void write_side(const ContextSide& from, const std::string& side, object& into) {
  into[side + "_host"] = from.host;
  into[side + "_port"] = from.port;
  into[side + "_jwt"] = from.jwt;
  into[side + "_seed"] = from.seed;
  into[side + "_credsfile"] = nullptr;
  if (!from.credsfile.empty()) into[side + "_credsfile"] = from.credsfile;
  into[side + "_timeout"] = from.timeout_ms;
  into[side + "_lattice_prefix"] = from.lattice_prefix;
}

Result<LatticeContext> read_context(const fs::path& path) {
  TRY(std::string text, read_file(path));
  Result<LatticeContext> context = parse_context(text);
  if (!context)
    return fail(
        Errc::invalid, "wash.context",
        fmt::format("The context {} cannot be used: {}", path.string(), context.error().detail));
  if (context->name.empty()) context->name = path.stem().string();
  return context;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

Result<LatticeContext> parse_context(std::string_view json) {
  TRY(codec::json::value value, codec::json_parse(json));
  if (!value.is_object()) return fail(Errc::invalid, "wash.context", "it is not a JSON object");
  const object& fields = value.get_object();
  LatticeContext context;
  TRY_OK(read_text(fields, "name", context.name));
  TRY_OK(read_text(fields, "cluster_seed", context.cluster_seed));
  TRY_OK(read_text(fields, "ctl_topic_prefix", context.topic_prefix));
  TRY_OK(read_side(fields, "ctl", context.ctl));
  TRY_OK(read_side(fields, "rpc", context.rpc));
  return context;
}

std::string write_context(const LatticeContext& context) {
  object json{{"name", context.name}, {"cluster_seed", context.cluster_seed}};
  write_side(context.ctl, "ctl", json);
  write_side(context.rpc, "rpc", json);
  if (context.topic_prefix != LatticeContext{}.topic_prefix)
    json["ctl_topic_prefix"] = context.topic_prefix;
  return codec::json_pretty(json) + "\n";
}

Result<LatticeContext> find_context(const fs::path& home, const std::optional<std::string>& file) {
  if (file) return read_context(*file);
  ContextFolder folder{home / "contexts"};
  TRY(std::optional<std::string> name, folder.default_name());
  if (name && *name != kHostConfig) return read_context(folder.file_of(*name));
  fs::path host_config = home / "host_config.json";
  if (!is_there(host_config)) return LatticeContext{};
  return read_context(host_config);
}

fs::path further_host_config(const fs::path& home, std::uint16_t dashboard_port) {
  return home / fmt::format("host_config-{}.json", dashboard_port);
}

std::vector<fs::path> further_host_configs(const fs::path& home) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(home, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".json" && at->path().stem().string().starts_with("host_config-"))
      found.push_back(at->path());
  std::ranges::sort(found);
  return found;
}

Result<void> follow_host_config(const fs::path& home, const ContextFolder& folder) {
  fs::path from = home / "host_config.json";
  if (!is_there(from)) return {};
  TRY(LatticeContext context, read_context(from));
  context.name = kHostConfig;
  TRY_OK(make_directory(folder.path));
  return write_private_file(folder.file_of(kHostConfig), write_context(context));
}

fs::path ContextFolder::file_of(std::string_view name) const {
  return path / fmt::format("{}.json", name);
}

Result<std::vector<std::string>> ContextFolder::names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".json" && at->path().stem() != "index")
      names.push_back(at->path().stem().string());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Errc::denied, "wash.contexts",
                fmt::format("Cannot list the contexts in {}: {}", path.string(), error.message()));
  std::ranges::sort(names);
  return names;
}

Result<std::optional<std::string>> ContextFolder::default_name() const {
  fs::path index = path / "index.json";
  if (!is_there(index)) return std::nullopt;
  TRY(std::string text, read_file(index));
  Result<codec::json::value> value = codec::json_parse(text);
  if (!value || !value->is_object())
    return fail(Errc::invalid, "wash.contexts",
                fmt::format("{} is not a JSON object; set it again with `wash ctx default <name>`",
                            index.string()));
  TRY(std::optional<std::string> name, codec::json_string(value->get_object(), "name"));
  if (name && name->empty()) name.reset();
  return name;
}

Result<void> ContextFolder::set_default(const std::string& name) const {
  TRY_OK(make_directory(path));
  return write_private_file(path / "index.json", codec::json_write(object{{"name", name}}));
}

std::string safe_name(std::string_view name) {
  std::string safe(name.substr(0, 128));
  for (char& c : safe) {
    bool fine =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    if (!fine) c = '_';
  }
  safe.erase(0, safe.find_first_not_of('.'));
  return safe;
}

}  // namespace trellis::wash
