// Where payloads lie that are too large for one message: the object store of a lattice in
// JetStream, bucket {prefix}, shared with hosts and providers of 2022 (docs/protocol.md §3.6).
// Whoever sends puts the payload here and an empty message on the bus; whoever receives gets it and
// removes it. Used by the host for calls; core 0; the bus outlives it. Objects have their meta
// message under the names of both generations of clients.
//
// A stream that we make forgets after five minutes what nobody came for. One that a client of 2022
// made keeps it; they take ours as it is.
//
// Errors: those of JetStream (jetstream.h), not_found (no such object, or no longer), exhausted (it
// is larger than the caller takes), corrupt (not what was put).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/bytes.h"
#include "base/units.h"
#include "lattice/jetstream.h"
#include "lattice/jetstream_publisher.h"

namespace trellis::lattice {

// What is larger than this goes through the store: requests as the strictest clients of 2022 expect
// it, answers as their hosts sent them.
inline constexpr std::size_t kRequestBytesUnchunkedMax = 700_KiB;
inline constexpr std::size_t kResponseBytesUnchunkedMax = 900_KiB;
// So much longer than others may a call take whose payload went through it.
inline constexpr auto kChunkedCallExtra = std::chrono::seconds(13);

// `payload_bytes_max`: of a message on the bus, which holds more than the payload.
bool needs_chunks(std::size_t bytes, std::size_t unchunked_max, std::size_t payload_bytes_max);

std::string request_object(std::string_view invocation_id);
std::string response_object(std::string_view invocation_id);

class ChunkStore {
 public:
  struct Options {
    std::string prefix = "default";             // of the lattice
    std::string domain{};                       // of JetStream; "" for the server's own
    std::size_t payload_bytes_max = 1_MiB;      // of a message on the bus
    std::chrono::milliseconds timeout{5'000};   // for each answer of the server
    std::chrono::seconds forget_after{5 * 60};  // in a stream that we make
  };
  ChunkStore(Bus& bus, Options options);

  // `bytes` stay until the task ends. When it fails nothing can be got under the name.
  runtime::Task<void> put(std::string name, BytesView bytes);
  runtime::Task<Bytes> get(std::string name, std::size_t bytes_max);
  // What is not there need not be removed.
  runtime::Task<void> remove(std::string name);

 private:
  // The meta message.
  struct Meta {
    std::string nuid, digest;
    std::uint64_t size = 0, chunks = 0;
    bool deleted = false;
  };
  struct Download;

  runtime::Task<void> put_once(std::string name, BytesView bytes);
  runtime::Task<void> publish(JetStreamPublisher& publisher, std::string name, BytesView bytes,
                              std::string nuid) const;
  runtime::Task<Meta> find(std::string name) const;
  runtime::Task<Meta> find_at(std::string subject) const;
  runtime::Task<Bytes> download(std::string name, Meta meta) const;

  std::string chunk_subject(std::string_view nuid) const;
  std::string meta_subject(std::string_view name) const;      // of later clients: base64
  std::string raw_meta_subject(std::string_view name) const;  // of earlier ones: the name itself
  boost::json::object stream_config() const;

  const JetStream jetstream_;
  const Options options_;
  const std::string stream_;
  bool stream_made_ = false;
};

}  // namespace trellis::lattice
