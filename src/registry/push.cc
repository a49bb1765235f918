#include "registry/push.h"

#include <fmt/format.h>

#include "artifact/digest.h"
#include "artifact/manifest.h"
#include "artifact/media_types.h"

namespace trellis::registry {
namespace {

using artifact::Descriptor;

// Where the registry wants the blob, with its digest added.
Result<std::string> upload_url(Session& session, const std::string& digest) {
  TRY(const auto response, session.ask({.method = "POST", .path = "blobs/uploads/"}));
  if (response.status != 202 || response.location.empty()) {
    return fail(session.refusal(response, "an upload to " + session.endpoint().repository));
  }
  TRY(const auto url, resolve(*session.url_of("blobs/uploads/"), response.location));
  return fmt::format("{}{}digest={}", url.text(),
                     url.rest.find('?') == std::string::npos ? "?" : "&", percent_encoded(digest));
}

Result<void> upload(Session& session, const Descriptor& blob, BytesView bytes) {
  TRY(const auto url, upload_url(session, blob.digest));
  TRY(const auto response, session.ask({.method = "PUT",
                                        .path = url,
                                        .headers = {"Content-Type: application/octet-stream"},
                                        .body = bytes,
                                        .repeatable = false}));
  if (response.status == 201 || response.status == 204) return {};
  return fail(session.refusal(response, "an upload to " + session.endpoint().repository));
}

Result<Descriptor> push_blob(Session& session, const std::string& media_type, BytesView bytes) {
  Descriptor blob{media_type, artifact::digest_of(bytes), bytes.size()};
  TRY(const auto there, session.ask({.method = "HEAD", .path = "blobs/" + blob.digest}));
  if (there.ok()) return blob;
  // An upload that broke off holds a part of the blob: the next try is a new upload.
  for (int tried = 1;; ++tried) {
    auto done = upload(session, blob, bytes);
    if (done) return blob;
    if (done.error().code != Errc::unavailable || tried >= limits::kRegistryTries) {
      return fail(std::move(done).error());
    }
  }
}

}  // namespace

Result<std::string> push(Session& session, const std::string& tag, const Push& what) {
  artifact::Manifest manifest;
  manifest.annotations = what.annotations;
  TRY(manifest.config, push_blob(session, what.config_type, what.config));
  TRY(auto layer, push_blob(session, what.layer_type, what.artifact));
  manifest.layers.push_back(std::move(layer));
  const auto text = artifact::write_manifest(manifest);
  auto digest = artifact::digest_of(as_bytes(text));
  TRY(const auto response,
      session.ask({.method = "PUT",
                   .path = "manifests/" + tag,
                   .headers = {fmt::format("Content-Type: {}", artifact::kOciManifest)},
                   .body = as_bytes(text)}));
  if (response.status != 201) {
    return fail(session.refusal(
        response, fmt::format("a push to {}:{}", session.endpoint().repository, tag)));
  }
  if (!response.digest.empty() && response.digest != digest) {
    return fail(Errc::corrupt, "registry.digest",
                fmt::format("{} keeps another manifest than was pushed: {} instead of {}",
                            session.endpoint().name, response.digest, digest));
  }
  return digest;
}

}  // namespace trellis::registry
