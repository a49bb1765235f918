#include "runtime/parking.h"

#include "runtime/core.h"

namespace trellis::runtime {

Parking::Parking(Core& core) : io_(core.io()), deadlines_(core.deadlines()) {}

Parking::~Parking() {
  deadlines_.leave(*this);
  if (auto resume = std::exchange(resume_, nullptr)) resume(*this, false);
}

bool Parking::finish(Wake how) {
  if (how_) {
    if (delivered_ && how == Wake::woken) woken_late_ = true;
    return false;
  }
  how_ = how;
  deadlines_.leave(*this);
  if (resume_) deliver();
  return true;
}

void Parking::deliver() {
  delivered_ = true;
  std::exchange(resume_, nullptr)(*this, true);
}

}  // namespace trellis::runtime
