#include "base/error.h"

namespace trellis {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid:
      return "invalid";
    case Errc::not_found:
      return "not_found";
    case Errc::denied:
      return "denied";
    case Errc::unauthenticated:
      return "unauthenticated";
    case Errc::timeout:
      return "timeout";
    case Errc::cancelled:
      return "cancelled";
    case Errc::unavailable:
      return "unavailable";
    case Errc::exhausted:
      return "exhausted";
    case Errc::trapped:
      return "trapped";
    case Errc::corrupt:
      return "corrupt";
    case Errc::internal:
      return "internal";
  }
  return "internal";
}

std::string Error::describe() const {
  std::string text = detail.empty() ? std::string(to_string(code)) : detail;
  if (*site != '\0') {
    text += " [";
    text += site;
    text += ']';
  }
  return text;
}

}  // namespace trellis
