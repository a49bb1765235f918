// What a foreign process writes to one of its streams, cut into lines fit for our log: bounded in
// length and number, without colours, cursor movements or forged line ends. More than it may write
// is counted and dropped, far more is read later, so that a process that fills its stream neither
// floods the log nor a core. A value of one core.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace trellis::host {

class ProcessLog {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit ProcessLog(std::function<void(std::string_view line)> sink) : sink_(std::move(sink)) {}

  void write(std::string_view bytes, Time now);
  void end(Time now);  // the stream has ended: what is left is a line
  // How long to wait before more is read; mostly 0.
  std::chrono::milliseconds pause(Time now) const;
  const std::string& last_line() const { return last_line_; }

 private:
  void begin_second(Time now);
  void finish_line(Time now);

  std::function<void(std::string_view)> sink_;
  std::string pending_, last_line_;
  Time second_{};
  std::size_t lines_ = 0, dropped_ = 0, bytes_ = 0;  // in this second
};

}  // namespace trellis::host
