#include "kubernetes/access.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::kubernetes {
namespace {

constexpr std::size_t kFileBytesMax = 4 << 20;  // of a kubeconfig; certificates are far smaller

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Environment Environment::of_process() {
  return {.kubeconfig = variable("KUBECONFIG"),
          .home = variable("HOME"),
          .service_host = variable("KUBERNETES_SERVICE_HOST"),
          .service_port = variable("KUBERNETES_SERVICE_PORT"),
          .owner = variable("TRELLIS_KUBERNETES_OWNER")};
}

Result<std::string> read_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) text.assign(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad()) {
    const int why = errno == 0 ? EIO : errno;
    return fail(why == ENOENT ? Errc::not_found : Errc::invalid, "kubernetes.file",
                fmt::format("cannot read {}: {}", path, std::generic_category().message(why)));
  }
  if (text.size() > kFileBytesMax)
    return fail(Errc::invalid, "kubernetes.file", fmt::format("{} is too large", path));
  return text;
}

std::optional<std::chrono::system_clock::time_point> expiry_of(std::string_view token) {
  const auto first = token.find('.');
  const auto second = token.find('.', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto payload =
      codec::base64_decode(token.substr(first + 1, second - first - 1), codec::Base64::url);
  if (!payload) return std::nullopt;
  const auto claims = codec::json_parse(as_text(*payload));
  if (!claims || !claims->is_object()) return std::nullopt;
  const auto seconds = codec::json_uint(claims->get_object(), "exp");
  if (!seconds || !*seconds || **seconds > UINT32_MAX) return std::nullopt;
  return std::chrono::system_clock::time_point(std::chrono::seconds(**seconds));
}

}  // namespace trellis::kubernetes
