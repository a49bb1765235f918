#include "capability/kubernetes_contract.h"

#include <fmt/format.h>

#include "capability/struct_reader.h"
#include "codec/msgpack.h"

namespace trellis::capability {
namespace {

tl::unexpected<Error> not_a(std::string_view type, const Error& error) {
  return fail(Errc::invalid, "kubernetes.call",
              fmt::format("deserialization: '{}': {}", type, error.detail));
}

template <std::size_t N>
Result<KubernetesQuery> decode(BytesView payload, std::string_view type,
                               const std::string_view (&names)[N],
                               std::string_view KubernetesQuery::* const (&members)[N]) {
  KubernetesQuery query;
  codec::MsgpackReader in(payload);
  const auto read = read_struct(in, names, [&](std::size_t member) -> Result<void> {
    TRY(query.*members[member], in.text());
    return {};
  });
  if (!read) return not_a(type, read.error());
  return query;
}

void write_outcome(codec::MsgpackWriter& out, std::string_view error) {
  out.str("succeeded");
  out.boolean(error.empty());
  if (error.empty()) return;
  out.str("error");
  out.str(error);
}

}  // namespace

Result<BytesView> decode_manifests(BytesView payload, Bytes& storage) {
  codec::MsgpackReader in(payload);
  const auto blob = read_bytes(in, storage);
  if (!blob) return not_a("Blob", blob.error());
  return *blob;
}

Result<KubernetesQuery> decode_delete_request(BytesView payload) {
  constexpr std::string_view kNames[] = {"group", "kind", "name", "namespace", "version"};
  constexpr std::string_view KubernetesQuery::* kMembers[] = {
      &KubernetesQuery::group, &KubernetesQuery::kind, &KubernetesQuery::name,
      &KubernetesQuery::namespace_, &KubernetesQuery::version};
  return decode(payload, "DeleteRequest", kNames, kMembers);
}

Result<KubernetesQuery> decode_list_request(BytesView payload) {
  constexpr std::string_view kNames[] = {"group", "kind", "label_selector", "namespace", "version"};
  constexpr std::string_view KubernetesQuery::* kMembers[] = {
      &KubernetesQuery::group, &KubernetesQuery::kind, &KubernetesQuery::label_selector,
      &KubernetesQuery::namespace_, &KubernetesQuery::version};
  return decode(payload, "ListRequest", kNames, kMembers);
}

Bytes encode_operation_response(std::string_view error) {
  Bytes bytes;
  codec::MsgpackWriter out(bytes);
  out.map(error.empty() ? 1 : 2);
  write_outcome(out, error);
  return bytes;
}

Bytes encode_list_response(std::string_view error, std::string_view objects) {
  Bytes bytes;
  bytes.reserve(objects.size() + error.size() + 40);
  codec::MsgpackWriter out(bytes);
  out.map(error.empty() ? 2 : 3);
  write_outcome(out, error);
  out.str("objects");
  out.bin(as_bytes(objects));
  return bytes;
}

}  // namespace trellis::capability
