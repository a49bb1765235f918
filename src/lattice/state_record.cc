#include "lattice/state_record.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::lattice {

namespace {

namespace json = boost::json;

constexpr const char* kSite = "lattice.state.record";
constexpr std::string_view kLinkKey = "LINKDEF_", kClaimsKey = "CLAIMS_", kReferenceKey = "REFMAP_";
constexpr std::string_view kLinks = "linkdefs.", kClaims = "claims.", kReferences = "refmap.";

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

std::string token_of(const Reference& reference) {
  return codec::base64_encode(as_bytes(reference.reference), codec::Base64::url);
}

json::object to_json(const Reference& reference) {
  return {{"oci_url", reference.reference}, {"public_key", reference.public_key}};
}

Result<StateRecord> reference_from_json(const json::object& object) {
  TRY(auto reference, codec::json_string(object, "oci_url"));
  TRY(auto key, codec::json_string(object, "public_key"));
  if (!reference || !key)
    return fail(Errc::invalid, kSite, "a reference needs \"oci_url\" and \"public_key\"");
  return Reference{*std::move(reference), *std::move(key)};
}

Result<StateRecord> claims_from_json(const json::object& object) {
  TRY(auto claims, ClaimsRecord::from_json(object));
  return claims;
}

Result<json::object> parse_object(std::string_view text) {
  TRY(auto value, codec::json_parse(text));
  if (!value.is_object()) return fail(Errc::invalid, kSite, "it is not a JSON object");
  return std::move(value.get_object());
}

Message link_message(const Link& link, bool deleted, const Subjects& subjects, std::string id) {
  if (id.empty()) id = link.id();
  auto object = to_json(link);
  object["id"] = id;
  object["deleted"] = deleted;
  return {
      subjects.cache(fmt::format("{}{}", kLinks, id)), "", {}, to_bytes(codec::json_write(object))};
}

// A deletion may leave out all but what names the link.
Result<StateRecord> link_from_message(const json::object& object) {
  TRY(const auto deleted, codec::json_bool(object, "deleted"));
  if (deleted.value_or(false)) {
    if (auto whole = link_from_json(object, kSite)) return DeletedLink{*std::move(whole)};
    TRY(auto named, link_key_from_json(object, kSite));
    return DeletedLink{std::move(named)};
  }
  TRY(auto link, link_from_json(object, kSite));
  return link;
}

}  // namespace

Link named_link(std::string actor_id, std::string contract_id, std::string link_name) {
  Link link;
  link.actor_id = std::move(actor_id);
  link.contract_id = std::move(contract_id);
  link.link_name = std::move(link_name);
  return link;
}

std::string key_of(const StateRecord& record) {
  const auto key = [](std::string_view kind, std::string_view name) {
    return fmt::format("{}{}", kind, name);
  };
  return std::visit(
      Overloaded{
          [&](const Link& link) { return key(kLinkKey, link.id()); },
          [&](const DeletedLink& deleted) { return key(kLinkKey, deleted.link.id()); },
          [&](const ClaimsRecord& claims) { return key(kClaimsKey, claims.subject); },
          [&](const Reference& reference) { return key(kReferenceKey, token_of(reference)); },
      },
      record);
}

JournalRecord to_journal(const StateRecord& record) {
  auto value =
      std::visit(Overloaded{
                     [](const DeletedLink&) -> std::optional<std::string> { return std::nullopt; },
                     [](const ClaimsRecord& claims) -> std::optional<std::string> {
                       return codec::json_write(claims.to_json());
                     },
                     [](const auto& other) -> std::optional<std::string> {
                       return codec::json_write(to_json(other));
                     },
                 },
                 record);
  return {key_of(record), std::move(value)};
}

Result<StateRecord> from_journal(const JournalRecord& record) {
  TRY(const auto object, parse_object(record.value.value_or("")));
  if (record.key.starts_with(kLinkKey)) {
    TRY(auto link, link_from_json(object, kSite));
    return link;
  }
  if (record.key.starts_with(kClaimsKey)) return claims_from_json(object);
  if (record.key.starts_with(kReferenceKey)) return reference_from_json(object);
  return fail(Errc::corrupt, kSite, "unknown record " + record.key);
}

Message to_message(const StateRecord& record, const Subjects& subjects, std::string link_id) {
  const auto message = [&](std::string_view kind, std::string_view name, const json::object& body) {
    return Message{
        subjects.cache(fmt::format("{}{}", kind, name)), "", {}, to_bytes(codec::json_write(body))};
  };
  return std::visit(
      Overloaded{
          [&](const Link& link) { return link_message(link, false, subjects, std::move(link_id)); },
          [&](const DeletedLink& deleted) {
            return link_message(deleted.link, true, subjects, std::move(link_id));
          },
          [&](const ClaimsRecord& claims) {
            return message(kClaims, claims.subject, claims.to_json());
          },
          [&](const Reference& reference) {
            return message(kReferences, token_of(reference), to_json(reference));
          },
      },
      record);
}

Result<HeardRecord> from_message(const Message& message, const Subjects& subjects) {
  std::string_view tail = message.subject;
  const auto root = subjects.cache("");
  if (!tail.starts_with(root)) return fail(Errc::invalid, kSite, "it is not of this lattice");
  tail.remove_prefix(root.size());
  TRY(const auto object, parse_object(as_text(message.data)));
  if (tail.starts_with(kLinks)) {
    TRY(auto link, link_from_message(object));
    return HeardRecord{std::move(link), std::string(tail.substr(kLinks.size()))};
  }
  if (tail.starts_with(kClaims)) {
    TRY(auto claims, claims_from_json(object));
    return HeardRecord{std::move(claims), {}};
  }
  if (tail.starts_with(kReferences)) {
    TRY(auto reference, reference_from_json(object));
    return HeardRecord{std::move(reference), {}};
  }
  return fail(Errc::invalid, kSite, "records of this kind are not known");
}

}  // namespace trellis::lattice
