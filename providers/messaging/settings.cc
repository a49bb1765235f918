#include "messaging/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "capability/link_values.h"
#include "claims/nkey.h"
#include "codec/json.h"
#include "lattice/subjects.h"

namespace trellis::messaging {
namespace {

namespace json = boost::json;

constexpr const char* kSite = "messaging.settings";
constexpr std::uint64_t kPingSecondsMax = 3'600;
constexpr std::string_view kKeys[] = {"SUBSCRIPTION", "URI",         "CLIENT_JWT", "CLIENT_SEED",
                                      "LATTICE",      "config_json", "config_b64"};

tl::unexpected<Error> bad(std::string sentence) {
  return fail(Errc::invalid, kSite, std::move(sentence));
}

// "subject" or "subject|queue".
Result<Subscription> parse_subscription(const std::string& text) {
  for (const auto key : kKeys) {
    // One argument of wash for two values: 'SUBSCRIPTION=a,URI=b'. In 2022 the second became a
    // subject.
    if (text.size() > key.size() && text[key.size()] == '=' &&
        capability::same_ignoring_case(std::string_view(text).substr(0, key.size()), key))
      return bad(
          fmt::format("SUBSCRIPTION: '{}' is another link value; give it as an argument of its "
                      "own, without a comma in front",
                      text));
  }
  const auto bar = text.find('|');
  Subscription subscription{.subject = text.substr(0, bar), .queue = {}};
  if (bar != std::string::npos) subscription.queue = text.substr(bar + 1);
  if (!lattice::valid_pattern(subscription.subject))
    return bad(fmt::format("SUBSCRIPTION: '{}' is not a NATS subject", subscription.subject));
  if (bar != std::string::npos && (!lattice::valid_token(subscription.queue) ||
                                   subscription.queue.find('|') != std::string::npos))
    return bad(fmt::format("SUBSCRIPTION: '{}' is not a queue group; it must be one word",
                           subscription.queue));
  return subscription;
}

Result<std::string> parse_server(const std::string& text) {
  const auto scheme_end = text.find("://");
  const auto url = scheme_end == std::string::npos ? "nats://" + text : text;
  if (!url.starts_with("nats://") && !url.starts_with("tls://"))
    return bad(fmt::format("URI: '{}' must begin with nats:// or tls://, or be host:port", text));
  const auto rest = std::string_view(url).substr(url.find("://") + 3);
  if (rest.empty() || rest.find_first_of(" \t\r\n/") != std::string_view::npos)
    return bad(fmt::format("URI: '{}' is not of the form nats://host:port", text));
  return url;
}

struct Texts {
  std::vector<std::string> subscriptions, servers;
};

// What a JSON of settings says replaces what was said before.
Result<void> merge(const json::object& from, Settings& settings, Texts& texts) {
  TRY(auto subscriptions, capability::string_list(from, "subscriptions"));
  if (!subscriptions.empty()) texts.subscriptions = std::move(subscriptions);
  TRY(auto servers, capability::string_list(from, "cluster_uris"));
  if (!servers.empty()) texts.servers = std::move(servers);
  TRY(const auto jwt, codec::json_string(from, "auth_jwt"));
  if (jwt) settings.jwt = *jwt;
  TRY(const auto seed, codec::json_string(from, "auth_seed"));
  if (seed) settings.seed = *seed;
  TRY(const auto ping, codec::json_uint(from, "ping_interval_sec"));
  if (ping && (*ping == 0 || *ping > kPingSecondsMax))
    return bad(fmt::format("ping_interval_sec must be 1 to {}", kPingSecondsMax));
  if (ping) settings.ping_interval = std::chrono::seconds(*ping);
  return {};
}

Result<void> check_credentials(const Settings& settings) {
  if (settings.jwt.empty() != settings.seed.empty())
    return bad(fmt::format("CLIENT_JWT and CLIENT_SEED belong together; {} is missing",
                           settings.jwt.empty() ? "CLIENT_JWT" : "CLIENT_SEED"));
  if (settings.seed.empty()) return {};
  if (!claims::KeyPair::from_seed(settings.seed))
    return bad("CLIENT_SEED is not a seed (SU… and 56 more letters and digits)");
  return {};
}

bool covers_invocation_events(std::string_view pattern) {
  return pattern == ">" || pattern == "wasmbus.>" || pattern.starts_with("wasmbus.rpcevt.") ||
         pattern.starts_with("*.");
}

// Whether a pattern matches a subject: '*' is one token, '>' at the end all that follow.
bool covers(std::string_view pattern, std::string_view subject) {
  while (true) {
    if (pattern == ">") return !subject.empty();
    const auto end = pattern.find('.'), subject_end = subject.find('.');
    const auto token = pattern.substr(0, end);
    if (token != "*" && token != subject.substr(0, subject_end)) return false;
    const bool last = end == std::string_view::npos;
    if (last || subject_end == std::string_view::npos)
      return last && subject_end == std::string_view::npos;
    pattern.remove_prefix(end + 1);
    subject.remove_prefix(subject_end + 1);
  }
}

}  // namespace

bool asks_for_known_links(std::string_view subject,
                          const std::vector<Subscription>& subscriptions) {
  constexpr std::string_view kBefore = "wasmbus.ctl.", kAfter = ".get.links";
  if (!subject.starts_with(kBefore) || !subject.ends_with(kAfter) ||
      subject.size() <= kBefore.size() + kAfter.size())
    return false;
  const auto prefix =
      subject.substr(kBefore.size(), subject.size() - kBefore.size() - kAfter.size());
  if (!lattice::valid_token(prefix)) return false;
  const auto events = fmt::format("wasmbus.evt.{}", prefix);
  return std::any_of(subscriptions.begin(), subscriptions.end(),
                     [&](const auto& each) { return covers(each.subject, events); });
}

bool is_lattice_subject(std::string_view subject) {
  return subject.starts_with("wasmbus.") || subject.starts_with("lc.");
}

Result<Settings> parse_settings(const json::object& defaults, const lattice::Link& link) {
  TRY(const auto values, capability::LinkValues::read(link));
  Settings settings;
  Texts texts;
  TRY_OK(merge(defaults, settings, texts));
  TRY_OK(merge(values.config(), settings, texts));
  if (const auto* text = values.find("subscription")) {
    for (auto& one : capability::comma_list(*text)) texts.subscriptions.push_back(std::move(one));
  }
  if (const auto* text = values.find("uri")) texts.servers = capability::comma_list(*text);
  if (const auto* jwt = values.find("client_jwt")) settings.jwt = *jwt;
  if (const auto* seed = values.find("client_seed")) settings.seed = *seed;
  if (const auto* lattice = values.find("lattice")) {
    if (*lattice != "allow") return bad("LATTICE can only be 'allow'");
    settings.lattice_subjects = true;
  }
  for (const auto& text : texts.subscriptions) {
    TRY(auto subscription, parse_subscription(text));
    auto& all = settings.subscriptions;
    if (std::find(all.begin(), all.end(), subscription) == all.end())
      all.push_back(std::move(subscription));
  }
  if (settings.subscriptions.size() > limits::kMessagingSubscriptionsMax)
    return bad(
        fmt::format("SUBSCRIPTION: a link may have {} subscriptions, not {}; one with * or > "
                    "stands for many",
                    limits::kMessagingSubscriptionsMax, settings.subscriptions.size()));
  for (const auto& text : texts.servers) {
    TRY(auto server, parse_server(text));
    settings.servers.push_back(std::move(server));
  }
  TRY_OK(check_credentials(settings));
  return settings;
}

std::string oddities_of(const Settings& settings, const lattice::Link& link) {
  auto warning = capability::warning_about_unknown(
      link, {kKeys[0], kKeys[1], kKeys[2], kKeys[3], kKeys[4], kKeys[5], kKeys[6]});
  for (const auto& [subject, queue] : settings.subscriptions) {
    if (!warning.empty() || !covers_invocation_events(subject)) continue;
    warning = fmt::format(
        "subscription '{}' covers wasmbus.rpcevt: each message that is handled is an "
        "invocation, whose event is a message again, without end",
        subject);
  }
  return warning;
}

}  // namespace trellis::messaging
