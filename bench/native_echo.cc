// The echo actor's answer from a native handler on the same HTTP server: what a request costs
// without Wasm. Run beside nginx and the actor; usage: native_echo <ip:port> <cores>.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "net/http_server.h"
#include "runtime/core.h"
#include "runtime/signals.h"

namespace trellis {
namespace {

void append_json_string(Bytes& out, std::string_view text) {
  out.push_back('"');
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) continue;  // cannot stand in a request line
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(static_cast<std::uint8_t>(c));
  }
  out.push_back('"');
}

class EchoHandler final : public net::HttpHandler {
 public:
  runtime::Task<net::HttpResponse> handle(const net::HttpRequest& request) override {
    net::HttpResponse response;
    auto& out = response.storage;
    out.reserve(96 + request.target.size() + 4 * request.body.size());
    append(out, std::string_view("{\"body\":["));
    for (std::size_t i = 0; i < request.body.size(); ++i) {
      char digits[4];
      const auto end = std::to_chars(digits, digits + 4, request.body[i]).ptr;
      if (i > 0) out.push_back(',');
      append(out, std::string_view(digits, end));
    }
    append(out, std::string_view("],\"method\":"));
    append_json_string(out, request.method);
    append(out, std::string_view(",\"path\":"));
    append_json_string(out, request.path);
    append(out, std::string_view(",\"query_string\":"));
    append_json_string(out, request.query);
    out.push_back('}');
    response.body = out;
    response.headers.push_back({"Content-Type", "application/json"});
    co_return response;
  }
};

int run(const char* address, unsigned cores_count) {
  auto cores = runtime::Cores::start({.count = cores_count});
  if (!cores) {
    std::fprintf(stderr, "%s\n", cores.error().describe().c_str());
    return 1;
  }
  const auto signals = runtime::StopSignals::own(**cores);
  if (!signals) return 1;
  EchoHandler handler;
  auto server = (*cores)->run_blocking<std::unique_ptr<net::HttpServer>>(
      0, [&] { return net::HttpServer::listen(**cores, {.address = address}, handler); });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().describe().c_str());
    return 1;
  }
  std::printf("listening on port %u\n", (*server)->port());
  std::fflush(stdout);
  const auto signal = signals->get()->wait();
  const auto closed = (*cores)->run_blocking<void>(
      0, [&] { return (*server)->close(runtime::Deadline::in(std::chrono::seconds(2))); });
  (*cores)->stop();
  return signal && closed ? 0 : 1;
}

}  // namespace
}  // namespace trellis

int main(int argc, char** argv) {
  unsigned cores = 0;
  const std::string_view count = argc == 3 ? argv[2] : "";
  if (std::from_chars(count.data(), count.data() + count.size(), cores).ec != std::errc() ||
      cores == 0) {
    std::fprintf(stderr, "usage: native_echo <ip:port> <cores>\n");
    return 2;
  }
  return trellis::run(argv[1], cores);
}
