// The order in which commands to scale actors came. One that has to load the actor first takes as
// long as that does, and one that came later may be ready before it: then the earlier must not undo
// what the later did, for the later was acknowledged last. Used by ActorTable; core 0.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace trellis::host {

class ScaleOrder {
  struct Actor {
    std::uint64_t arrived = 0, carried_out = 0;
    std::size_t under_way = 0;
  };

 public:
  // One command, from its arrival until it has been carried out or given up.
  class Command {
   public:
    Command(ScaleOrder& order, const std::string& actor)
        : order_(order),
          place_(order.actors_.try_emplace(actor).first),
          number_(++place_->second.arrived) {
      ++place_->second.under_way;
    }
    ~Command() {
      if (--place_->second.under_way == 0) order_.actors_.erase(place_);
    }
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    // It is its turn. False: one that came after it was carried out already.
    bool carry_out() {
      auto& carried_out = place_->second.carried_out;
      if (number_ < carried_out) return false;
      carried_out = number_;
      return true;
    }

   private:
    ScaleOrder& order_;
    const std::map<std::string, Actor>::iterator place_;
    const std::uint64_t number_;
  };

  std::size_t actors() const { return actors_.size(); }  // with commands under way

 private:
  std::map<std::string, Actor> actors_;
};

}  // namespace trellis::host
