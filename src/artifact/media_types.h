// The media types of artifacts. docs/protocol.md §4.6.
#pragma once

#include <array>
#include <string_view>

namespace trellis::artifact {

inline constexpr std::string_view kActorLayer = "application/vnd.module.wasm.content.layer.v1+wasm";
inline constexpr std::string_view kActorConfig = "application/vnd.wasmcloud.actor.archive.config";
inline constexpr std::string_view kProviderLayer =
    "application/vnd.wasmcloud.provider.archive.layer.v1+par";
inline constexpr std::string_view kProviderConfig =
    "application/vnd.wasmcloud.provider.archive.config";

// What a layer may be: the two above, the plain layer that older tools push, what today's Wasm
// tools push (with a config of application/vnd.wasm.config.v0+json), and what wasm-to-oci pushed.
inline constexpr std::array<std::string_view, 5> kAcceptedLayers = {
    kActorLayer, kProviderLayer, "application/vnd.oci.image.layer.v1.tar", "application/wasm",
    "application/vnd.wasm.content.layer.v1+wasm"};

inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerIndex =
    "application/vnd.docker.distribution.manifest.list.v2+json";

// The annotation of a layout's index that names an entry.
inline constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";

}  // namespace trellis::artifact
