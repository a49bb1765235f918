#include "lattice/chunk_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "claims/jwt.h"
#include "claims/sha256.h"
#include "codec/base64.h"
#include "codec/cloud_event.h"
#include "codec/json.h"
#include "lattice/subjects.h"
#include "runtime/parking.h"

namespace trellis::lattice {

namespace {

namespace json = boost::json;
using runtime::Task;

constexpr const char* kSite = "lattice.chunks";
constexpr std::size_t kChunkBytes = 128_KiB;
constexpr std::size_t kEnvelopeBytes =
    8_KiB;  // what an invocation has besides its payload, at most
constexpr std::size_t kNameBytesMax = 128;
constexpr std::string_view kDigestPrefix = "SHA-256=";

std::string digest_of(claims::Sha256& hash) {
  return std::string(kDigestPrefix) +
         codec::base64_encode(hash.digest(), codec::Base64::url_padded);
}

// Some clients leave out the padding.
bool same_digest(std::string_view one, std::string_view other) {
  const auto bare = [](std::string_view text) {
    while (text.ends_with('=') && text.size() > kDigestPrefix.size()) text.remove_suffix(1);
    return text;
  };
  return bare(one) == bare(other);
}

// Names become tokens of subjects; those of another program's making are looked up too, and must
// not match what they do not name.
Result<void> check_name(std::string_view name) {
  const bool printable = std::ranges::all_of(
      name, [](char c) { return c >= 0x20 && c != 0x7f && c != '*' && c != '>'; });
  if (!name.empty() && name.size() <= kNameBytesMax && printable) return {};
  return fail(Errc::invalid, kSite,
              fmt::format("an object cannot have this name ({} bytes): it must have 1 to {} and no "
                          "wildcards",
                          name.size(), kNameBytesMax));
}

Headers replacing() { return {{"Nats-Rollup", "sub"}}; }

}  // namespace

bool needs_chunks(std::size_t bytes, std::size_t unchunked_max, std::size_t payload_bytes_max) {
  const auto room = payload_bytes_max > 2 * kEnvelopeBytes ? payload_bytes_max - kEnvelopeBytes
                                                           : payload_bytes_max / 2;
  return bytes > std::min(unchunked_max, room);
}

std::string request_object(std::string_view invocation_id) { return std::string(invocation_id); }

std::string response_object(std::string_view invocation_id) {
  return std::string(invocation_id) + "-r";
}

ChunkStore::ChunkStore(Bus& bus, Options options)
    : jetstream_(bus, {.domain = options.domain, .timeout = options.timeout}),
      options_(std::move(options)),
      stream_("OBJ_" + options_.prefix) {}

std::string ChunkStore::chunk_subject(std::string_view nuid) const {
  return fmt::format("$O.{}.C.{}", options_.prefix, nuid);
}

std::string ChunkStore::meta_subject(std::string_view name) const {
  return fmt::format("$O.{}.M.{}", options_.prefix,
                     codec::base64_encode(as_bytes(name), codec::Base64::url_padded));
}

std::string ChunkStore::raw_meta_subject(std::string_view name) const {
  std::string token(name);
  for (auto& c : token)
    if (c == '.' || c == ' ') c = '_';
  return fmt::format("$O.{}.M.{}", options_.prefix, token);
}

json::object ChunkStore::stream_config() const {
  return {{"name", stream_},
          {"subjects", json::array{fmt::format("$O.{}.C.>", options_.prefix),
                                   fmt::format("$O.{}.M.>", options_.prefix)}},
          {"retention", "limits"},
          {"storage", "file"},
          {"num_replicas", 1},
          {"discard", "new"},
          {"allow_rollup_hdrs", true},
          {"max_age", std::chrono::nanoseconds(options_.forget_after).count()}};
}

// --- Putting ---

Task<void> ChunkStore::put(std::string name, BytesView bytes) {
  CO_TRY_OK(check_name(name));
  const bool assumed = stream_made_;
  auto done = co_await put_once(name, bytes);
  // Somebody may have removed the stream since; then it is made once more.
  if (!done && done.error().code == Errc::unavailable && assumed) {
    stream_made_ = false;
    done = co_await put_once(name, bytes);
  }
  co_return done;
}

Task<void> ChunkStore::put_once(std::string name, BytesView bytes) {
  if (!stream_made_) CO_TRY_OK(co_await jetstream_.ensure_stream(stream_config()));
  stream_made_ = true;
  CO_TRY(const auto publisher,
         JetStreamPublisher::open(jetstream_, JetStreamPublisher::Refusals::fail));
  const auto nuid = claims::new_jti();
  auto done = co_await publish(*publisher, std::move(name), bytes, nuid);
  if (done) done = co_await publisher->finish();
  if (done) co_return done;
  // What is on its way would come after the purge. The first error is the one to tell.
  if (co_await publisher->settle())
    static_cast<void>(co_await jetstream_.purge(stream_, chunk_subject(nuid)));
  co_return done;
}

Task<void> ChunkStore::publish(JetStreamPublisher& publisher, std::string name, BytesView bytes,
                               std::string nuid) const {
  const auto chunk_max = std::clamp<std::size_t>(options_.payload_bytes_max, 1, kChunkBytes);
  claims::Sha256 hash;
  std::uint64_t chunks = 0;
  for (auto rest = bytes; !rest.empty(); ++chunks) {
    const auto chunk = rest.first(std::min(chunk_max, rest.size()));
    rest = rest.subspan(chunk.size());
    hash.add(chunk);
    CO_TRY_OK(co_await publisher.publish(
        {chunk_subject(nuid), "", {}, Bytes(chunk.begin(), chunk.end())}));
  }
  const json::object meta{{"name", name},
                          {"description", nullptr},
                          {"link", nullptr},
                          {"bucket", options_.prefix},
                          {"nuid", nuid},
                          {"size", bytes.size()},
                          {"chunks", chunks},
                          {"modified", codec::rfc3339(std::chrono::system_clock::now())},
                          {"digest", digest_of(hash)},
                          {"deleted", false}};
  const auto body = codec::json_write(meta);
  for (const auto& subject : {meta_subject(name), raw_meta_subject(name)})
    CO_TRY_OK(co_await publisher.publish({subject, "", replacing(), to_bytes(body)}));
  co_return Result<void>();
}

// --- Getting ---

Task<ChunkStore::Meta> ChunkStore::find_at(std::string subject) const {
  CO_TRY(const auto stored, co_await jetstream_.last_message(stream_, std::move(subject)));
  CO_TRY(const auto value, codec::json_parse(as_text(stored.data)));
  const auto* object = value.if_object();
  if (!object) co_return fail(Errc::corrupt, kSite, "what describes an object is no JSON object");
  CO_TRY(const auto nuid, codec::json_string(*object, "nuid"));
  CO_TRY(const auto size, codec::json_uint(*object, "size"));
  CO_TRY(const auto chunks, codec::json_uint(*object, "chunks"));
  CO_TRY(const auto digest, codec::json_string(*object, "digest"));
  CO_TRY(const auto deleted, codec::json_bool(*object, "deleted"));
  if (!nuid || !valid_token(*nuid) || !size || !chunks)
    co_return fail(Errc::corrupt, kSite,
                   "what describes an object lacks \"nuid\", \"size\" or \"chunks\"");
  co_return Meta{*nuid, digest.value_or(""), *size, *chunks, deleted.value_or(false)};
}

Task<ChunkStore::Meta> ChunkStore::find(std::string name) const {
  CO_TRY_OK(check_name(name));
  auto meta = co_await find_at(meta_subject(name));
  if (!meta && meta.error().code == Errc::not_found)
    meta = co_await find_at(raw_meta_subject(name));
  const bool missing = meta ? meta->deleted : meta.error().code == Errc::not_found;
  if (missing)
    co_return fail(Errc::not_found, kSite,
                   fmt::format("there is no object {} in stream {}; it was removed, or nobody came "
                               "for it in time",
                               name, stream_));
  co_return meta;
}

Task<Bytes> ChunkStore::get(std::string name, std::size_t bytes_max) {
  CO_TRY(const auto meta, co_await find(name));
  if (meta.size > bytes_max)
    co_return fail(
        Errc::exhausted, kSite,
        fmt::format("object {} has {} bytes; at most {} are taken", name, meta.size, bytes_max));
  if (meta.chunks == 0 && meta.size == 0) co_return Bytes();
  co_return co_await download(std::move(name), meta);
}

// What comes in by the subscription, which it may outlive.
struct ChunkStore::Download {
  Bus& bus;
  const Meta meta;
  Bytes bytes{};
  claims::Sha256 hash{};
  std::uint64_t chunks = 0, signs_of_life = 0;
  bool all = false;
  const char* wrong = nullptr;
  runtime::Parking* waiting = nullptr;

  void take(const Message& message) {
    if (all || wrong) return;
    ++signs_of_life;
    const auto delivery = parse_delivery(message.reply);
    if (is_control(message))
      answer_control(bus, message);
    else if (delivery)
      take_chunk(message.data, *delivery);
    if (waiting && (all || wrong)) waiting->wake();
  }
  void take_chunk(BytesView chunk, const Delivery& delivery) {
    if (delivery.consumer_sequence != ++chunks) wrong = "its parts came out of order";
    if (chunk.size() > meta.size - bytes.size()) wrong = "it has more bytes than it says";
    if (wrong) return;
    hash.add(chunk);
    append(bytes, chunk);
    if (delivery.pending != 0) return;
    all = true;
    if (bytes.size() != meta.size || chunks != meta.chunks) wrong = "parts of it are missing";
    if (!wrong && !meta.digest.empty() && !same_digest(digest_of(hash), meta.digest))
      wrong = "its SHA-256 is another than it says";
  }
};

Task<Bytes> ChunkStore::download(std::string name, Meta meta) const {
  auto download = std::make_shared<Download>(Download{jetstream_.bus(), meta});
  download->bytes.reserve(meta.size);
  const auto inbox = "_INBOX." + claims::new_jti();
  auto take = [download](const Message& message) { download->take(message); };
  CO_TRY(const auto subscription, jetstream_.bus().subscribe(inbox, "", std::move(take)));
  CO_TRY(const auto consumer,
         co_await jetstream_.create_consumer(
             stream_, {{"deliver_subject", inbox},
                       {"filter_subject", chunk_subject(meta.nuid)},
                       {"deliver_policy", "all"},
                       {"ack_policy", "none"},
                       {"max_deliver", 1},
                       {"replay_policy", "instant"},
                       {"flow_control", true},
                       {"idle_heartbeat", std::chrono::nanoseconds(options_.timeout).count() / 4},
                       {"mem_storage", true},
                       {"num_replicas", 1}}));
  if (consumer.pending == 0 && download->chunks == 0) download->wrong = "its parts are gone";
  auto seen = download->signs_of_life;
  while (!download->all && !download->wrong) {
    runtime::Parking parking(runtime::Core::current());
    download->waiting = &parking;
    const auto wake = co_await parking.wait(runtime::Deadline::in(options_.timeout));
    download->waiting = nullptr;
    if (wake == runtime::Wake::cancelled)
      co_return fail(Errc::cancelled, kSite, "no longer wanted");
    if (wake == runtime::Wake::expired && download->signs_of_life == seen)
      co_return fail(
          Errc::timeout, kSite,
          fmt::format("JetStream stopped in the middle of object {}: {} of {} bytes came", name,
                      download->bytes.size(), meta.size));
    seen = download->signs_of_life;
  }
  jetstream_.drop_consumer(stream_, consumer.name);
  if (download->wrong)
    co_return fail(Errc::corrupt, kSite,
                   fmt::format("object {} in stream {} is not what was put: {}", name, stream_,
                               download->wrong));
  co_return std::move(download->bytes);
}

// --- Removing ---

Task<void> ChunkStore::remove(std::string name) {
  const auto meta = co_await find(name);
  if (!meta && meta.error().code == Errc::not_found) co_return Result<void>();
  if (!meta) co_return fail(meta.error());
  for (auto& subject : {meta_subject(name), raw_meta_subject(name), chunk_subject(meta->nuid)})
    CO_TRY_OK(co_await jetstream_.purge(stream_, subject));
  co_return Result<void>();
}

}  // namespace trellis::lattice
