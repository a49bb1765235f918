#include "httpclient/settings.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>

#include "capability/link_values.h"
#include "codec/json.h"
#include "net/http_client.h"

namespace trellis::httpclient {
namespace {

namespace json = boost::json;

constexpr const char* kSite = "httpclient.settings";
constexpr std::uint64_t kTimeoutMsMax = 3'600'000;
constexpr std::uint64_t kRedirectsMax = 50;

tl::unexpected<Error> bad(std::string sentence) {
  return fail(Errc::invalid, kSite, std::move(sentence));
}

// One value from where it was last given: the link, its JSON, the provider's configuration.
class Source {
 public:
  Source(const json::object& defaults, const capability::LinkValues& values)
      : defaults_(defaults), values_(values) {}

  Result<std::optional<std::string>> text(std::string_view key) const {
    if (const auto* value = values_.find(key)) return *value;
    return codec::json_string(values_.config().contains(key) ? values_.config() : defaults_, key);
  }
  Result<std::optional<std::uint64_t>> number(std::string_view key, std::uint64_t min,
                                              std::uint64_t max) const {
    std::optional<std::uint64_t> number;
    if (const auto* value = values_.find(key)) {
      number.emplace();
      const auto* end = value->data() + value->size();
      const auto [at, ec] = std::from_chars(value->data(), end, *number);
      if (ec != std::errc{} || at != end) number = max + 1;
    } else {
      TRY(number,
          codec::json_uint(values_.config().contains(key) ? values_.config() : defaults_, key));
    }
    if (number && (*number < min || *number > max))
      return bad(fmt::format("{} must be a number from {} to {}", key, min, max));
    return number;
  }
  // A comma-separated value, or a JSON list.
  Result<std::vector<std::string>> list(std::string_view key) const {
    const auto* value = values_.find(key);
    if (value == nullptr)
      return capability::string_list(values_.config().contains(key) ? values_.config() : defaults_,
                                     key);
    return capability::comma_list(*value);
  }

 private:
  const json::object& defaults_;
  const capability::LinkValues& values_;
};

}  // namespace

Result<Settings> parse_settings(const json::object& defaults, const lattice::Link& link) {
  TRY(const auto values, capability::LinkValues::read(link));
  const Source source(defaults, values);
  Settings settings;
  TRY(const auto allowed, source.list("allow"));
  TRY(settings.allow, AllowList::parse(allowed));
  TRY(const auto timeout, source.number("timeout_ms", 1, kTimeoutMsMax));
  if (timeout) settings.timeout = std::chrono::milliseconds(*timeout);
  TRY(const auto bytes, source.number("max_response_bytes", 0, limits::kGuestResponseBytesMax));
  if (bytes) settings.answer_bytes_max = *bytes;
  TRY(const auto redirects, source.number("max_redirects", 0, kRedirectsMax));
  if (redirects) settings.redirects_max = static_cast<unsigned>(*redirects);
  TRY(const auto ca_file, source.text("ca_file"));
  settings.ca_file = ca_file.value_or("");
  std::error_code ec;
  if (!settings.ca_file.empty() && !std::filesystem::is_regular_file(settings.ca_file, ec))
    return bad(fmt::format("ca_file '{}' cannot be read", settings.ca_file));
  TRY(const auto proxy, source.text("proxy"));
  settings.proxy = proxy.value_or("");
  if (!settings.proxy.empty()) {
    if (auto url = net::parse_http_url(settings.proxy); !url)
      return bad(fmt::format("proxy: {}", url.error().detail));
  }
  return settings;
}

std::string oddities_of(const Settings& settings, const lattice::Link& link) {
  auto warning = capability::warning_about_unknown(
      link, {"allow", "timeout_ms", "max_response_bytes", "max_redirects", "ca_file", "proxy",
             "config_json", "config_b64"});
  if (warning.empty() && !settings.proxy.empty() && settings.allow.has_addresses()) {
    warning =
        "with a proxy, names are looked up by the proxy: entries of `allow` that are addresses "
        "count only for URLs that hold an address themselves";
  }
  return warning;
}

}  // namespace trellis::httpclient
