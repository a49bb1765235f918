// Previews of links, as chats show them: GET /?url=<page> fetches the page and answers with its
// title.
#include "trellis/actor.h"
#include "trellis/httpclient.h"

using namespace trellis::sdk;

// The value of `name` in a query string, decoded; "" if it is not there.
std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = query.find('&');
    auto pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (!pair.starts_with(name) || pair.substr(name.size(), 1) != "=") continue;
    pair.remove_prefix(name.size() + 1);
    const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
    const auto is_hex = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    std::string value;
    for (std::size_t i = 0; i < pair.size(); ++i) {
      if (pair[i] == '%' && i + 2 < pair.size() && is_hex(pair[i + 1]) && is_hex(pair[i + 2])) {
        value += static_cast<char>(digit(pair[i + 1]) * 16 + digit(pair[i + 2]));
        i += 2;
      } else {
        value += pair[i] == '+' ? ' ' : pair[i];
      }
    }
    return value;
  }
  return {};
}

// What stands between <title> and </title>.
std::string_view title_of(std::string_view page) {
  const auto open = page.find("<title");
  const auto from = open == std::string_view::npos ? open : page.find('>', open);
  if (from == std::string_view::npos) return {};
  const auto to = page.find("</title", from);
  if (to == std::string_view::npos) return {};
  auto title = page.substr(from + 1, to - from - 1);
  const auto first = title.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return title.substr(first, title.find_last_not_of(" \t\r\n") + 1 - first);
}

struct Preview {
  HttpResponse handle(const HttpRequest& request) {
    const auto url = query_value(request.query_string, "url");
    if (url.empty()) return HttpResponse::text("ask for /?url=<page>\n", 400);
    const auto page = HttpClient().request({"GET", url, {{"accept", "text/html"}}, {}});
    // The provider's own words: the host is not allowed, does not answer, …
    if (!page) return HttpResponse::failure(page.error());
    JsonWriter json;
    json.object();
    json.key("url").string(url);
    json.key("status").number(page->status);
    json.key("title").string(title_of(page->body));
    return HttpResponse::json(json.end().take());
  }
};

TRELLIS_ACTOR(Preview)
