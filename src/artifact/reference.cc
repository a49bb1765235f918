#include "artifact/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace trellis::artifact {
namespace {

constexpr std::size_t kReferenceBytesMax = 1024;
constexpr std::size_t kTagBytesMax = 128;
constexpr std::string_view kExample = "wasmcloud.azurecr.io/echo:0.3.4";

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alnum(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

tl::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(
      Errc::invalid, "artifact.reference",
      fmt::format("'{}' is not an artifact reference: {}. One looks like {}", text, why, kExample));
}

// A first part is a registry, and not the start of the path, when it could only be a host.
bool looks_like_host(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:") != std::string_view::npos;
}

bool is_host(std::string_view host) {
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos) {
    const auto port = host.substr(colon + 1);
    if (port.empty() || port.size() > 5 ||
        !std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      return false;
    }
    host = host.substr(0, colon);
  }
  return !host.empty() && host.front() != '.' && host.front() != '-' &&
         std::all_of(host.begin(), host.end(),
                     [](char c) { return is_alnum(c) || c == '.' || c == '-'; });
}

// Lower-case letters and digits, single separators between them: [a-z0-9]+([._-]+[a-z0-9]+)*
bool is_path_part(std::string_view part) {
  return !part.empty() && is_lower_or_digit(part.front()) && is_lower_or_digit(part.back()) &&
         part.find("..") == std::string_view::npos &&
         std::all_of(part.begin(), part.end(), [](char c) {
           return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

bool is_repository(std::string_view path) {
  while (true) {
    const auto slash = path.find('/');
    if (!is_path_part(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= kTagBytesMax &&
         (is_alnum(tag.front()) || tag.front() == '_') &&
         std::all_of(tag.begin(), tag.end(),
                     [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
      return fail(Errc::invalid, "artifact.reference",
                  fmt::format("'{}' has a '%' that is not followed by two hex digits", text));
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool is_url_path_character(char c) {
  return is_alnum(c) || std::string_view("/-._~+@:,=").find(c) != std::string_view::npos;
}

// What could only be meant as a path of a file.
bool is_path(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../") ||
         text.starts_with("~/");
}

tl::unexpected<Error> path_instead(std::string_view text) {
  const std::string right =
      text.starts_with('/') ? fmt::format("file://: {}", file_reference(text))
                            : "file:// and its absolute path, as in file:///path/to/actor_s.wasm";
  return fail(Errc::invalid, "artifact.reference",
              fmt::format("'{}' is a path, not an artifact reference. A file of the host's machine "
                          "is named with {}",
                          text, right));
}

Result<Reference> parse_file(std::string_view text) {
  const auto path = text.substr(std::string_view("file://").size());
  if (path.empty() || path.front() != '/') {
    return fail(
        Errc::invalid, "artifact.reference",
        fmt::format("'{}' needs an absolute path with three slashes: file:///path/to/actor_s.wasm",
                    text));
  }
  Reference reference;
  reference.kind = Reference::Kind::file;
  reference.text = text;
  TRY(reference.path, percent_decoded(path));
  return reference;
}

}  // namespace

std::string Reference::name() const {
  return registry.empty() ? repository : fmt::format("{}/{}", registry, repository);
}

std::string Reference::tagged() const {
  return tag.empty() ? name() : fmt::format("{}:{}", name(), tag);
}

bool Reference::is_latest() const {
  return kind == Kind::oci && (tag == "latest" || (tag.empty() && digest.empty()));
}

std::string file_reference(std::string_view path) {
  std::string text = "file://";
  for (const char c : path) {
    if (is_url_path_character(c))
      text += c;
    else
      text += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

bool is_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.size() != kPrefix.size() + 64 || !text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<Reference> parse_reference(std::string_view text) {
  if (text.empty()) return bad(text, "it is empty");
  if (text.size() > kReferenceBytesMax) return bad(text.substr(0, 80), "it is too long");
  if (text.find('\0') != std::string_view::npos) return bad("…", "it holds a NUL character");
  if (text.starts_with("file://")) return parse_file(text);
  if (is_path(text)) return path_instead(text);
  if (text.starts_with("bindle://")) {
    return fail(
        Errc::invalid, "artifact.bindle",
        fmt::format("'{}': Bindle servers are no longer supported. Push the artifact to an OCI "
                    "registry or use a file:// reference",
                    text));
  }
  if (text.starts_with("oci://")) text.remove_prefix(std::string_view("oci://").size());
  if (text.find("://") != std::string_view::npos) {
    return bad(text, "it is a URL; write the registry's host without a scheme");
  }

  Reference reference;
  reference.text = text;
  auto rest = text;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    reference.digest = rest.substr(at + 1);
    if (!is_digest(reference.digest)) {
      return bad(text, "after '@' comes sha256: and 64 lower-case hex digits");
    }
    rest = rest.substr(0, at);
  }
  if (const auto slash = rest.find('/');
      slash != std::string_view::npos && looks_like_host(rest.substr(0, slash))) {
    reference.registry = rest.substr(0, slash);
    if (!is_host(reference.registry)) {
      return bad(text, fmt::format("'{}' is not a registry's host", reference.registry));
    }
    rest.remove_prefix(slash + 1);
  }
  if (const auto colon = rest.rfind(':'); colon != std::string_view::npos) {
    reference.tag = rest.substr(colon + 1);
    if (!is_tag(reference.tag)) {
      return bad(text, fmt::format("'{}' is not a tag", reference.tag));
    }
    rest = rest.substr(0, colon);
  }
  reference.repository = rest;
  if (!is_repository(rest)) {
    return bad(
        text,
        fmt::format("'{}' is not a name (lower-case letters, digits, and . _ - / between them)",
                    rest));
  }
  return reference;
}

}  // namespace trellis::artifact
