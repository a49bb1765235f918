// One of two actors that call each other. This one serves, over HTTP (GET /?hits=4), and knows the
// other by its call alias.
#include "rally.h"

using namespace trellis::sdk;

constexpr std::string_view kPong = "examples/pong";

// The number behind "hits=", 2 without.
std::uint32_t hits_of(std::string_view query) {
  constexpr std::string_view kName = "hits=";
  if (!query.starts_with(kName)) return 2;
  std::uint32_t hits = 0;
  for (const char c : query.substr(kName.size())) {
    if (c < '0' || c > '9' || hits > 1'000'000) break;
    hits = hits * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return hits;
}

struct Ping {
  HttpResponse handle(const HttpRequest& request) {
    const auto rally = hit("ping", kPong, "Pong.Hit", hits_of(request.query_string));
    if (!rally) return HttpResponse::failure(rally.error());
    return HttpResponse::text(*rally + "\n");
  }

  Result<Bytes> call(std::string_view operation, BytesView ball) {
    if (operation != "Ping.Hit") return not_handled(operation);
    return return_ball("ping", kPong, "Pong.Hit", ball);
  }
};

TRELLIS_ACTOR(Ping)
