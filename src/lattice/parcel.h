// One message on its way through the bus, from whoever published it to many: as views into the
// publisher's buffer, or as a message this process owns. What a receiver needs is made once, when
// the first asks for it. Lives for the time of one BusRouter::route().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lattice/bus.h"
#include "lattice/nats_text.h"

namespace trellis::lattice {

class Parcel {
 public:
  // Published in this process.
  explicit Parcel(Message message)
      : message_(std::make_shared<const Message>(std::move(message))),
        subject_(message_->subject),
        reply_(message_->reply),
        data_(message_->data) {}
  // Published by a client: views that hold during route(). `headers` is the block as it came, or
  // "".
  Parcel(std::string_view subject, std::string_view reply, std::string_view headers, BytesView data)
      : subject_(subject), reply_(reply), header_block_(headers), data_(data) {}
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;

  std::string_view subject() const { return subject_; }
  std::string_view reply() const { return reply_; }
  BytesView data() const { return data_; }
  std::string_view header_block() {
    if (message_ && !message_->headers.empty() && header_block_.empty()) {
      written_ = nats_header_block(message_->headers);
      header_block_ = written_;
    }
    return header_block_;
  }
  // For receivers that keep it beyond route().
  const std::shared_ptr<const Message>& message() {
    if (!message_) {
      message_ = std::make_shared<const Message>(Message{std::string(subject_), std::string(reply_),
                                                         parse_nats_header_block(header_block_),
                                                         Bytes(data_.begin(), data_.end())});
    }
    return message_;
  }

 private:
  std::shared_ptr<const Message> message_;
  std::string_view subject_, reply_, header_block_;
  std::string written_;
  BytesView data_;
};

}  // namespace trellis::lattice
