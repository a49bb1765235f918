// Every limit of the host in one place: what a guest, a peer or a queue may use before it is
// refused. These are defaults; those a user may change are read into the structs of the room that
// enforces them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/units.h"

namespace trellis::limits {

using namespace std::chrono_literals;

// Guests
inline constexpr std::size_t kModuleBytesMax = 64_MiB;        // a Wasm file
inline constexpr std::size_t kGuestMemoryBytesMax = 256_MiB;  // one instance's linear memory
inline constexpr std::size_t kGuestMemoryPart = 2;  // all guests: one in so many bytes there are
inline constexpr std::uint32_t kGuestTableElementsMax = 20'000;
inline constexpr std::size_t kGuestResponseBytesMax = 64_MiB;  // what a guest may answer or send
inline constexpr std::size_t kGuestLogBytesMax = 8_KiB;        // one log line
inline constexpr auto kGuestCallTimeout = 30s;                 // when the caller gave no deadline
inline constexpr std::uint32_t kActorCallsMax = 1'000;         // running at once, per actor
inline constexpr std::uint32_t kActorCallsQueuedMax = 4'000;   // waiting for one of those places
inline constexpr std::uint32_t kInstancesLiveMax = 2'000;      // per process, all actors
// What is put back after a call; past these a new instance is made instead (past the last: soon).
inline constexpr std::size_t kRestoredMemoryBytesMax = 16_MiB;  // at its start
inline constexpr std::size_t kRestoredGrowthBytesMax = 4_MiB;
inline constexpr std::size_t kRestoredPagesMax = 64;  // written, of the system's, since its start
inline constexpr auto kEpochTick = 1ms;               // a computing guest yields this often

// Provider archives
inline constexpr std::size_t kArchiveUnpackedBytesMax = 512_MiB;
inline constexpr std::size_t kArchiveFilesMax = 64;

// Provider processes
inline constexpr auto kProviderStartTimeout = 30s;  // until it answers its first health check
inline constexpr auto kProviderHealthEvery = 2s;
inline constexpr auto kProviderHealthTimeout = 2s;    // for one answer
inline constexpr unsigned kProviderSilencesMax = 3;   // in a row; then it hangs, and is killed
inline constexpr auto kProviderShutdownTimeout = 2s;  // for the answer to "shut down"
inline constexpr auto kProviderRestartMin = 100ms;
inline constexpr auto kProviderRestartMax = 30s;
inline constexpr auto kProviderSteadyAfter = 30s;  // well this long: the next failure is the first
inline constexpr std::size_t kProviderLogLinesPerSecond = 500;    // more are counted, not kept
inline constexpr std::size_t kProviderLogBytesPerSecond = 4_MiB;  // then it waits to write

// Calls between parts
inline constexpr auto kRpcTimeout = 2'000ms;        // WASMCLOUD_RPC_TIMEOUT_MS
inline constexpr std::uint32_t kCallDepthMax = 16;  // actor → actor → …

// Life of the host itself
inline constexpr auto kCoreBeatEvery = 1s;
inline constexpr auto kCoreSilenceMax = 10s;         // of a core's loop; then /api/livez says no
inline constexpr auto kConsoleAskTimeout = 500ms;    // a probe's question to core 0
inline constexpr auto kConsoleReadTimeout = 5s;      // the page's and the API's
inline constexpr auto kConsoleCommandTimeout = 60s;  // the API's, that start something
inline constexpr auto kDrainTimeout = 20s;           // TRELLIS_DRAIN_TIMEOUT_MS
inline constexpr auto kManifestRetryMin = 1s;        // what did not start is tried again
inline constexpr auto kManifestRetryMax = 30s;
inline constexpr std::size_t kManifestBytesMax = 1_MiB;

// The relay to NATS
inline constexpr std::size_t kRelayConnectionsMax = 256;
inline constexpr std::size_t kRelayBufferBytes = 64_KiB;  // each way of each connection
inline constexpr auto kRelayConnectTimeout = 5s;
inline constexpr auto kRelayStallTimeout = 30s;  // a write without progress; one side alone open

// HTTP
inline constexpr std::size_t kHttpHeaderBytesMax = 32_KiB;
inline constexpr std::size_t kHttpBodyBytesMax = 16_MiB;
inline constexpr auto kHttpHeaderTimeout = 10s;
inline constexpr auto kHttpBodyTimeout = 30s;
inline constexpr auto kHttpIdleTimeout = 75s;
inline constexpr std::size_t kHttpConnectionsMax = 20'000;  // per listener and core
inline constexpr auto kHttpLeaveTime = 250ms;  // a listener that leaves: for requests on their way

// HTTP requests that we make
inline constexpr std::size_t kHttpAnswerBytesMax = 16_MiB;  // a body
inline constexpr std::size_t kHttpAnswerHeaderBytesMax = 64_KiB;
inline constexpr std::size_t kHttpRequestsMax = 1'000;  // at once, per core
inline constexpr std::size_t kHttpRequestsQueuedMax = 4'000;

// Key-value stores
inline constexpr std::size_t kKeyValueCallsMax = 10'000;        // waiting, per connection
inline constexpr std::size_t kKeyValueUnsentBytesMax = 64_MiB;  // of commands, per connection
inline constexpr std::size_t kKeyValueBufferBytes = 256_KiB;    // kept between commands

// Messaging, per link
inline constexpr std::size_t kMessagingSubscriptionsMax = 64;
inline constexpr int kMessagingDeliveriesMax = 75;  // at once, per subscription, as in 2022
inline constexpr int kMessagingPendingMax =
    10'000;  // waiting for that, per subscription; then lost
inline constexpr std::size_t kMessagingPendingBytesMax = 64_MiB;
inline constexpr std::size_t kMessagingQueuedMax = 10'000;  // publishes and requests under way

// Kubernetes, per link
inline constexpr std::size_t kKubernetesRequestsMax = 16;  // to the API server at once
inline constexpr std::size_t kKubernetesRequestsQueuedMax = 1'000;
inline constexpr std::size_t kKubernetesAnswerBytesMax = 32_MiB;   // a page of a list
inline constexpr std::size_t kKubernetesManifestBytesMax = 1_MiB;  // of one call
inline constexpr std::size_t kKubernetesObjectsMax = 64;           // in them
inline constexpr std::size_t kKubernetesPageObjects = 500;         // of a list, from the server
inline constexpr std::size_t kKubernetesListBytesMax = 4_MiB;      // of a list, to the actor
inline constexpr std::size_t kKubernetesDepthMax = 150;  // schemas of custom resources are deep
inline constexpr auto kKubernetesLinkTimeout = 3s;       // until the server has answered

// Bus
inline constexpr std::size_t kBusPayloadBytesMax = 8_MiB;  // INFO max_payload
inline constexpr std::size_t kBusControlLineMax = 4_KiB;
inline constexpr std::size_t kBusPendingBytesMax = 64_MiB;    // per client, then it is cut as slow
inline constexpr std::size_t kBusSubscriptionsMax = 100'000;  // per client
inline constexpr std::size_t kSubjectBytesMax = 512;

// Registries
inline constexpr auto kRegistryTimeout = 120s;            // one artifact, all tries together
inline constexpr auto kRegistryPushTimeout = 600s;        // the same, on its way out
inline constexpr auto kRegistryConnectTimeout = 3'500ms;  // less than a client waits for a start
inline constexpr auto kRegistryStallTimeout = 10s;   // that long with hardly a byte is a failed try
inline constexpr auto kRegistryCommitTimeout = 60s;  // the same after something was pushed
inline constexpr int kRegistryTries = 4;
inline constexpr int kRegistryRedirectsMax = 5;
inline constexpr std::size_t kRegistryTextBytesMax = 64_KiB;  // answers for people, tokens
inline constexpr std::size_t kRegistryCredentialsMax = 1'000;
inline constexpr auto kCredentialHelperTimeout = 10s;  // docker-credential-…
inline constexpr unsigned kPullsMax = 8;               // artifacts being fetched at once
inline constexpr std::size_t kArtifactCacheBytesMax = 2_GiB;

// Decoders
inline constexpr std::size_t kMsgpackDepthMax = 64;
inline constexpr std::size_t kJwtBytesMax = 64_KiB;

}  // namespace trellis::limits
