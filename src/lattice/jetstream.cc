#include "lattice/jetstream.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "codec/base64.h"
#include "codec/json.h"
#include "lattice/bus_requests.h"
#include "lattice/nats_text.h"

namespace trellis::lattice {

namespace {

namespace json = boost::json;
using runtime::Deadline;
using runtime::Task;

constexpr const char* kSite = "lattice.jetstream";

// Of the server's numbers for its refusals (err_code) those that mean something to us.
enum Refusal : std::uint64_t {
  kAccountExceeded = 10002,
  kTemporarilyUnavailable = 10008,
  kNoResources = 10023,
  kMemoryExceeded = 10028,
  kNotEnabledForAccount = 10039,
  kStorageExceeded = 10047,
  kStreamInUse = 10058,
  kSubjectsOverlap = 10065,
  kNotEnabled = 10076,
  kBytesExceeded = 10077,
};

std::string text_of(const json::object& object, std::string_view key) {
  auto text = codec::json_string(object, key);
  return text ? std::move(*text).value_or("") : "";
}

std::uint64_t number_of(const json::object& object, std::string_view key) {
  const auto number = codec::json_uint(object, key);
  return number ? number->value_or(0) : 0;
}

const json::object* object_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_object() : nullptr;
}

std::uint64_t refusal_of(const json::object& answer) {
  const auto* error = object_of(answer, "error");
  return error ? number_of(*error, "err_code") : 0;
}

Errc errc_of(const json::object& error) {
  switch (number_of(error, "err_code")) {
    case kNotEnabledForAccount:
      return Errc::denied;
    case kTemporarilyUnavailable:
      return Errc::timeout;
    case kAccountExceeded:
    case kNoResources:
    case kMemoryExceeded:
    case kStorageExceeded:
    case kBytesExceeded:
      return Errc::exhausted;
    default:
      break;
  }
  switch (number_of(error, "code")) {
    case 404:
      return Errc::not_found;
    case 400:
      return Errc::invalid;
    case 503:
      return Errc::unavailable;
    default:
      return Errc::internal;
  }
}

// What to do about it, after what the server said.
std::string_view advice_on(std::uint64_t refusal) {
  switch (refusal) {
    case kNotEnabledForAccount:
      return "; enable it for the account this host uses";
    case kNotEnabled:
      return "; start nats-server with -js";
    case kAccountExceeded:
    case kNoResources:
    case kMemoryExceeded:
    case kStorageExceeded:
    case kBytesExceeded:
      return "; JetStream has no room left: see its limits in the server's configuration";
    case kSubjectsOverlap:
      return "; a stream of another name takes these subjects: remove it, or use another lattice "
             "prefix";
    default:
      return "";
  }
}

Result<json::object> accepted(json::object answer, std::string_view asked) {
  const auto* error = object_of(answer, "error");
  if (!error) return answer;
  return fail(errc_of(*error), kSite,
              fmt::format("JetStream refused {}: {} ({}){}", asked, text_of(*error, "description"),
                          number_of(*error, "err_code"), advice_on(number_of(*error, "err_code"))));
}

StreamInfo to_stream_info(const json::object& answer) {
  StreamInfo info;
  info.created = text_of(answer, "created");
  if (const auto* state = object_of(answer, "state")) {
    info.messages = number_of(*state, "messages");
    info.last_sequence = number_of(*state, "last_seq");
  }
  return info;
}

Error no_stream_for(std::string_view subject) {
  return {Errc::unavailable, kSite,
          fmt::format("no JetStream stream takes messages on {} (no responders)", subject)};
}

}  // namespace

std::string JetStream::api(std::string_view request, std::string_view name) const {
  if (options_.domain.empty()) return fmt::format("$JS.API.{}.{}", request, name);
  return fmt::format("$JS.{}.API.{}.{}", options_.domain, request, name);
}

Task<json::object> JetStream::ask(std::string subject, std::string body) const {
  const auto deadline = Deadline::in(options_.timeout);
  const auto answer = co_await bus_.request({subject, "", {}, to_bytes(body)}, deadline);
  if (!answer && is_no_responders(answer.error())) {
    if (options_.domain.empty())
      co_return fail(Errc::unavailable, kSite,
                     fmt::format("this NATS server has no JetStream (no responders on {}); start "
                                 "nats-server with -js",
                                 subject));
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("there is no JetStream domain {} here (no responders on {}); see "
                               "WASMCLOUD_JS_DOMAIN",
                               options_.domain, subject));
  }
  if (!answer && answer.error().code == Errc::timeout)
    co_return fail(Errc::timeout, kSite,
                   fmt::format("JetStream did not answer {} within {} ms; it is overloaded, or the "
                               "account may not subscribe to _INBOX.>",
                               subject, options_.timeout.count()));
  if (!answer) co_return fail(answer.error());
  auto value = codec::json_parse(as_text(answer->data));
  if (!value || !value->is_object())
    co_return fail(
        Errc::corrupt, kSite,
        fmt::format("what answered on {} is not JetStream: its answer is no JSON object", subject));
  co_return std::move(value->get_object());
}

Task<json::object> JetStream::call(std::string_view request, std::string name,
                                   json::object body) const {
  auto subject = api(request, name);
  CO_TRY(auto answer, co_await ask(subject, codec::json_write(body)));
  co_return accepted(std::move(answer), subject);
}

Task<StreamInfo> JetStream::ensure_stream(json::object config) const {
  const auto name = text_of(config, "name");
  auto subject = api("STREAM.CREATE", name);
  CO_TRY(auto answer, co_await ask(subject, codec::json_write(config)));
  const auto refusal = refusal_of(answer);
  if (refusal == kStreamInUse) co_return co_await stream_info(name);
  // So a server also says to the slower of two who make one stream at the same moment.
  if (refusal == kSubjectsOverlap) {
    auto there = co_await stream_info(name);
    if (there || there.error().code != Errc::not_found)
      co_return there;  // else it is another stream that is in the way
  }
  CO_TRY(answer, accepted(std::move(answer), subject));
  co_return to_stream_info(answer);
}

Task<StreamInfo> JetStream::stream_info(std::string stream) const {
  CO_TRY(const auto answer, co_await call("STREAM.INFO", std::move(stream), {}));
  co_return to_stream_info(answer);
}

Task<ConsumerInfo> JetStream::create_consumer(std::string stream, json::object config,
                                              std::string name) const {
  json::object body{{"stream_name", stream}, {"config", std::move(config)}};
  if (!name.empty()) body["name"] = name;
  CO_TRY(const auto answer, co_await call("CONSUMER.CREATE", std::move(stream), std::move(body)));
  co_return ConsumerInfo{text_of(answer, "name"), number_of(answer, "num_pending")};
}

void JetStream::drop_consumer(const std::string& stream, const std::string& consumer) const {
  // Unanswered, and nobody minds if it is lost.
  (void)bus_.publish({api("CONSUMER.DELETE", fmt::format("{}.{}", stream, consumer)), "", {}, {}});
}

Task<StoredMessage> JetStream::last_message(std::string stream, std::string subject) const {
  CO_TRY(const auto answer, co_await call("STREAM.MSG.GET", std::move(stream),
                                          {{"last_by_subj", std::move(subject)}}));
  const auto* message = object_of(answer, "message");
  if (!message) co_return fail(Errc::corrupt, kSite, "a stored message lacks its \"message\"");
  StoredMessage stored;
  stored.sequence = number_of(*message, "seq");
  CO_TRY(stored.data, codec::base64_decode(text_of(*message, "data"), codec::Base64::standard));
  CO_TRY(const auto headers,
         codec::base64_decode(text_of(*message, "hdrs"), codec::Base64::standard));
  stored.headers = parse_nats_header_block(as_text(headers));
  co_return stored;
}

Task<void> JetStream::purge(std::string stream, std::string subject) const {
  CO_TRY_OK(co_await call("STREAM.PURGE", std::move(stream), {{"filter", std::move(subject)}}));
  co_return Result<void>();
}

Task<std::uint64_t> JetStream::publish(Message message) const {
  const auto subject = message.subject;
  const auto answer = co_await bus_.request(std::move(message), Deadline::in(options_.timeout));
  if (!answer && is_no_responders(answer.error())) co_return fail(no_stream_for(subject));
  if (!answer && answer.error().code == Errc::timeout)
    co_return fail(Errc::timeout, kSite,
                   fmt::format("JetStream did not say within {} ms that it has the message for {}; "
                               "whether it has is not known",
                               options_.timeout.count(), subject));
  if (!answer) co_return fail(answer.error());
  co_return parse_publish_ack(*answer, subject);
}

Result<std::uint64_t> parse_publish_ack(const Message& answer, std::string_view subject) {
  if (says_no_responders(answer)) return fail(no_stream_for(subject));
  auto value = codec::json_parse(as_text(answer.data));
  if (!value || !value->is_object())
    return fail(
        Errc::corrupt, kSite,
        fmt::format("what answers on {} is not JetStream: its answer is no JSON object", subject));
  TRY(const auto ack,
      accepted(std::move(value->get_object()), fmt::format("a message for {}", subject)));
  TRY(const auto sequence, codec::json_uint(ack, "seq"));
  if (!sequence)
    return fail(Errc::corrupt, kSite,
                fmt::format("what answers on {} is not JetStream: no \"seq\"", subject));
  return *sequence;
}

// $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>; later
// servers put <domain>.<account hash> before the stream and may add a token at the end.
std::optional<Delivery> parse_delivery(std::string_view reply) {
  std::array<std::string_view, 12> tokens;
  std::size_t count = 0;
  while (count < tokens.size()) {
    const auto dot = reply.find('.');
    tokens[count++] = reply.substr(0, dot);
    if (dot == std::string_view::npos) break;
    reply.remove_prefix(dot + 1);
  }
  if (count < 9 || tokens[0] != "$JS" || tokens[1] != "ACK") return std::nullopt;
  const std::size_t shift = count > 9 ? 2 : 0;
  if (count < 9 + shift) return std::nullopt;
  const auto number = [&](std::size_t index, std::uint64_t& into) {
    const auto token = tokens[index + shift];
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), into);
    return error == std::errc() && end == token.data() + token.size();
  };
  Delivery delivery;
  if (!number(5, delivery.stream_sequence) || !number(6, delivery.consumer_sequence) ||
      !number(8, delivery.pending))
    return std::nullopt;
  return delivery;
}

bool is_control(const Message& message) {
  return message.data.empty() && header(message, "Status") == "100";
}

void answer_control(Bus& bus, const Message& message) {
  auto question = message.reply;
  if (question.empty()) question = header(message, "Nats-Consumer-Stalled").value_or("");
  // When it cannot be sent the connection is gone, and the consumer with it.
  if (!question.empty()) (void)bus.publish({std::move(question), "", {}, {}});
}

std::optional<std::string_view> header(const Message& message, std::string_view name) {
  for (const auto& [key, value] : message.headers)
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0)
      return value;
  return std::nullopt;
}

}  // namespace trellis::lattice
