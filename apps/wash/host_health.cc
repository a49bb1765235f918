#include "host_health.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <thread>

#include "files.h"

namespace trellis::wash {
namespace {

using namespace std::chrono_literals;
constexpr auto kPoll = 50ms;
constexpr long kAnswerTimeoutMs = 1'000;

std::size_t discard(char*, std::size_t size, std::size_t count, void*) { return size * count; }

}  // namespace

bool is_ready(const std::string& host, std::uint16_t port) {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> request(curl_easy_init(), &curl_easy_cleanup);
  if (!request) return false;
  CURL* curl = request.get();
  std::string url = fmt::format("http://{}:{}/api/readyz", host, port);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, kAnswerTimeoutMs);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &discard);
  long status = 0;
  if (curl_easy_perform(curl) != CURLE_OK) return false;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status == 200;
}

Result<void> wait_until_ready(const std::string& host, std::uint16_t port,
                              const std::function<bool()>& alive,
                              std::chrono::milliseconds timeout) {
  auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!is_ready(host, port)) {
    if (!alive())
      return fail(Errc::unavailable, "wash.ready", "the host ended while it was starting");
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Errc::timeout, "wash.ready",
                  fmt::format("the host did not become ready within {} s",
                              std::chrono::duration_cast<std::chrono::seconds>(timeout).count()));
    std::this_thread::sleep_for(kPoll);
  }
  return {};
}

std::string last_lines(const std::filesystem::path& log, std::size_t lines) {
  Result<std::string> text = read_file(log);
  if (!text) return {};
  std::string_view all = *text;
  while (all.ends_with('\n')) all.remove_suffix(1);
  std::size_t from = all.size();
  for (std::size_t i = 0; i < lines && from != std::string_view::npos && from > 0; ++i)
    from = all.rfind('\n', from - 1);
  return std::string(
      all.substr(from == std::string_view::npos ? 0 : from + (from < all.size() ? 1 : 0)));
}

}  // namespace trellis::wash
