// Answers every HTTP request with what it was asked, as JSON.
#include "trellis/actor.h"

using namespace trellis::sdk;

struct Echo {
  HttpResponse handle(const HttpRequest& request) {
    JsonWriter json;
    json.object();
    json.key("body").bytes(request.body);
    json.key("method").string(request.method);
    json.key("path").string(request.path);
    json.key("query_string").string(request.query_string);
    json.end();
    return HttpResponse::ok(json.take());
  }
};

TRELLIS_ACTOR(Echo)
