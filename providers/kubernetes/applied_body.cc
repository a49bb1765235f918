#include "kubernetes/applied_body.h"

#include <string>
#include <string_view>

#include "kubernetes/ownership.h"

namespace trellis::kubernetes {

namespace json = boost::json;

void strip(json::object& object) {
  object.erase("status");
  auto* metadata = object["metadata"].if_object();
  if (metadata == nullptr) return;
  for (const auto* key :
       {"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"})
    metadata->erase(key);
}

void name_the_one_there(json::object& object, const json::object& there) {
  const auto* metadata = member(there, "metadata");
  const auto uid = metadata == nullptr ? std::string_view() : text(*metadata, "uid");
  if (!uid.empty()) object["metadata"].get_object()["uid"] = std::string(uid);
}

bool was_replaced(const Error& error) {
  for (const auto* words : {"metadata.uid: Invalid value", "uid mismatch"})
    if (error.detail.find(words) != std::string::npos) return true;
  return false;
}

void sign_if_empty(json::object& object) {
  for (const auto& [key, value] : object)
    if (key != "apiVersion" && key != "kind" && key != "metadata") return;
  auto& metadata = object["metadata"].get_object();
  for (const auto& [key, value] : metadata)
    if (key != "name" && key != "namespace") return;
  metadata["annotations"] = json::object{{"wasmcloud.dev/applied-by", kFieldManager}};
}

}  // namespace trellis::kubernetes
