#include "lattice/invocation.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include <boost/json/object.hpp>

#include "base/unix_time.h"
#include "claims/jwt.h"
#include "claims/sha256.h"
#include "codec/cloud_event.h"
#include "codec/msgpack.h"

namespace trellis::lattice {

namespace {

constexpr const char* kSite = "lattice.invocation.decode";

void append_url_part(std::string& url, std::string_view part, bool colon_is_slash) {
  for (const char c : part) {
    if (c == ' ')
      url += '_';
    else if (c == ':' && colon_is_slash)
      url += '/';
    else
      url += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
}

void write_text(codec::MsgpackWriter& writer, std::string_view key, std::string_view value) {
  writer.str(key);
  writer.str(value);
}

void write_entity(codec::MsgpackWriter& writer, std::string_view key, const Entity& entity) {
  writer.str(key);
  writer.map(3);
  write_text(writer, "public_key", entity.public_key);
  write_text(writer, "link_name", entity.link_name);
  write_text(writer, "contract_id", entity.contract_id);
}

Result<std::string> read_text(codec::MsgpackReader& reader) {
  TRY(const auto text, reader.text());
  return std::string(text);
}

Result<std::string> read_text_or_nil(codec::MsgpackReader& reader) {
  TRY(const bool nil, reader.try_nil());
  if (nil) return std::string();
  return read_text(reader);
}

Result<std::optional<std::uint64_t>> read_length(codec::MsgpackReader& reader) {
  TRY(const bool nil, reader.try_nil());
  if (nil) return std::nullopt;
  TRY(const auto length, reader.uint());
  return length;
}

Result<Entity> read_entity(codec::MsgpackReader& reader) {
  Entity entity;
  bool has_key = false;
  TRY(const auto pairs, reader.map());
  for (std::size_t i = 0; i < pairs; ++i) {
    TRY(const auto key, reader.text());
    if (key == "public_key") {
      TRY(entity.public_key, read_text(reader));
      has_key = true;
    } else if (key == "link_name") {
      TRY(entity.link_name, read_text_or_nil(reader));
    } else if (key == "contract_id") {
      TRY(entity.contract_id, read_text_or_nil(reader));
    } else {
      TRY_OK(reader.skip());
    }
  }
  if (!has_key) return fail(Errc::invalid, kSite, "an entity of the invocation has no public_key");
  return entity;
}

Result<void> read_field(codec::MsgpackReader& reader, std::string_view key, Invocation& into) {
  if (key == "origin") {
    TRY(into.origin, read_entity(reader));
  } else if (key == "target") {
    TRY(into.target, read_entity(reader));
  } else if (key == "operation") {
    TRY(into.operation, read_text(reader));
  } else if (key == "msg") {
    TRY(into.msg, reader.bytes());
  } else if (key == "id") {
    TRY(into.id, read_text(reader));
  } else if (key == "encoded_claims") {
    TRY(into.encoded_claims, read_text(reader));
  } else if (key == "host_id") {
    TRY(into.host_id, read_text(reader));
  } else if (key == "content_length") {
    TRY(into.content_length, read_length(reader));
  } else if (key == "trellis_depth") {
    TRY(const auto depth, reader.uint());
    into.depth = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(depth, std::numeric_limits<std::uint32_t>::max()));
  } else if (key == "trellis_time_left_ms") {
    TRY(into.time_left_ms, read_length(reader));
  } else if (key == "trellis_sealed_at") {
    TRY(into.sealed_at, reader.uint());
  } else if (key == "trellis_sealed_by") {
    TRY(into.sealed_by, reader.uint());
  } else if (key == "trellis_sequence") {
    TRY(into.sequence, reader.uint());
  } else if (key == "trellis_seal") {
    TRY(into.seal, reader.bytes());
  } else {
    TRY_OK(reader.skip());
  }
  return {};
}

// Bit of each key that must be there; 0 for the others.
unsigned required_bit(std::string_view key) {
  constexpr std::string_view keys[] = {"origin", "target",         "operation", "msg",
                                       "id",     "encoded_claims", "host_id"};
  for (unsigned i = 0; i < std::size(keys); ++i)
    if (key == keys[i]) return 1u << i;
  return 0;
}
constexpr unsigned kAllRequired = (1u << 7) - 1;

}  // namespace

std::string Entity::url() const {
  std::string url = "wasmbus://";
  if (!public_key.empty() && (public_key[0] == 'M' || public_key[0] == 'm'))
    return url + public_key;
  append_url_part(url, contract_id, true);
  url += '/';
  append_url_part(url, link_name, false);
  url += '/';
  return url + public_key;
}

Bytes encode(const Invocation& invocation) { return encode(invocation, invocation.msg); }

Bytes encode(const Invocation& invocation, BytesView msg) {
  Bytes out;
  out.reserve(msg.size() + invocation.encoded_claims.size() + 768);
  codec::MsgpackWriter writer(out);
  const bool sealed = !invocation.seal.empty();
  writer.map(7u + invocation.content_length.has_value() + (invocation.depth > 0) +
             invocation.time_left_ms.has_value() + (sealed ? 4u : 0u));
  write_entity(writer, "origin", invocation.origin);
  write_entity(writer, "target", invocation.target);
  write_text(writer, "operation", invocation.operation);
  writer.str("msg");
  writer.bin(msg);
  write_text(writer, "id", invocation.id);
  write_text(writer, "encoded_claims", invocation.encoded_claims);
  write_text(writer, "host_id", invocation.host_id);
  if (invocation.content_length) {
    writer.str("content_length");
    writer.uint(*invocation.content_length);
  }
  const auto number = [&](std::string_view key, std::uint64_t value) {
    writer.str(key);
    writer.uint(value);
  };
  if (invocation.depth > 0) number("trellis_depth", invocation.depth);
  if (invocation.time_left_ms) number("trellis_time_left_ms", *invocation.time_left_ms);
  if (sealed) {
    number("trellis_sealed_at", invocation.sealed_at);
    number("trellis_sealed_by", invocation.sealed_by);
    number("trellis_sequence", invocation.sequence);
    writer.str("trellis_seal");
    writer.bin(invocation.seal);
  }
  return out;
}

Result<Invocation> decode_invocation(BytesView bytes) {
  codec::MsgpackReader reader(bytes);
  Invocation invocation;
  unsigned seen = 0;
  TRY(const auto pairs, reader.map());
  for (std::size_t i = 0; i < pairs; ++i) {
    TRY(const auto key, reader.text());
    seen |= required_bit(key);
    TRY_OK(read_field(reader, key, invocation));
  }
  if (seen != kAllRequired)
    return fail(
        Errc::invalid, kSite,
        "an invocation needs origin, target, operation, msg, id, encoded_claims and host_id");
  return invocation;
}

Bytes encode(const InvocationResponse& response) {
  Bytes out;
  out.reserve(response.msg.size() + 192);
  codec::MsgpackWriter writer(out);
  writer.map(2u + response.content_length.has_value() + response.error.has_value() +
             !response.instance_id.empty());
  writer.str("msg");
  writer.bin(response.msg);
  write_text(writer, "invocation_id", response.invocation_id);
  if (response.error) write_text(writer, "error", *response.error);
  if (response.content_length) {
    writer.str("content_length");
    writer.uint(*response.content_length);
  }
  if (!response.instance_id.empty()) write_text(writer, "instance_id", response.instance_id);
  return out;
}

Result<InvocationResponse> decode_invocation_response(BytesView bytes) {
  codec::MsgpackReader reader(bytes);
  InvocationResponse response;
  bool has_msg = false;
  TRY(const auto pairs, reader.map());
  for (std::size_t i = 0; i < pairs; ++i) {
    TRY(const auto key, reader.text());
    if (key == "msg") {
      TRY(response.msg, reader.bytes());
      has_msg = true;
    } else if (key == "invocation_id") {
      TRY(response.invocation_id, read_text_or_nil(reader));
    } else if (key == "error") {
      TRY(const bool nil, reader.try_nil());
      if (!nil) {
        TRY(response.error, read_text(reader));
      }
    } else if (key == "content_length") {
      TRY(response.content_length, read_length(reader));
    } else if (key == "instance_id") {
      TRY(response.instance_id, read_text_or_nil(reader));
    } else {
      TRY_OK(reader.skip());
    }
  }
  if (!has_msg && !response.error)
    return fail(Errc::invalid, kSite, "an invocation response needs msg or error");
  return response;
}

std::string invocation_hash(const Invocation& invocation) {
  // Piece by piece: the body may be megabytes and is not copied for this.
  claims::Sha256 hash;
  hash.add(as_bytes(invocation.origin.url()));
  hash.add(as_bytes(invocation.target.url()));
  hash.add(as_bytes("/"));
  hash.add(as_bytes(invocation.operation));
  hash.add(as_bytes(invocation.operation));
  hash.add(invocation.msg);
  return hash.hex_upper();
}

void sign(Invocation& invocation, const claims::KeyPair& cluster, std::string_view host_id) {
  sign(invocation, cluster, host_id, {claims::new_jti(), now_unix()});
}

void sign(Invocation& invocation, const claims::KeyPair& cluster, std::string_view host_id,
          TokenIdentity token) {
  if (invocation.id.empty()) invocation.id = codec::uuid4();
  invocation.host_id = host_id;
  invocation.content_length = invocation.msg.size();
  claims::Jwt jwt;
  jwt.jti = std::move(token.jti);
  jwt.iat = token.iat;
  jwt.sub = invocation.id;
  jwt.wascap = {{"target_url", invocation.target.url() + "/" + invocation.operation},
                {"origin_url", invocation.origin.url()},
                {"hash", invocation_hash(invocation)}};
  invocation.encoded_claims = claims::sign_jwt(jwt, cluster);
}

}  // namespace trellis::lattice
