// Requests of this process: gives each an inbox of its own under one prefix and wakes who waits for
// the answer. Owned by a bus; core 0; not thread-safe. Closing it ends all requests with
// `unavailable`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lattice/bus.h"
#include "runtime/core.h"

namespace trellis::lattice {

// What a server answers when nobody listens: Status 503, and nothing else.
bool says_no_responders(const Message& message);

class BusRequests {
 public:
  // How a request leaves. False: nobody listens. A bus that learns of it later says true, and
  // answers with a message whose first header is Status: 503.
  using Send = std::function<Result<bool>(Message)>;
  explicit BusRequests(Send send);
  ~BusRequests();
  BusRequests(const BusRequests&) = delete;
  BusRequests& operator=(const BusRequests&) = delete;

  // What comes on inbox_pattern() is to be handed to answer().
  std::string inbox_pattern() const;
  bool is_inbox(std::string_view subject) const;
  // Subjects of the inbox that are not a request's: `name` is no number.
  std::string in_inbox(std::string_view name) const;
  std::string_view name_in_inbox(std::string_view subject) const;
  void answer(Message message);

  runtime::Task<Message> request(Message message, runtime::Deadline deadline);
  runtime::Task<std::vector<Message>> collect(Message message, runtime::Deadline deadline);
  // Who waits for an answer on `subject` gets `denied` with these words, at once.
  void refuse(std::string_view subject, const std::string& why);
  // Who waits now gets `unavailable` with these words, at once.
  void fail_waiting(const std::string& why);
  void close();

  static constexpr std::size_t kCollectedMax = 10'000;

 private:
  struct Table;
  std::shared_ptr<Table> table_;  // shared with the requests that wait
};

}  // namespace trellis::lattice
