#include "host/policy_message.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "codec/json.h"
#include "codec/utf8.h"

namespace trellis::host {
namespace {

namespace json = boost::json;

constexpr std::size_t kMessageBytesMax = 1'000;
constexpr std::uint64_t kStartExpiresAfter = 60;  // seconds; 2022 gave every start a fresh one

json::object to_json(const PolicyHost& host) {
  json::object labels;
  for (const auto& [name, value] : host.labels) labels[name] = value;
  json::array issuers;
  for (const auto& issuer : host.cluster_issuers) issuers.emplace_back(issuer);
  return {{"publicKey", host.public_key},
          {"issuer", host.issuer},
          {"latticeId", host.lattice},
          {"labels", std::move(labels)},
          {"clusterIssuers", std::move(issuers)}};
}

std::string question(const std::string& request_id, std::string_view action, json::object source,
                     json::object target, const PolicyHost& host) {
  return codec::json_write(json::object{{"requestId", request_id},
                                        {"action", action},
                                        {"source", std::move(source)},
                                        {"target", std::move(target)},
                                        {"host", to_json(host)}});
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value() : json::value(text);
}

// `permitted` and `message`, which questions and changes have alike.
Result<PolicyDecision> decision_in(const json::object& object, const char* site) {
  TRY(const auto permitted, codec::json_bool(object, "permitted"));
  TRY(const auto message, codec::json_string(object, "message"));
  if (!permitted) return fail(Errc::invalid, site, "it has no `permitted`");
  if (!*permitted) return denied(message.value_or(""));
  return PolicyDecision{
      .permitted = true,
      .message = codec::utf8_lossy(message.value_or("").substr(0, kMessageBytesMax))};
}

}  // namespace

PolicyDecision denied(std::string message) {
  if (message.empty()) message = "reason not specified";
  if (message.size() > kMessageBytesMax)
    message = codec::utf8_lossy(std::string_view(message).substr(0, kMessageBytesMax));
  return {.permitted = false, .message = std::move(message)};
}

std::string start_question(const std::string& request_id, const PolicyStart& start,
                           const PolicyHost& host, std::uint64_t now_unix) {
  return question(request_id, start.provider ? "start_provider" : "start_actor",
                  {{"publicKey", ""},
                   {"contractId", ""},
                   {"linkName", ""},
                   {"capabilities", json::array()},
                   {"issuer", ""},
                   {"issuedOn", ""},
                   {"expiresAt", now_unix + kStartExpiresAfter},
                   {"expired", false}},
                  {{"publicKey", start.public_key},
                   {"issuer", start.issuer},
                   {"contractId", text_or_null(start.contract_id)},
                   {"linkName", text_or_null(start.link_name)}},
                  host);
}

std::string call_question(const std::string& request_id, const PolicyCall& call,
                          const PolicyHost& host) {
  return question(request_id, "perform_invocation",
                  {{"publicKey", call.source.public_key},
                   {"contractId", call.source.contract_id},
                   {"linkName", call.source.link_name},
                   {"capabilities", call.source_capabilities},
                   {"issuer", call.source_issuer},
                   {"issuedOn", nullptr},
                   {"expiresAt", nullptr},
                   {"expired", false}},
                  {{"publicKey", call.target_key},
                   {"issuer", call.target_issuer},
                   {"contractId", ""},
                   {"linkName", ""}},
                  host);
}

Result<PolicyDecision> parse_decision(std::string_view body) {
  constexpr const char* kSite = "host.policy.answer";
  const auto value = codec::json_parse(body);
  const auto* object = value ? value->if_object() : nullptr;
  if (object != nullptr) {
    if (auto decision = decision_in(*object, kSite)) return decision;
  }
  return fail(Errc::invalid, kSite, "Policy response failed to decode");
}

Result<PolicyChange> parse_change(std::string_view body) {
  constexpr const char* kSite = "host.policy.change";
  TRY(const auto value, codec::json_parse(body));
  const auto* object = value.if_object();
  if (object == nullptr) return fail(Errc::invalid, kSite, "it is not a JSON object");
  TRY(const auto request_id, codec::json_string(*object, "request_id"));
  if (!request_id) return fail(Errc::invalid, kSite, "it has no `request_id`");
  TRY(auto decision, decision_in(*object, kSite));
  return PolicyChange{.request_id = *request_id, .decision = std::move(decision)};
}

}  // namespace trellis::host
