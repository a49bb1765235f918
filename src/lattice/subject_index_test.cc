// Goal: the index finds exactly the patterns that match, and nothing is left of what was removed.
// Method: checked against a plain comparison of tokens over many patterns and subjects.
#include "lattice/subject_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace trellis::lattice {
namespace {

struct Sub final : SubjectIndex::Entry {
  using Entry::Entry;
};

std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  for (;;) {
    const auto dot = text.find('.');
    tokens.emplace_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return tokens;
    text.remove_prefix(dot + 1);
  }
}

bool matches(std::string_view pattern, std::string_view subject) {
  const auto want = tokens_of(pattern), have = tokens_of(subject);
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (want[i] == ">") return have.size() > i;
    if (i >= have.size() || (want[i] != "*" && want[i] != have[i])) return false;
  }
  return want.size() == have.size();
}

std::string random_subject(std::mt19937& random, bool pattern) {
  static constexpr const char* kTokens[] = {"a", "b", "c", "*"};
  std::string subject;
  const auto length = 1 + random() % 4;
  for (std::size_t i = 0; i < length; ++i) {
    if (i) subject += '.';
    subject += kTokens[random() % (pattern ? 4 : 3)];
  }
  if (pattern && random() % 4 == 0) subject += ".>";
  return subject;
}

TEST(SubjectIndex, FindsExactlyWhatMatchesAndForgetsWhatIsRemoved) {
  std::mt19937 random(7);
  SubjectIndex index;
  std::vector<std::unique_ptr<Sub>> subs;
  for (int round = 0; round < 2'000; ++round) {
    if (subs.size() < 50 || random() % 2) {
      const auto* queue = random() % 3 ? "" : random() % 2 ? "q" : "r";
      subs.push_back(std::make_unique<Sub>(random_subject(random, true), queue));
      index.insert(*subs.back());
    } else {
      const auto victim = random() % subs.size();
      index.remove(*subs[victim]);
      subs.erase(subs.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    const auto subject = random_subject(random, false);
    SubjectIndex::Matches found;
    index.match(subject, found);
    std::vector<const SubjectIndex::Entry*> got(found.entries.begin(), found.entries.end()),
        expected;
    for (const auto& [name, group] : found.groups) {
      for (const auto* member : *group) {
        EXPECT_EQ(member->queue(), name);
        got.push_back(member);
      }
    }
    for (const auto& sub : subs)
      if (matches(sub->pattern(), subject)) expected.push_back(sub.get());
    std::ranges::sort(got);
    std::ranges::sort(expected);
    ASSERT_EQ(got, expected) << subject;
  }
  for (const auto& sub : subs) index.remove(*sub);
  EXPECT_EQ(index.size(), 0u);
  EXPECT_EQ(index.nodes(), 1u) << "only the root is left";
}

TEST(SubjectIndex, RemovingTwiceIsHarmless) {
  SubjectIndex index;
  Sub sub("a.b", "");
  index.insert(sub);
  index.remove(sub);
  index.remove(sub);
  EXPECT_EQ(index.size(), 0u);
}

}  // namespace
}  // namespace trellis::lattice
