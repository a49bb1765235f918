// libcurl's transfers on a core's loop: sockets and time are asio's, callbacks come from the loop.
// Inside HttpClient only.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "runtime/core.h"
#include "runtime/deadline_queue.h"
#include "runtime/parking.h"

namespace trellis::net {

// One transfer while it runs; lies in the frame of the coroutine that waits for it.
struct CurlTransfer {
  explicit CurlTransfer(runtime::Core& core) : done(core), easy(curl_easy_init()) {}
  ~CurlTransfer() { curl_easy_cleanup(easy); }
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  runtime::Parking done;
  CURL* const easy;
  std::optional<CURLcode> result;
};

class CurlMulti : public std::enable_shared_from_this<CurlMulti>,
                  private runtime::DeadlineQueue::Entry {
 public:
  explicit CurlMulti(runtime::Core& core);
  ~CurlMulti();

  bool open() const { return multi_ != nullptr; }
  bool add(CurlTransfer& transfer);
  void remove(CurlTransfer& transfer);  // when it is not done; nothing happens when it is
  void close();                         // transfers end with CURLE_ABORTED_BY_CALLBACK

 private:
  using Descriptor =
      boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
  // A socket of curl's that it wants to hear of. curl closes it; asio only watches.
  struct Watch {
    explicit Watch(runtime::Core& core) : descriptor(core.executor()) {}
    Descriptor descriptor;
    int wanted = 0;  // CURL_POLL_IN, _OUT, both; 0 when it is over
    bool reading = false, writing = false;
  };

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int on_timer(CURLM*, long timeout_ms, void* self);
  void due() override;
  void watch(curl_socket_t socket, int what);
  void arm(std::shared_ptr<Watch> watch, bool read);
  void act(curl_socket_t socket, int events);

  runtime::Core& core_;
  CURLM* multi_;
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  std::vector<CurlTransfer*> running_;
};

}  // namespace trellis::net
