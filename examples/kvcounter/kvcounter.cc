// Counters in a key-value store: one for each name, and a small page to try them with.
#include "page.h"
#include "trellis/actor.h"
#include "trellis/keyvalue.h"

using namespace trellis::sdk;

struct KvCounter {
  HttpResponse handle(const HttpRequest& request) {
    if (request.method != "GET") return HttpResponse::not_found();
    constexpr std::string_view kApi = "/api/counter";
    if (request.path.starts_with(kApi)) return count(request.path.substr(kApi.size()));
    if (request.path != "/" && request.path != "/index.html") return HttpResponse::not_found();
    return {200, {{"content-type", "text/html; charset=utf-8"}}, std::string(kPage)};
  }

  // "" or "/" is the default counter, "/<name>" another.
  static HttpResponse count(std::string_view rest) {
    if (!rest.empty() && rest.front() != '/') return HttpResponse::not_found();
    if (!rest.empty()) rest.remove_prefix(1);
    const std::string name(rest.empty() ? "default" : rest);
    const auto counter = KeyValue().increment("counter:" + name, 1);
    if (!counter) return HttpResponse::failure(counter.error());
    return HttpResponse::json(JsonWriter().object().key("counter").number(*counter).end().take());
  }
};

TRELLIS_ACTOR(KvCounter)
