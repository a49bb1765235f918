// cosmonic:kubernetes_applier: objects in the Kubernetes cluster of the link. docs/applier.md.
//   auto done = KubernetesApplier().apply(manifests);   // YAML or JSON, one or several
//   if (!done) …the call failed…   if (!done->succeeded) …the cluster refused: done->error…
// repair() and list() are not in the contract of 2022: a provider of that time answers with an
// error for which not_known() is true.
#pragma once

#include <string>
#include <string_view>

#include "trellis/host_call.h"

namespace trellis::sdk {

struct KubernetesResponse {
  bool succeeded = false;
  std::string error;
  std::string objects;  // of list(): a JSON array
};

struct KubernetesObject {
  std::string_view group{};  // "": the core group
  std::string_view version{}, kind{};
  std::string_view name{};        // not for list()
  std::string_view namespace_{};  // "": that of the link
};

class KubernetesApplier {
 public:
  explicit KubernetesApplier(std::string_view link_name = "default") : link_(link_name) {}

  Result<KubernetesResponse> apply(std::string_view manifests) const {
    return call("KubernetesApplier.Apply", blob(manifests));
  }
  // The same for what is there already, over what others have changed since.
  Result<KubernetesResponse> repair(std::string_view manifests) const {
    return call("KubernetesApplier.Repair", blob(manifests));
  }
  Result<KubernetesResponse> remove(const KubernetesObject& object) const {
    return call("KubernetesApplier.Delete", query(object, "name", object.name));
  }
  // Of those that this provider applied for the release it belongs to.
  Result<KubernetesResponse> list(const KubernetesObject& of,
                                  std::string_view label_selector = "") const {
    return call("KubernetesApplier.List", query(of, "label_selector", label_selector));
  }

  static bool not_known(const Error& error) {
    return error.text.find("method not handled") != std::string::npos;
  }

 private:
  // As the array of integers that providers of 2022 read; text costs the same as in a bin.
  static Bytes blob(std::string_view text) {
    Bytes payload;
    payload.reserve(text.size() + 8);
    MsgpackWriter writer(payload);
    writer.array(text.size());
    for (const char c : text) writer.uint(static_cast<unsigned char>(c));
    return payload;
  }
  static Bytes query(const KubernetesObject& object, std::string_view last,
                     std::string_view last_value) {
    Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(object.namespace_.empty() ? 4 : 5);
    const auto member = [&](std::string_view name, std::string_view value) {
      writer.str(name);
      writer.str(value);
    };
    member("group", object.group);
    member("kind", object.kind);
    member(last, last_value);
    if (!object.namespace_.empty()) member("namespace", object.namespace_);
    member("version", object.version);
    return payload;
  }
  Result<KubernetesResponse> call(std::string_view operation, const Bytes& payload) const {
    return typed_call(link_, kContract, operation, payload, [](MsgpackReader& reader) {
      constexpr std::string_view kNames[] = {"error", "succeeded", "objects"};
      KubernetesResponse response;
      read_struct(reader, kNames, [&](std::string_view name) {
        if (name == "succeeded") {
          response.succeeded = reader.boolean();
        } else if (name == "error") {
          response.error = std::string(reader.text());
        } else if (name == "objects") {
          response.objects = std::string(as_text(reader.view()));
        } else {
          return false;
        }
        return true;
      });
      return response;
    });
  }

  static constexpr std::string_view kContract = "cosmonic:kubernetes_applier";
  std::string link_;
};

}  // namespace trellis::sdk
