#include "registry/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "artifact/foreign_text.h"

namespace trellis::registry {
namespace {

struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Handle = std::unique_ptr<CURLU, UrlFree>;

tl::unexpected<Error> bad(std::string_view text) {
  return fail(Errc::invalid, "registry.url",
              fmt::format("'{}' is not an http or https URL", artifact::shown(text)));
}

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

Result<Url> taken_apart(CURLU* handle, std::string_view shown) {
  Url url;
  url.scheme = part(handle, CURLUPART_SCHEME);
  url.host = part(handle, CURLUPART_HOST);
  url.port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  url.rest = part(handle, CURLUPART_PATH);
  if (const auto query = part(handle, CURLUPART_QUERY); !query.empty()) url.rest += "?" + query;
  if ((url.scheme != "http" && url.scheme != "https") || url.host.empty()) return bad(shown);
  std::transform(url.host.begin(), url.host.end(), url.host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return url;
}

}  // namespace

std::string Url::text() const { return origin() + rest; }
std::string Url::origin() const { return fmt::format("{}://{}:{}", scheme, host, port); }
bool Url::same_origin(const Url& other) const {
  return scheme == other.scheme && host == other.host && port == other.port;
}

Result<Url> parse_url(std::string_view text) {
  const Handle handle(curl_url());
  const std::string copy(text);
  if (!handle || copy.find('\0') != std::string::npos ||
      curl_url_set(handle.get(), CURLUPART_URL, copy.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK) {
    return bad(text);
  }
  return taken_apart(handle.get(), text);
}

Result<Url> resolve(const Url& base, std::string_view location) {
  const Handle handle(curl_url());
  const std::string copy(location);
  if (!handle || copy.empty() || copy.find('\0') != std::string::npos ||
      curl_url_set(handle.get(), CURLUPART_URL, base.text().c_str(), 0) != CURLUE_OK ||
      curl_url_set(handle.get(), CURLUPART_URL, copy.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK) {
    return bad(location);
  }
  return taken_apart(handle.get(), location);
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  // A name may begin with 127., an address of the loopback net has only digits and dots.
  return host.starts_with("127.") && std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= '0' && c <= '9') || c == '.';
         });
}

}  // namespace trellis::registry
