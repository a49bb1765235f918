// The actor of bench/keyvalue.py: GET /?<n> gets a key n times, one after the other (once without
// n).
#include "trellis/actor.h"
#include "trellis/keyvalue.h"

using namespace trellis::sdk;

struct KvGet {
  HttpResponse handle(const HttpRequest& request) {
    std::uint32_t times = 0;
    for (const char c : request.query_string)
      times = times * 10 + static_cast<std::uint32_t>(c - '0');
    const KeyValue store;
    std::string value;
    for (std::uint32_t i = 0; i < (times == 0 ? 1 : times); ++i) {
      auto got = store.get("k");
      if (!got) return HttpResponse::failure(got.error());
      value = got->value_or("");
    }
    return HttpResponse::ok(std::move(value));
  }
};

TRELLIS_ACTOR(KvGet)
