#include "net/http.h"

#include <boost/beast/core/string.hpp>

namespace trellis::net {

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& h : headers)
    if (boost::beast::iequals({h.name.data(), h.name.size()}, {name.data(), name.size()}))
      return h.value;
  return {};
}

HttpResponse HttpResponse::text(std::uint16_t status, std::string_view body,
                                std::string_view content_type) {
  HttpResponse response;
  response.status = status;
  // One block holds both: the body, then the type's name. Its address survives moves of the
  // response.
  response.storage.reserve(body.size() + content_type.size());
  append(response.storage, body);
  append(response.storage, content_type);
  const auto whole = BytesView(response.storage);
  response.body = whole.first(body.size());
  response.headers.push_back({"Content-Type", as_text(whole.subspan(body.size()))});
  return response;
}

}  // namespace trellis::net
