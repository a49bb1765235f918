// Kubeconfig files as kubectl reads them, config_b64 with the rules of 2022, and what a pod finds
// in itself. All of them wait for disks: for a thread of an Offload. The texts of errors are those
// of 2022 (docs/applier.md), followed by the reason.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kubernetes/access.h"

namespace trellis::kubernetes {

Result<Access> access_from_file(const std::string& path);

// One document that holds its certificates and keys; paths are refused.
Result<Access> access_from_base64(std::string_view text);

// KUBECONFIG, else ~/.kube/config if it is there, else the pod's service account.
Result<Access> access_inferred(const Environment& environment);

}  // namespace trellis::kubernetes
