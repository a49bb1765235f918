#include "host_health.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string_view>
#include <thread>

#include "codec/json.h"
#include "files.h"

namespace trellis::wash {
namespace {

using namespace std::chrono_literals;
constexpr auto kPoll = 50ms;
constexpr long kAnswerTimeoutMs = 1'000;
constexpr std::size_t kBodyBytesMax = 1024 * 1024;

std::size_t keep(char* data, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size * count > kBodyBytesMax) return 0;
  body.append(data, size * count);
  return size * count;
}

// The body of an answer with status 200.
std::optional<std::string> get(const std::string& host, std::uint16_t port, const char* path) {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> request(curl_easy_init(), &curl_easy_cleanup);
  if (!request) return std::nullopt;
  CURL* curl = request.get();
  std::string url = fmt::format("http://{}:{}{}", host, port, path);
  std::string body;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, kAnswerTimeoutMs);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &keep);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  long status = 0;
  if (curl_easy_perform(curl) != CURLE_OK) return std::nullopt;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status == 200 ? std::optional(std::move(body)) : std::nullopt;
}

}  // namespace

bool is_ready(const std::string& host, std::uint16_t port) {
  return get(host, port, "/api/readyz").has_value();
}

std::uint16_t bus_port_of(const std::string& host, std::uint16_t port) {
  const std::optional<std::string> body = get(host, port, "/api/v1/host");
  const auto said = codec::json_parse(body.value_or(""));
  if (!said || !said->is_object()) return 0;
  const auto number = codec::json_uint(said->get_object(), "bus_port");
  return number && *number ? static_cast<std::uint16_t>(**number) : std::uint16_t{0};
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
