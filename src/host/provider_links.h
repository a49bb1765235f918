// The links of one provider in a process of its own: what that process has been told, what it must
// be told next, and which link it died of. Providers keep one link per actor and do not answer
// (docs/protocol.md §3.8): a changed link is taken back first, and what a process was told is known
// only here. A value; core 0. Used by ProviderProcess.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lattice/link.h"

namespace trellis::host {

// Between two things that a provider of 2022 is told of one actor: it hears of what is put and of
// what is taken back in two tasks (docs/protocol.md §3.8).
inline constexpr std::chrono::milliseconds kLinkChangeSettles{100};

class ProviderLinks {
 public:
  struct Step {
    lattice::Link link;
    bool gone = false;  // take it back, else put it
  };

  // A new process knows nothing yet. What it is told with its start: all that are wanted, or none
  // when they are to be handed over one by one.
  std::vector<lattice::Link> begin(const std::vector<lattice::Link>& wanted, bool one_by_one);

  // What the process must be told so that it knows the wanted ones and no others: first what is
  // taken back, then what is put.
  std::vector<Step> missing(const std::vector<lattice::Link>& wanted) const;
  void told(const Step& step);

  // What the process answered about a link it was told of, if it is one that answers: "" that it
  // took it; else whether it may take it another time.
  void answered(const lattice::Link& link, std::string trouble, bool may_pass = false);
  std::vector<lattice::Link> unanswered() const;
  std::vector<lattice::Link> worth_trying_again() const;

  // The process ended of this link: it gets it no more until it changes or is put again.
  void blame(const lattice::Link& link, std::string why);
  // Somebody puts it again: it is told even if it was, for the process may not have taken it.
  void again(const lattice::Link& link);
  // Why a link does not work: it is withheld, or was refused. "" when nothing is known against it.
  std::string trouble(const lattice::Link& link) const;

  bool was_told(const lattice::Link& link) const;
  std::size_t known() const { return told_.size(); }

 private:
  struct Blamed {
    lattice::Link link;
    std::string why;
  };
  struct Told {
    lattice::Link link;
    std::optional<std::string> answer;
    bool may_pass = false;
  };
  bool is_withheld(const lattice::Link& link) const;

  std::map<std::string, Told> told_;      // by actor
  std::map<std::string, Blamed> blamed_;  // by actor
};

}  // namespace trellis::host
