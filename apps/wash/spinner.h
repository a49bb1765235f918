// The turning sign that says a command is at work, on stderr. It appears only on a terminal and is
// wiped when it ends, so that only the result stays on the screen. Owns one thread while it turns.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace trellis::wash {

class Spinner {
 public:
  // Turns only if `shown` and stderr is a terminal.
  Spinner(std::string message, bool shown);
  ~Spinner() { stop(); }
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

  void say(std::string message);  // another message from the next turn on
  void stop();                    // wipes the line; before anything else is printed

 private:
  void turn();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::string message_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace trellis::wash
