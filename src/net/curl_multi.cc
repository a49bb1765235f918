#include "net/curl_multi.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace trellis::net {
namespace {

namespace asio = boost::asio;

constexpr long kKeptConnections = 128;

}  // namespace

CurlMulti::CurlMulti(runtime::Core& core) : core_(core), multi_(curl_multi_init()) {
  CHECK(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kKeptConnections);
}

CurlMulti::~CurlMulti() { close(); }

bool CurlMulti::add(CurlTransfer& transfer) {
  curl_easy_setopt(transfer.easy, CURLOPT_PRIVATE, &transfer);
  if (curl_multi_add_handle(multi_, transfer.easy) != CURLM_OK) return false;
  running_.push_back(&transfer);
  return true;
}

void CurlMulti::remove(CurlTransfer& transfer) {
  if (std::erase(running_, &transfer) > 0) curl_multi_remove_handle(multi_, transfer.easy);
}

void CurlMulti::close() {
  if (multi_ == nullptr) return;
  for (auto* transfer : std::exchange(running_, {})) {
    curl_multi_remove_handle(multi_, transfer->easy);
    transfer->result = CURLE_ABORTED_BY_CALLBACK;
    transfer->done.wake();
  }
  core_.deadlines().leave(*this);
  for (auto& [socket, watch] : watches_) {
    watch->wanted = 0;
    watch->descriptor.release();
  }
  watches_.clear();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, nullptr);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, nullptr);
  curl_multi_cleanup(std::exchange(multi_, nullptr));
}

int CurlMulti::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  static_cast<CurlMulti*>(self)->watch(socket, what);
  return 0;
}

int CurlMulti::on_timer(CURLM*, long timeout_ms, void* self) {
  auto& multi = *static_cast<CurlMulti*>(self);
  multi.core_.deadlines().leave(multi);
  if (timeout_ms >= 0) {  // also 0 through the loop: curl must not be called from its own callback
    multi.core_.deadlines().enter(multi,
                                  runtime::Deadline::in(std::chrono::milliseconds(timeout_ms)).at);
  }
  return 0;
}

void CurlMulti::due() { act(CURL_SOCKET_TIMEOUT, 0); }

void CurlMulti::watch(curl_socket_t socket, int what) {
  if (what == CURL_POLL_REMOVE) {
    const auto node = watches_.extract(socket);
    if (node.empty()) return;
    node.mapped()->wanted = 0;
    node.mapped()->descriptor.release();
    return;
  }
  auto& watch = watches_[socket];
  if (!watch) {
    watch = std::make_shared<Watch>(core_);
    boost::system::error_code ignored;  // a socket that cannot be watched fails at its deadline
    watch->descriptor.assign(socket, ignored);
  }
  watch->wanted = what;
  arm(watch, true);
  arm(watch, false);
}

void CurlMulti::arm(std::shared_ptr<Watch> watch, bool read) {
  bool& waiting = read ? watch->reading : watch->writing;
  const int poll = read ? CURL_POLL_IN : CURL_POLL_OUT;
  if (waiting || (watch->wanted & poll) == 0) return;
  waiting = true;
  auto& descriptor = watch->descriptor;
  descriptor.async_wait(
      read ? asio::posix::descriptor_base::wait_read : asio::posix::descriptor_base::wait_write,
      [self = shared_from_this(), watch = std::move(watch), read,
       poll](const boost::system::error_code& ec) {
        (read ? watch->reading : watch->writing) = false;
        if (ec || (watch->wanted & poll) == 0) return;
        self->act(watch->descriptor.native_handle(), read ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
        self->arm(watch, read);
      });
}

void CurlMulti::act(curl_socket_t socket, int events) {
  if (multi_ == nullptr) return;
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CurlTransfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->result = message->data.result;  // `message` is gone with the handle
    remove(*transfer);
    transfer->done.wake();
  }
}

}  // namespace trellis::net
