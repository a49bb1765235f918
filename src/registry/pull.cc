#include "registry/pull.h"

#include <fmt/format.h>

#include <memory>

#include "artifact/digest.h"
#include "artifact/media_types.h"

namespace trellis::registry {
namespace {

using artifact::Descriptor;

// In the order in which one is wanted. docs/protocol.md §4.6.
std::string accept() {
  return fmt::format("Accept: {}, {}, {}, {}", artifact::kOciManifest, artifact::kOciIndex,
                     artifact::kDockerManifest, artifact::kDockerIndex);
}

tl::unexpected<Error> corrupt(std::string why) {
  return fail(Errc::corrupt, "registry.digest", std::move(why));
}

// What one try puts behind what is there already; another try starts where this one did.
struct Part {
  Bytes& into;
  const std::size_t start = into.size();
  artifact::Digester digester = {};

  void restart() {
    into.resize(start);
    digester = artifact::Digester();
  }
  std::size_t size() const { return into.size() - start; }
  void add(BytesView piece) {
    append(into, piece);
    digester.add(piece);
  }
};

// Fetches the manifest `name` (a tag or a digest) with at most `bytes_max` bytes.
Result<Found> find_manifest(Session& session, const std::string& name, const std::string& wanted,
                            std::size_t bytes_max) {
  Found found;
  Part part{found.text};
  Session::Request request{.path = "manifests/" + name, .headers = {accept()}};
  request.receiver = [&]() -> Receiver {
    part.restart();
    return [&](BytesView piece) -> Result<void> {
      if (piece.size() > bytes_max - part.size()) {
        return fail(Errc::invalid, "registry.size",
                    fmt::format("{} sent more than {} bytes as the manifest of {}",
                                session.endpoint().name, bytes_max, wanted));
      }
      part.add(piece);
      return {};
    };
  };
  TRY(const auto response, session.ask(request));
  if (!response.ok()) {
    return fail(
        session.refusal(response, fmt::format("{}{}{}", session.endpoint().repository,
                                              artifact::is_digest(name) ? "@" : ":", name)));
  }
  found.digest = part.digester.digest();
  const auto& promised = artifact::is_digest(name) ? name : response.digest;
  if (artifact::is_digest(promised) && promised != found.digest) {
    return corrupt(fmt::format("{} sent a manifest of {} that does not have the digest {} but {}",
                               session.endpoint().name, wanted, promised, found.digest));
  }
  auto document = artifact::parse_document(as_text(found.text));
  if (!document) {
    return fail(document.error().code, document.error().site,
                fmt::format("{} sent a manifest of {} that cannot be used: {}",
                            session.endpoint().name, wanted, document.error().detail));
  }
  found.document = *std::move(document);
  found.media_type = found.document.index.empty() ? artifact::kOciManifest : artifact::kOciIndex;
  return found;
}

// Appends a blob to `into`.
Result<void> fetch_blob(Session& session, const Descriptor& blob, Bytes& into) {
  Part part{into};
  Session::Request request{.path = "blobs/" + blob.digest};
  request.receiver = [&]() -> Receiver {
    part.restart();
    return [&](BytesView piece) -> Result<void> {
      if (piece.size() > blob.size - part.size()) {
        return corrupt(fmt::format("{} sent more than the {} bytes that {} has",
                                   session.endpoint().name, blob.size, blob.digest));
      }
      part.add(piece);
      return {};
    };
  };
  TRY(const auto response, session.ask(request));
  if (!response.ok()) return fail(session.refusal(response, blob.digest));
  if (part.size() != blob.size) {
    return corrupt(fmt::format("{} sent {} bytes of {}, which has {}", session.endpoint().name,
                               part.size(), blob.digest, blob.size));
  }
  if (const auto digest = part.digester.digest(); digest != blob.digest) {
    return corrupt(fmt::format("{} sent other bytes than {}: they have the digest {}",
                               session.endpoint().name, blob.digest, digest));
  }
  return {};
}

}  // namespace

std::vector<artifact::Layout::Blob> Pulled::blobs() const {
  std::vector<artifact::Layout::Blob> blobs = {{top.digest, top.text}};
  for (const auto& manifest : chosen) blobs.push_back({manifest.digest, manifest.text});
  BytesView rest = bytes;
  for (const auto& layer : layers) {
    blobs.push_back({layer.digest, rest.first(layer.size)});
    rest = rest.subspan(layer.size);
  }
  return blobs;
}

Result<Found> find(Session& session, const artifact::Reference& reference) {
  const auto name = !reference.digest.empty() ? reference.digest
                    : reference.tag.empty()   ? std::string("latest")
                                              : reference.tag;
  return find_manifest(session, name, reference.text, artifact::kManifestBytesMax);
}

Result<Pulled> pull(Session& session, Found top, const artifact::Reference& reference) {
  Pulled pulled;
  if (!top.document.index.empty()) {
    TRY(const auto chosen, artifact::choose(top.document.index, reference.text));
    if (chosen.size > artifact::kManifestBytesMax) {
      return corrupt(fmt::format("{} says that a manifest has {} bytes", session.endpoint().name,
                                 chosen.size));
    }
    TRY(auto inner, find_manifest(session, chosen.digest, reference.text, chosen.size));
    if (!inner.document.index.empty()) {
      return fail(Errc::invalid, "registry.index",
                  fmt::format("{} is an index of indexes", reference.text));
    }
    pulled.chosen.push_back(std::move(inner));
  }
  const auto& manifest = (pulled.chosen.empty() ? top : pulled.chosen.front()).document.manifest;
  TRY_OK(artifact::check_layers(manifest, reference.text, artifact::kArtifactBytesMax));
  pulled.layers = manifest.layers;
  pulled.top = std::move(top);
  std::size_t total = 0;
  for (const auto& layer : pulled.layers) total += layer.size;
  pulled.bytes.reserve(total);  // filled as it comes, moved from then on
  for (const auto& layer : pulled.layers) TRY_OK(fetch_blob(session, layer, pulled.bytes));
  return pulled;
}

}  // namespace trellis::registry
