// HTTP headers as both HTTP contracts have them: a map from names in lower case to the values of
// that name, in order. Views in, views out. Format: docs/protocol.md §2.3.
#pragma once

#include <cstddef>
#include <string_view>

#include <boost/container/small_vector.hpp>

#include "base/result.h"
#include "codec/msgpack.h"

namespace trellis::capability {

struct HttpField {
  std::string_view name, value;
};
using HttpFields = boost::container::small_vector<HttpField, 16>;

// Names become lower case, values of one name one array in order; headers with bytes outside
// visible ASCII are left out, as in 2022.
void write_fields(codec::MsgpackWriter& out, const HttpFields& fields);
Result<void> read_fields(codec::MsgpackReader& in, HttpFields& out);  // nil: none

// Roughly what write_fields() will append.
std::size_t encoded_size(const HttpFields& fields);

}  // namespace trellis::capability
