#include "base/call_cells.h"

namespace trellis {

Outcome Outcome::of(const Error& error) {
  // The guest's own words come with a site of their own (engine/engine.h).
  if (error.code == Errc::invalid && std::string_view(error.site) == "guest.error")
    return Outcome(1);
  return of(error.code);
}

std::string_view Outcome::name() const {
  if (index_ == 0) return "ok";
  if (index_ == 1) return "actor_error";
  return to_string(static_cast<Errc>(index_ - 2));
}

CallCells::Operation& CallCells::find(std::string_view name) {
  const bool is_name = name.size() <= kNameBytesMax;
  for (std::size_t i = 0; is_name && i < operations_.size(); ++i) {
    if (operations_[i].name != name) continue;
    latest_ = i;
    return operations_[i];
  }
  const bool has_other = !operations_.empty() && operations_.back().name == kOther;
  const std::size_t named = operations_.size() - (has_other ? 1 : 0);
  if (is_name && name != kOther && named < kOperationsMax) {
    latest_ = named;
    return *operations_.insert(
        operations_.begin() + static_cast<std::ptrdiff_t>(named),
        Operation{.name = std::string(name), .outcomes = {}, .durations = {}});
  }
  if (!has_other)
    operations_.push_back({.name = std::string(kOther), .outcomes = {}, .durations = {}});
  return operations_.back();
}

void CallCells::clear() {
  for (auto& operation : operations_) {
    operation.outcomes = {};
    operation.durations = {};
  }
}

CallCells& CallCells::operator+=(const CallCells& other) {
  for (const auto& from : other.operations_) {
    Operation& to = find(from.name);
    for (std::size_t i = 0; i < Outcome::kCount; ++i) to.outcomes[i] += from.outcomes[i];
    to.durations += from.durations;
  }
  return *this;
}

}  // namespace trellis
