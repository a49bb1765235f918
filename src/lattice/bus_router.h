// The middle of the embedded bus: takes a message and gives it to everybody who listens, in this
// process or behind the front door. Owned by EmbeddedBus; core 0; not thread-safe. Handlers of this
// process never run inside route(): their messages wait in one queue, in order, that is worked off
// from the loop; its size is bounded, and what does not fit is refused (newest first).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "lattice/bus.h"
#include "lattice/parcel.h"
#include "lattice/subject_index.h"

namespace trellis::lattice {

// A subscription that can be given messages.
class Receiver : public SubjectIndex::Entry {
 public:
  using Entry::Entry;
  // May this receiver have a message published by `publisher`? (A client that wants no echo: not
  // its own.)
  virtual bool wants(const void* publisher) const = 0;
  // Whose it is: what it publishes as. Null for this process.
  virtual const void* owner() const = 0;
  // May take this receiver out of the index, but no other. False when it had no room for the
  // message.
  virtual bool deliver(Parcel& parcel) = 0;

 protected:
  ~Receiver() = default;
};

class BusRouter : public std::enable_shared_from_this<BusRouter> {
 public:
  struct Limits {
    std::size_t payload_bytes_max;
    std::size_t pending_bytes_max;
  };
  explicit BusRouter(Limits limits) : limits_(limits) {}

  void add(Receiver& receiver);
  void remove(Receiver& receiver);

  struct Routed {
    std::size_t delivered = 0;
    std::size_t refused = 0;  // by receivers without room
  };
  // `publisher` is who published: compared, never used. Not reentrant.
  Routed route(Parcel& parcel, const void* publisher);
  // One of the owner's receivers that a message on `subject` would reach, or null.
  const Receiver* receiver_of(const void* owner, std::string_view subject);

  // What Bus promises, for this process.
  Result<void> publish(Message message);
  // The same; false when nobody listens.
  Result<bool> publish_heard(Message message);
  Result<Subscription> subscribe(std::string subject, std::string queue_group,
                                 std::function<void(const Message&)> handler);

  // `tell` may run inside route(): it only takes note.
  void watch_interest(std::string subject, std::function<void(bool)> tell);

  Result<void> check(const Message& message) const;
  bool idle() const { return queue_.empty(); }
  const BusNumbers& numbers() const { return numbers_; }
  void close();  // what is queued is dropped; publish and subscribe fail from here on
  bool closed() const { return closed_; }
  std::size_t subscriptions() const { return index_.size(); }

 private:
  struct Handler;
  class LocalReceiver;
  friend class LocalReceiver;
  struct Waiting {
    std::shared_ptr<Handler> handler;
    std::shared_ptr<const Message> message;
  };

  struct Watch {
    std::string subject;
    std::function<void(bool)> tell;
    bool listening;
  };
  bool listened_to(std::string_view subject);
  void tell_watches();

  bool enqueue(const std::shared_ptr<Handler>& handler,
               const std::shared_ptr<const Message>& message);
  void schedule();
  void work_off();

  void count_out(const Message& message) {
    ++numbers_.messages_out;
    numbers_.bytes_out += message.data.size();
  }

  Limits limits_;
  std::vector<Watch> watches_;  // few
  SubjectIndex index_;
  SubjectIndex::Matches matches_;   // of the route() that runs; kept for its memory
  std::vector<Receiver*> members_;  // likewise
  std::minstd_rand random_{std::random_device{}()};
  std::deque<Waiting> queue_;
  std::size_t queued_bytes_ = 0;
  bool scheduled_ = false;
  bool closed_ = false;
  BusNumbers numbers_;
};

}  // namespace trellis::lattice
