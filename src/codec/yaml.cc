#include "codec/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace trellis::codec {
namespace {

constexpr int kDepthMax = 32;
constexpr std::size_t kEventsMax = 1'000'000;

// Walks the parser's events into a value.
class Reader {
 public:
  Reader(std::string_view text, YamlLines* lines) : lines_(lines) {
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (ready_)
      yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                   text.size());
  }
  ~Reader() {
    drop();
    if (ready_) yaml_parser_delete(&parser_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<boost::json::value> document() {
    TRY_OK(next());  // stream start
    TRY_OK(next());
    if (event_.type == YAML_STREAM_END_EVENT) return boost::json::value(nullptr);
    TRY_OK(next());
    return value(0);
  }

 private:
  Result<void> next() {
    drop();
    if (!ready_ || ++events_ > kEventsMax) return wrong("it is too large");
    if (yaml_parser_parse(&parser_, &event_) != 1)
      return fail(Errc::invalid, "codec.yaml",
                  fmt::format("line {}: {}", parser_.problem_mark.line + 1,
                              parser_.problem != nullptr ? parser_.problem : "not YAML"));
    held_ = true;
    return {};
  }
  void drop() {
    if (held_) yaml_event_delete(&event_);
    held_ = false;
  }
  tl::unexpected<Error> wrong(std::string_view what) const {
    return fail(Errc::invalid, "codec.yaml",
                fmt::format("line {}: {}", event_.start_mark.line + 1, what));
  }
  std::string scalar() const {
    return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length};
  }

  Result<boost::json::value> value(int depth) {
    if (depth > kDepthMax) return wrong("it is nested too deep");
    if (lines_ != nullptr) (*lines_)[path_] = event_.start_mark.line + 1;
    switch (event_.type) {
      case YAML_SCALAR_EVENT: {
        bool plain = event_.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        std::string text = scalar();
        if (plain && (text.empty() || text == "~" || text == "null"))
          return boost::json::value(nullptr);
        return boost::json::value(text);
      }
      case YAML_SEQUENCE_START_EVENT:
        return sequence(depth);
      case YAML_MAPPING_START_EVENT:
        return mapping(depth);
      default:
        return wrong("anchors and references are not read here");
    }
  }

  Result<boost::json::value> sequence(int depth) {
    boost::json::array list;
    const std::size_t here = path_.size();
    while (true) {
      path_.resize(here);
      TRY_OK(next());
      if (event_.type == YAML_SEQUENCE_END_EVENT) return boost::json::value(std::move(list));
      path_ += "/" + std::to_string(list.size());
      TRY(boost::json::value element, value(depth + 1));
      list.push_back(std::move(element));
    }
  }

  Result<boost::json::value> mapping(int depth) {
    boost::json::object map;
    const std::size_t here = path_.size();
    while (true) {
      path_.resize(here);
      TRY_OK(next());
      if (event_.type == YAML_MAPPING_END_EVENT) return boost::json::value(std::move(map));
      if (event_.type != YAML_SCALAR_EVENT) return wrong("the name of a member must be plain text");
      std::string key = scalar();
      path_ += "/" + key;
      TRY_OK(next());
      TRY(map[key], value(depth + 1));
    }
  }

  YamlLines* lines_;
  std::string path_;  // of the value that is read
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool ready_ = false;
  bool held_ = false;
  std::size_t events_ = 0;
};

}  // namespace

Result<boost::json::value> parse_yaml(std::string_view text, YamlLines* lines) {
  return Reader(text, lines).document();
}

}  // namespace trellis::codec
