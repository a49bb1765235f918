#include "packed_name.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "artifact/file_io.h"
#include "artifact/layout.h"

namespace trellis::provider_app {
namespace {

constexpr const char* kSite = "provider_app.name";
constexpr const char* kOwnProgram = "/proc/self/exe";
constexpr std::string_view kBegin = "\n[trellis-provider: ";
constexpr std::string_view kEnd = "]\n";

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Where the name's line begins, or npos.
std::size_t begin_of_name(BytesView program) {
  const auto skipped = program.size() - std::min(program.size(), kTrailerBytesMax);
  const auto at = as_text(program.subspan(skipped)).rfind(kBegin);
  return at == std::string_view::npos ? at : skipped + at;
}

tl::unexpected<Error> unreadable() {
  return fail(Errc::unavailable, kSite,
              std::string("cannot read this program (") + kOwnProgram +
                  "): " + std::generic_category().message(errno));
}

}  // namespace

Bytes with_name(Bytes program, std::string_view name) {
  if (const auto at = begin_of_name(program); at != std::string_view::npos) program.resize(at);
  for (const auto part : {kBegin, name, kEnd})
    program.insert(program.end(), part.begin(), part.end());
  return program;
}

Result<std::optional<std::string>> name_in(BytesView program) {
  const auto at = begin_of_name(program);
  if (at == std::string_view::npos) return std::nullopt;
  auto name = as_text(program.subspan(at + kBegin.size()));
  const bool whole = name.ends_with(kEnd);
  name.remove_suffix(whole ? kEnd.size() : 0);
  if (whole && is_name(name)) return std::string(name);
  return fail(Errc::corrupt, kSite,
              "the name at the end of this program, which says which provider it is, is damaged; "
              "pack it anew with `trellis-provider pack`");
}

Result<std::optional<std::string>> own_name() {
  std::ifstream file(kOwnProgram, std::ios::binary | std::ios::ate);
  const auto size = static_cast<std::size_t>(std::max<std::streamoff>(file.tellg(), 0));
  Bytes end(std::min(size, kTrailerBytesMax));
  file.seekg(-static_cast<std::streamoff>(end.size()), std::ios::end);
  file.read(reinterpret_cast<char*>(end.data()), static_cast<std::streamsize>(end.size()));
  if (!file) return unreadable();
  return name_in(end);
}

Result<Bytes> own_program() {
  return artifact::read_file(kOwnProgram, artifact::kArtifactBytesMax);
}

}  // namespace trellis::provider_app
