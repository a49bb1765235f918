// A key-value get without Wasm, for bench/keyvalue.py; usage: native_keyvalue <ip:port> <redis
// port>.
//   GET /blocking?<n>   n gets one after the other, by hiredis as its manual shows it
//   GET /               one get, by the provider's own client, as a native handler would use it
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>

#include "keyvalue/redis_client.h"
#include "net/http_server.h"
#include "runtime/signals.h"

namespace trellis {
namespace {

struct ContextFree {
  void operator()(redisContext* context) const { redisFree(context); }
};

unsigned number_in(std::string_view text) {
  unsigned number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class Handler final : public net::HttpHandler {
 public:
  explicit Handler(std::uint16_t port) : blocking_(redisConnect("127.0.0.1", port)) {
    url_.host = "127.0.0.1";
    url_.port = port;
  }
  runtime::Task<net::HttpResponse> handle(const net::HttpRequest& request) override {
    if (request.path == "/blocking") co_return blocking(number_in(request.query));
    if (!client_) client_ = std::make_unique<keyvalue::RedisClient>(url_);
    const std::string_view words[] = {"GET", "k"};
    CO_TRY(const auto reply,
           co_await client_->call(keyvalue::redis_words(words),
                                  runtime::Deadline::in(std::chrono::seconds(2))));
    co_return net::HttpResponse::text(200, {reply->str, reply->len});
  }

 private:
  net::HttpResponse blocking(unsigned times) {
    std::string value;
    for (unsigned i = 0; i < times; ++i) {
      auto* reply = static_cast<redisReply*>(redisCommand(blocking_.get(), "GET k"));
      if (reply == nullptr) return net::HttpResponse::text(500, blocking_->errstr);
      value.assign(reply->str, reply->len);
      freeReplyObject(reply);
    }
    return net::HttpResponse::text(200, value);
  }

  const std::unique_ptr<redisContext, ContextFree> blocking_;
  keyvalue::RedisUrl url_;
  std::unique_ptr<keyvalue::RedisClient> client_;  // of the one core
};

int run(const char* address, std::uint16_t redis_port) {
  auto cores = runtime::Cores::start({.count = 1});
  if (!cores) return 1;
  const auto signals = runtime::StopSignals::own(**cores);
  if (!signals) return 1;
  Handler handler(redis_port);
  auto server = (*cores)->run_blocking<std::unique_ptr<net::HttpServer>>(
      0, [&] { return net::HttpServer::listen(**cores, {.address = address}, handler); });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().describe().c_str());
    return 1;
  }
  const auto signal = signals->get()->wait();
  const auto closed = (*cores)->run_blocking<void>(
      0, [&] { return (*server)->close(runtime::Deadline::in(std::chrono::seconds(2))); });
  (*cores)->stop();
  std::_Exit(signal && closed ? 0 : 1);  // the client belongs to a core that has ended
}

}  // namespace
}  // namespace trellis

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: native_keyvalue <ip:port> <redis port>\n");
    return 2;
  }
  return trellis::run(argv[1], static_cast<std::uint16_t>(trellis::number_in(argv[2])));
}
