// Goal: livez tells a core that hangs from one that does not, and can tell although it hangs; who
// is elsewhere is known by its address.
#include "console/probes.h"

#include <gtest/gtest.h>

#include <semaphore>
#include <thread>

#include "net/http_server.h"
#include "net/test_client.h"
#include "runtime/testing.h"

namespace trellis::console {
namespace {

using namespace std::chrono_literals;

class LivezHandler final : public net::HttpHandler {
 public:
  explicit LivezHandler(const runtime::Cores& serving) : serving_(serving) {}
  runtime::Task<net::HttpResponse> handle(const net::HttpRequest&) override {
    co_return livez(serving_, 1'500ms);
  }

 private:
  const runtime::Cores& serving_;
};

std::string ask(std::uint16_t port) {
  net::TestClient client(port);
  client.send("GET /api/livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return client.until_closed();
}

// Each beats once a second, so that a second and a half of silence is a core that hangs.
TEST(Livez, NamesTheCoreThatHangsFromAThreadOfItsOwn) {
  auto serving = runtime::test_cores(2);
  auto probing = runtime::test_cores(1);
  LivezHandler handler(*serving);
  auto server = probing->run_blocking<std::unique_ptr<net::HttpServer>>(
      0, [&] { return net::HttpServer::listen(*probing, {.address = "127.0.0.1:0"}, handler); });
  ASSERT_TRUE(server) << server.error().describe();
  EXPECT_NE(ask((*server)->port()).find(R"({"live":true})"), std::string::npos);

  std::binary_semaphore go_on(0);
  (*serving)[1].post([&] { go_on.acquire(); });
  std::string said;
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (said.find("503") == std::string::npos && std::chrono::steady_clock::now() < end)
    said = ask((*server)->port());
  EXPECT_NE(said.find(R"("live":false,"reason":"core 1 has not turned for)"), std::string::npos)
      << said;
  go_on.release();
  while (said.find("200") == std::string::npos && std::chrono::steady_clock::now() < end)
    said = ask((*server)->port());
  EXPECT_NE(said.find(R"({"live":true})"), std::string::npos) << "it turns again: " << said;
  EXPECT_TRUE(
      probing->run_blocking<void>(0, [&] { return (*server)->close(runtime::Deadline::in(1s)); }));
}

TEST(Readyz, SaysWhyNot) {
  EXPECT_EQ(as_text(readyz({}).body), "{\"ready\":true}\n");
  const auto no = readyz({.why_not = "stopping", .bus_connected = true});
  EXPECT_EQ(no.status, 503);
  EXPECT_EQ(as_text(no.body), "{\"ready\":false,\"reason\":\"stopping\"}\n");
  const auto away = readyz({.why_not = "", .bus_connected = false});
  EXPECT_EQ(away.status, 200);
  EXPECT_EQ(as_text(away.body), "{\"ready\":true,\"bus\":\"reconnecting\"}\n");
}

TEST(Callers, FromThisMachineAreKnownByTheirAddress) {
  EXPECT_TRUE(is_from_this_machine("127.0.0.1:40000"));
  EXPECT_TRUE(is_from_this_machine("[::1]:40000"));
  EXPECT_TRUE(is_from_this_machine("[::ffff:127.0.0.1]:40000"));
  EXPECT_FALSE(is_from_this_machine("127.0.0.6:40000")) << "a proxy in the pod, for others";
  EXPECT_FALSE(is_from_this_machine("10.0.0.1:40000"));
  EXPECT_FALSE(is_from_this_machine("[2001:db8::1]:40000"));
  EXPECT_FALSE(is_from_this_machine("[::ffff:10.0.0.1]:1"));
  EXPECT_FALSE(is_from_this_machine(""));
}

}  // namespace
}  // namespace trellis::console
