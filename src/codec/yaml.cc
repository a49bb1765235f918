#include "codec/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <map>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "codec/yaml_scalar.h"

namespace trellis::codec {
namespace {

namespace json = boost::json;

constexpr const char* kSite = "codec.yaml";
constexpr std::size_t kPathMax = 1'000;    // of a value whose line is told: each path is a copy
constexpr std::size_t kTextOfAValue = 16;  // bytes that cost as much as a value
constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// Walks the parser's events into values.
class Reader {
 public:
  Reader(std::string_view text, YamlScalars scalars, YamlLimits limits, YamlLines* lines)
      : scalars_(scalars), limits_(limits), lines_(lines) {
    if (text.data() == nullptr) text = "";  // which libyaml takes for a mistake of its caller
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

  Result<std::vector<json::value>> documents() {
    std::vector<json::value> all;
    TRY_OK(next());  // stream start
    while (true) {
      TRY_OK(next());
      if (event_.type == YAML_STREAM_END_EVENT) return all;
      if (all.size() >= limits_.documents_max)
        return wrong(fmt::format("there are more than {} documents", limits_.documents_max));
      anchors_.clear();
      TRY_OK(next());
      TRY(auto document, value(0));
      lines_ = nullptr;
      all.push_back(std::move(document.value));
      TRY_OK(next());  // document end
    }
  }

 private:
  struct Counted {
    json::value value;
    std::size_t size = 1;  // values in it, itself too; long text counts as several
    int depth = 0;         // levels below it

    void holds(const Counted& inner, std::string_view key = {}) {
      size += inner.size + key.size() / kTextOfAValue;
      depth = std::max(depth, inner.depth + 1);
    }
  };

  Result<void> next() {
    drop();
    if (!ready_) return fail(Errc::internal, kSite, "libyaml does not start");
    if (yaml_parser_parse(&parser_, &event_) != 1)
      return fail(Errc::invalid, kSite,
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
    return fail(Errc::invalid, kSite, fmt::format("line {}: {}", event_.start_mark.line + 1, what));
  }
  std::string_view scalar_text() const {
    return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length};
  }
  Result<void> count(std::size_t size) {
    values_ += size;
    if (values_ > limits_.values_max) return wrong("it is too large");
    return {};
  }

  Result<Counted> value(int depth) {
    if (depth > limits_.depth_max) return wrong("it is nested too deep");
    if (lines_ != nullptr && path_.size() <= kPathMax)
      (*lines_)[path_] = event_.start_mark.line + 1;
    if (event_.type == YAML_ALIAS_EVENT) return referred(depth);
    TRY_OK(count(1));
    std::string anchor(text_of(anchor_of(event_)));
    TRY(auto read, fresh(depth));
    if (anchor.empty()) return read;
    TRY_OK(count(read.size));  // it is kept beside what it is part of
    anchors_[std::move(anchor)] = read;
    return read;
  }
  static const yaml_char_t* anchor_of(const yaml_event_t& event) {
    if (event.type == YAML_SCALAR_EVENT) return event.data.scalar.anchor;
    if (event.type == YAML_SEQUENCE_START_EVENT) return event.data.sequence_start.anchor;
    return event.type == YAML_MAPPING_START_EVENT ? event.data.mapping_start.anchor : nullptr;
  }
  Result<Counted> fresh(int depth) {
    switch (event_.type) {
      case YAML_SCALAR_EVENT:
        return scalar();
      case YAML_SEQUENCE_START_EVENT:
        return sequence(depth);
      case YAML_MAPPING_START_EVENT:
        return mapping(depth);
      default:
        return wrong("a value is missing");
    }
  }
  // A value is known by its anchor when it is whole: nothing can hold itself.
  Result<Counted> referred(int depth) {
    const auto found = anchors_.find(text_of(event_.data.alias.anchor));
    if (found == anchors_.end())
      return wrong(fmt::format("*{} refers to nothing that was read before",
                               text_of(event_.data.alias.anchor)));
    if (depth + found->second.depth > limits_.depth_max) return wrong("it is nested too deep");
    TRY_OK(count(found->second.size));
    return found->second;
  }

  Result<Counted> scalar() {
    TRY(auto value, scalar_value());
    return Counted{std::move(value), 1 + scalar_text().size() / kTextOfAValue};
  }
  Result<json::value> scalar_value() {
    const auto text = scalar_text();
    const auto tag = text_of(event_.data.scalar.tag);
    const bool plain = event_.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const bool as_text = tag == "!" || (tag.starts_with(kCoreTag) && tag.ends_with(":str"));
    if (!tag.empty() && !as_text && !tag.starts_with(kCoreTag))
      return wrong(fmt::format("the tag '{}' means nothing here", tag));
    if (as_text || (!plain && tag.empty())) return json::value(text);
    if (scalars_ == YamlScalars::resolved) return yaml_plain_scalar(text);
    if (text.empty() || text == "~" || text == "null") return json::value(nullptr);
    return json::value(text);
  }

  Result<Counted> sequence(int depth) {
    Counted list{json::array()};
    const auto here = path_.size();
    while (true) {
      path_.resize(here);
      TRY_OK(next());
      if (event_.type == YAML_SEQUENCE_END_EVENT) return list;
      path_ += fmt::format("/{}", list.value.get_array().size());
      TRY(auto element, value(depth + 1));
      list.holds(element);
      list.value.get_array().push_back(std::move(element.value));
    }
  }

  Result<Counted> mapping(int depth) {
    Counted map{json::object()};
    const auto here = path_.size();
    while (true) {
      path_.resize(here);
      TRY_OK(next());
      if (event_.type == YAML_MAPPING_END_EVENT) return map;
      if (event_.type != YAML_SCALAR_EVENT) return wrong("the name of a member must be plain text");
      const std::string key(scalar_text());
      if (key == "<<" && event_.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return wrong("merging with << is not read here; write the members out");
      if (limits_.unique_keys && map.value.get_object().contains(key))
        return wrong(fmt::format("`{}` is here twice in one map; take one away", key));
      path_ += "/" + key;
      TRY_OK(next());
      TRY(auto member, value(depth + 1));
      map.holds(member, key);
      map.value.get_object()[key] = std::move(member.value);
    }
  }

  const YamlScalars scalars_;
  const YamlLimits limits_;
  YamlLines* lines_;  // null after the first document
  std::string path_;  // of the value that is read
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool ready_ = false;
  bool held_ = false;
  std::size_t values_ = 0;
  std::map<std::string, Counted, std::less<>> anchors_;
};

}  // namespace

Result<std::vector<json::value>> yaml_parse(std::string_view text, YamlScalars scalars,
                                            YamlLimits limits, YamlLines* lines) {
  return Reader(text, scalars, limits, lines).documents();
}

}  // namespace trellis::codec
