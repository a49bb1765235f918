// A chat: what somebody says on the page is published on the subject chat.<room>; what arrives on
// any of these subjects, from the page or from another NATS client, is kept in a list and shown.
#include "page.h"
#include "trellis/actor.h"
#include "trellis/keyvalue.h"
#include "trellis/messaging.h"

using namespace trellis::sdk;

constexpr std::string_view kSubject = "chat.";
constexpr std::string_view kRooms = "/api/rooms/";
constexpr std::int32_t kShown = 50;
constexpr std::uint32_t kKept = 1000;  // then a room begins anew
constexpr std::size_t kTextMax = 2000;

// A room's name becomes a token of a subject.
bool is_room(std::string_view name) {
  if (name.empty() || name.size() > 64) return false;
  for (const char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!fine) return false;
  }
  return true;
}

std::string list_of(std::string_view room) { return "chat:" + std::string(room); }

struct Chat {
  HttpResponse handle(const HttpRequest& request) {
    if (request.path == "/" && request.method == "GET")
      return {200, {{"content-type", "text/html; charset=utf-8"}}, std::string(kPage)};
    if (!request.path.starts_with(kRooms)) return HttpResponse::not_found();
    const auto room = request.path.substr(kRooms.size());
    if (!is_room(room)) return HttpResponse::text("a room is a-z, 0-9, - and _\n", 400);
    if (request.method == "GET") return show(room);
    if (request.method == "POST") return say(room, request.body_text());
    return HttpResponse::not_found();
  }

  static HttpResponse say(std::string_view room, std::string_view text) {
    if (text.empty() || text.size() > kTextMax)
      return HttpResponse::text("a message has 1 to 2000 bytes\n", 400);
    const auto sent =
        Messaging().publish(std::string(kSubject) + std::string(room), as_bytes(text));
    if (!sent) return HttpResponse::failure(sent.error());
    return {202, {}, {}};
  }

  static HttpResponse show(std::string_view room) {
    const auto messages = KeyValue().list_range(list_of(room), -kShown, -1);
    if (!messages) return HttpResponse::failure(messages.error());
    JsonWriter json;
    json.array();
    for (const auto& message : *messages) json.string(message);
    return HttpResponse::json(json.end().take());
  }

  // A message of the subscription.
  Result<void> handle(const SubMessage& message) {
    if (!message.subject.starts_with(kSubject)) return {};
    const auto room = message.subject.substr(kSubject.size());
    const auto text = as_text(message.body).substr(0, kTextMax);
    if (!is_room(room) || text.empty()) return {};
    const KeyValue store;
    const auto length = store.list_add(list_of(room), text);
    if (!length) return length.error();
    if (*length <= kKept) return {};
    const auto cleared = store.list_clear(list_of(room));
    if (!cleared) return cleared.error();
    return {};
  }
};

TRELLIS_ACTOR(Chat)
