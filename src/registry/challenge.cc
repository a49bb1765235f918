#include "registry/challenge.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace trellis::registry {
namespace {

constexpr std::size_t kHeaderBytesMax = 16'384;
constexpr std::size_t kChallengesMax = 8;
constexpr std::size_t kParametersMax = 16;

bool is_token_char(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  void skip(std::string_view these) {
    const auto n = rest_.find_first_not_of(these);
    rest_.remove_prefix(n == std::string_view::npos ? rest_.size() : n);
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view token() {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    const auto word = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(word.size());
    return word;
  }
  // A token, or a string in quotes with its backslashes taken out.
  std::optional<std::string> value() {
    if (!take('"')) {
      const auto word = token();
      return word.empty() ? std::nullopt : std::optional<std::string>(word);
    }
    std::string text;
    while (!rest_.empty()) {
      if (take('"')) return text;
      if (take('\\') && rest_.empty()) break;
      text += rest_.front();
      rest_.remove_prefix(1);
    }
    return std::nullopt;  // the quote never ends
  }

  struct Parameter {
    std::string name, value;
  };
  // name=value. When it is something else (the next challenge's scheme), nothing is taken.
  std::optional<Parameter> parameter() {
    const auto before = rest_;
    const auto name = token();
    skip(" \t");
    if (!name.empty() && take('=')) {
      skip(" \t");
      if (auto text = value()) return Parameter{lower(name), std::move(*text)};
    }
    rest_ = before;
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::string Challenge::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Reader reader(header.substr(0, kHeaderBytesMax));
  reader.skip(" \t,");
  while (!reader.at_end() && challenges.size() < kChallengesMax) {
    const auto scheme = reader.token();
    if (scheme.empty()) break;
    Challenge challenge{lower(scheme), {}};
    reader.skip(" \t");
    while (challenge.parameters.size() < kParametersMax) {
      auto parameter = reader.parameter();
      if (!parameter) break;
      challenge.parameters.insert_or_assign(std::move(parameter->name),
                                            std::move(parameter->value));
      reader.skip(" \t,");
    }
    reader.skip(" \t,");
    challenges.push_back(std::move(challenge));
  }
  return challenges;
}

std::string write_challenge(const Challenge& challenge) {
  std::string text = challenge.scheme;
  const char* before = " ";
  for (const auto& [name, value] : challenge.parameters) {
    text += before + name + "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
    before = ",";
  }
  return text;
}

}  // namespace trellis::registry
