// An HttpServer on cores of its own for one test, with a handler that shows what it was given.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "net/http_server.h"
#include "runtime/parking.h"
#include "runtime/testing.h"

namespace trellis::net {

// "/echo": "<method> <path> <query> <body>"; "/headers": each header on a line; "/big?<bytes>": so
// many bytes; "/hold": answers when released; "/status?<n>"; "/redirect?<where>"; "/bad-header";
// "/fail"; "/throw".
class ShowingHandler final : public HttpHandler {
 public:
  runtime::Task<HttpResponse> handle(const HttpRequest& request) override {
    ++requests;
    if (request.path == "/headers") co_return headers_of(request);
    if (request.path == "/big") co_return big(request);
    if (request.path == "/hold") co_return co_await hold();
    if (request.path == "/status")
      co_return HttpResponse::text(
          static_cast<std::uint16_t>(std::stoi(std::string(request.query))), "content");
    if (request.path == "/redirect") co_return redirect(request);
    if (request.path == "/bad-header") co_return bad_header();
    if (request.path == "/fail") co_return fail(Errc::internal, "test", "broken on purpose");
    if (request.path == "/throw") throw std::runtime_error("thrown on purpose");
    co_return HttpResponse::text(200, fmt::format("{} {} {} {}", request.method, request.path,
                                                  request.query, as_text(request.body)));
  }

  // From any thread.
  void release() { released = true; }

  std::atomic<int> requests = 0, holding = 0;
  std::atomic<bool> released = false;

 private:
  static HttpResponse headers_of(const HttpRequest& request) {
    std::string out = fmt::format("remote={} tls={}\n", request.remote, request.tls);
    for (const auto& h : request.headers) out += fmt::format("{}={}\n", h.name, h.value);
    return HttpResponse::text(200, out);
  }
  static HttpResponse big(const HttpRequest& request) {
    HttpResponse response;
    response.storage.assign(std::stoul(std::string(request.query)), 'x');
    response.body = response.storage;
    return response;
  }
  runtime::Task<HttpResponse> hold() {
    ++holding;
    while (!released)
      if (auto slept = co_await runtime::Core::current().sleep_until(
              runtime::Deadline::in(std::chrono::milliseconds(1)));
          !slept)
        co_return fail(slept.error());
    co_return HttpResponse::text(200, "released");
  }
  static HttpResponse redirect(const HttpRequest& request) {
    HttpResponse response;
    response.status = 302;
    response.storage = to_bytes(request.query);  // which outlives the request
    response.headers.push_back({"Location", as_text(response.storage)});
    return response;
  }
  static HttpResponse bad_header() {
    auto response = HttpResponse::text(200, "fine");
    response.headers.push_back({"X-Split", "a\r\nX-Injected: yes"});
    response.headers.push_back({"X Bad Name", "b"});
    response.headers.push_back({"Content-Length", "9999"});
    response.headers.push_back({"Transfer-Encoding", "chunked"});
    response.headers.push_back({"X-Good", "c"});
    return response;
  }
};

class TestServer {
 public:
  explicit TestServer(HttpServerOptions options = {}, unsigned cores = 1)
      : cores_(runtime::test_cores(cores)) {
    if (options.address.empty()) options.address = "127.0.0.1:0";
    auto server = listen(options);
    EXPECT_TRUE(server) << server.error().describe();
    if (server) server_ = std::move(*server);
  }
  ~TestServer() {
    handler.release();
    close(std::chrono::seconds(5));
    cores_->stop();
  }

  Result<std::unique_ptr<HttpServer>> listen(HttpServerOptions options) {
    return cores_->run_blocking<std::unique_ptr<HttpServer>>(
        0, [&] { return HttpServer::listen(*cores_, std::move(options), handler); });
  }
  void close(std::chrono::milliseconds grace) { close(server_, grace); }
  void close(std::unique_ptr<HttpServer>& server, std::chrono::milliseconds grace) {
    if (!server) return;
    auto closed =
        cores_->run_blocking<void>(0, [&] { return server->close(runtime::Deadline::in(grace)); });
    EXPECT_TRUE(closed);
    server.reset();
  }
  void leave() {
    EXPECT_TRUE(cores_->run_blocking<void>(0, [&] { return server_->leave(); }));
  }
  std::uint16_t port() const { return server_->port(); }
  runtime::Cores& cores() { return *cores_; }

  ShowingHandler handler;

 private:
  std::unique_ptr<runtime::Cores> cores_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace trellis::net
