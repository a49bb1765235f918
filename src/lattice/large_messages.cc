#include "lattice/large_messages.h"

#include <fmt/format.h>

namespace trellis::lattice {
namespace {

constexpr const char* kSite = "lattice.large_messages";

runtime::Task<void> remove(ChunkStore& store, std::string name) {
  co_return co_await store.remove(std::move(name));
}

Error about(std::size_t bytes, Error error) {
  error.detail = fmt::format("a body of {} bytes has to go through NATS' object store: {}", bytes,
                             error.detail);
  return error;
}

Result<void> check_size(std::uint64_t bytes) {
  if (bytes <= LargeMessages::kBodyBytesMax) return {};
  return fail(Errc::exhausted, kSite,
              fmt::format("a body of {} bytes is larger than calls between hosts may have ({})",
                          bytes, LargeMessages::kBodyBytesMax));
}

}  // namespace

// The object store of 2022 knows no JetStream domain (docs/protocol.md §3.6).
LargeMessages::LargeMessages(runtime::TaskGroup& tasks, Bus& bus, const std::string& lattice)
    : tasks_(tasks),
      store_(lattice.empty()
                 ? nullptr
                 : std::make_unique<ChunkStore>(
                       bus, ChunkStore::Options{.prefix = lattice,
                                                .payload_bytes_max = bus.payload_bytes_max()})),
      payload_bytes_max_(bus.payload_bytes_max()) {}

bool LargeMessages::is_large_request(std::size_t bytes) const {
  return store_ && needs_chunks(bytes, kRequestBytesUnchunkedMax, payload_bytes_max_);
}

bool LargeMessages::is_large_response(std::size_t bytes) const {
  return store_ && needs_chunks(bytes, kResponseBytesUnchunkedMax, payload_bytes_max_);
}

runtime::Task<void> LargeMessages::put(std::string name, Bytes body, runtime::Deadline deadline) {
  CO_TRY_OK(check_size(body.size()));
  auto done = co_await runtime::with_deadline(store_->put(std::move(name), body), deadline, kSite);
  if (!done) co_return fail(about(body.size(), std::move(done).error()));
  co_return done;
}

runtime::Task<Bytes> LargeMessages::take(std::string name, std::uint64_t size,
                                         runtime::Deadline deadline) {
  if (!store_)
    co_return fail(Errc::exhausted, kSite,
                   "the body was left in an object store, which the embedded bus does not have; "
                   "send it in one message, or join a NATS server with JetStream");
  CO_TRY_OK(check_size(size));
  auto body = co_await runtime::with_deadline(store_->get(name, size), deadline, kSite);
  if (!body) co_return fail(about(size, std::move(body).error()));
  tasks_.spawn("removing a large body", remove(*store_, std::move(name)));
  if (body->size() != size)
    co_return fail(
        Errc::corrupt, kSite,
        fmt::format("a body of {} bytes was announced, and {} came", size, body->size()));
  co_return body;
}

}  // namespace trellis::lattice
