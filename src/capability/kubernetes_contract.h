// The cosmonic:kubernetes_applier contract as bytes: manifests to apply, objects to delete, and, of
// our own, objects to list. Pure. Format: docs/applier.md; that of 2022 is apply and delete.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::capability {

inline constexpr std::string_view kKubernetesContract = "cosmonic:kubernetes_applier";
inline constexpr std::string_view kApply = "KubernetesApplier.Apply";
inline constexpr std::string_view kDelete = "KubernetesApplier.Delete";
// Not of 2022:
inline constexpr std::string_view kRepair = "KubernetesApplier.Repair";
inline constexpr std::string_view kList = "KubernetesApplier.List";

// Views into the payload. DeleteRequest is the first four.
struct KubernetesQuery {
  std::string_view group;  // "": the core group
  std::string_view version, kind, name;
  std::string_view namespace_;      // "": the link's
  std::string_view label_selector;  // of List
};

// A blob alone: as bin, or as the array of integers that the callers of 2022 sent. `storage` holds
// the latter.
Result<BytesView> decode_manifests(BytesView payload, Bytes& storage);
Result<KubernetesQuery> decode_delete_request(BytesView payload);
Result<KubernetesQuery> decode_list_request(BytesView payload);

// OperationResponse; an error that is "" is none.
Bytes encode_operation_response(std::string_view error);
// The same with `objects`, a JSON array.
Bytes encode_list_response(std::string_view error, std::string_view objects);

}  // namespace trellis::capability
