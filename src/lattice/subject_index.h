// Who listens to what: subscriptions by subject pattern, found for a literal subject in time that
// grows with its tokens, not with the number of subscriptions. Owned by BusRouter; core 0; not
// thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace trellis::lattice {

class SubjectIndex {
 private:
  struct Node;
  struct Leaf;

 public:
  // A subscription. Whoever makes it keeps it at one address while it is in the index.
  class Entry {
   public:
    Entry(std::string pattern, std::string queue)
        : pattern_(std::move(pattern)), queue_(std::move(queue)) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    const std::string& pattern() const { return pattern_; }
    const std::string& queue() const { return queue_; }  // "" is no group

   protected:
    ~Entry() = default;

   private:
    friend class SubjectIndex;
    std::string pattern_, queue_;
    Node* node_ = nullptr;  // null while it is in no index
    std::size_t position_ = 0;
  };

  // Members of one queue group, by their pattern; one of them gets a message.
  using Group = std::vector<Entry*>;
  struct Matches {
    std::vector<Entry*> entries;                              // each gets the message
    std::vector<std::pair<std::string_view, Group*>> groups;  // of each name one member gets it
    void clear() {
      entries.clear();
      groups.clear();
    }
  };

  SubjectIndex();
  ~SubjectIndex();

  void insert(Entry& entry);  // its pattern is valid (valid_pattern)
  void remove(Entry& entry);  // nothing happens when it is in no index
  // Adds to `found`. Its pointers hold while the entries they name stay in the index.
  void match(std::string_view subject, Matches& found) const;
  std::size_t size() const { return size_; }
  std::size_t nodes() const;  // for tests: what is left when everything has gone is the root

 private:
  static void match_at(const Node& node, std::string_view rest, Matches& found);
  static void add(const Leaf& leaf, Matches& found);
  static bool ends_in_rest(std::string_view pattern);
  void prune(Node* node);

  std::unique_ptr<Node> root_;
  std::size_t size_ = 0;
};

}  // namespace trellis::lattice
