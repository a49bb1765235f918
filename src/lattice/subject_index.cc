#include "lattice/subject_index.h"

#include <utility>

#include "base/check.h"

namespace trellis::lattice {

namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

// The first token of `rest`, which is cut off it.
std::string_view take_token(std::string_view& rest) {
  const auto dot = rest.find('.');
  const auto token = rest.substr(0, dot);
  rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
  return token;
}

}  // namespace

struct SubjectIndex::Leaf {
  Group plain;
  std::unordered_map<std::string, Group, TextHash, std::equal_to<>> queues;  // none is empty
  bool empty() const { return plain.empty() && queues.empty(); }
};

// The place of a subject's first tokens. '*' and '>' have children of their own: no literal token
// is equal to them.
struct SubjectIndex::Node {
  Node* parent = nullptr;
  std::string token;
  std::unordered_map<std::string, std::unique_ptr<Node>, TextHash, std::equal_to<>> children;
  Leaf here;  // patterns that end at this token
  Leaf rest;  // patterns that go on with '>'
};

SubjectIndex::SubjectIndex() : root_(std::make_unique<Node>()) {}
SubjectIndex::~SubjectIndex() = default;

bool SubjectIndex::ends_in_rest(std::string_view pattern) {
  return pattern == ">" || pattern.ends_with(".>");
}

void SubjectIndex::insert(Entry& entry) {
  CHECK(!entry.node_);
  Node* node = root_.get();
  const bool rest_wanted = ends_in_rest(entry.pattern_);
  std::string_view rest = entry.pattern_;
  if (rest_wanted) rest.remove_suffix(rest.size() == 1 ? 1 : 2);
  while (!rest.empty()) {
    const auto token = take_token(rest);
    auto found = node->children.find(token);
    if (found == node->children.end()) {
      auto child = std::make_unique<Node>();
      child->parent = node;
      child->token = token;
      found = node->children.emplace(child->token, std::move(child)).first;
    }
    node = found->second.get();
  }
  auto& leaf = rest_wanted ? node->rest : node->here;
  auto& members = entry.queue_.empty() ? leaf.plain : leaf.queues[entry.queue_];
  entry.node_ = node;
  entry.position_ = members.size();
  members.push_back(&entry);
  ++size_;
}

void SubjectIndex::remove(Entry& entry) {
  if (!entry.node_) return;
  Node* const node = std::exchange(entry.node_, nullptr);
  auto& leaf = ends_in_rest(entry.pattern_) ? node->rest : node->here;
  const auto queue = entry.queue_.empty() ? leaf.queues.end() : leaf.queues.find(entry.queue_);
  auto& members = entry.queue_.empty() ? leaf.plain : queue->second;
  members[entry.position_] = members.back();
  members[entry.position_]->position_ = entry.position_;
  members.pop_back();
  if (members.empty() && !entry.queue_.empty()) leaf.queues.erase(queue);
  --size_;
  prune(node);
}

void SubjectIndex::prune(Node* node) {
  while (node->parent && node->children.empty() && node->here.empty() && node->rest.empty()) {
    Node* const parent = node->parent;
    parent->children.erase(parent->children.find(node->token));
    node = parent;
  }
}

void SubjectIndex::add(const Leaf& leaf, Matches& found) {
  found.entries.insert(found.entries.end(), leaf.plain.begin(), leaf.plain.end());
  for (const auto& [name, group] : leaf.queues)
    found.groups.emplace_back(name, const_cast<Group*>(&group));
}

void SubjectIndex::match(std::string_view subject, Matches& found) const {
  if (!subject.empty()) match_at(*root_, subject, found);
}

// As deep as the subject has tokens, which valid_subject bounds.
void SubjectIndex::match_at(const Node& node, std::string_view rest, Matches& found) {
  if (rest.empty()) return add(node.here, found);
  add(node.rest, found);
  if (node.children.empty()) return;
  const auto token = take_token(rest);
  if (const auto literal = node.children.find(token); literal != node.children.end())
    match_at(*literal->second, rest, found);
  if (const auto any = node.children.find(std::string_view("*")); any != node.children.end())
    match_at(*any->second, rest, found);
}

std::size_t SubjectIndex::nodes() const {
  std::size_t count = 0;
  std::vector<const Node*> open{root_.get()};
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    ++count;
    for (const auto& [token, child] : node->children) open.push_back(child.get());
  }
  return count;
}

}  // namespace trellis::lattice
