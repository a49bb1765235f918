#include "runtime/task.h"

#include <boost/asio/error.hpp>

namespace trellis::runtime {
namespace {

Errc code_of(const boost::system::error_code& ec) {
  namespace e = asio::error;
  if (ec == e::operation_aborted) return Errc::cancelled;
  if (ec == e::timed_out) return Errc::timeout;
  if (ec == e::access_denied || ec == boost::system::errc::operation_not_permitted)
    return Errc::denied;
  if (ec == e::no_descriptors || ec == e::no_memory || ec == e::no_buffer_space)
    return Errc::exhausted;
  return Errc::unavailable;
}

}  // namespace

Error error_from(const boost::system::error_code& ec, const char* site, std::string what) {
  what += ": ";
  what += ec.message();
  return Error{code_of(ec), site, std::move(what)};
}

}  // namespace trellis::runtime
