// Any bytes as the argument of every operation: what is accepted holds views that can be read, and
// a message that was accepted reads the same after it was written.
#include <numeric>
#include <string_view>

#include "base/check.h"
#include "capability/http_client_contract.h"
#include "capability/keyvalue_contract.h"
#include "capability/kubernetes_contract.h"
#include "capability/messaging_contract.h"

namespace {

using namespace trellis;
using namespace trellis::capability;

constexpr std::string_view kKeyValueOperations[] = {
    "KeyValue.Get",       "KeyValue.Set",      "KeyValue.Del",     "KeyValue.Contains",
    "KeyValue.Increment", "KeyValue.ListAdd",  "KeyValue.ListDel", "KeyValue.ListClear",
    "KeyValue.ListRange", "KeyValue.SetAdd",   "KeyValue.SetDel",  "KeyValue.SetIntersection",
    "KeyValue.SetUnion",  "KeyValue.SetQuery", "KeyValue.SetClear"};

volatile unsigned sink;

void touch(std::string_view text) { sink = std::accumulate(text.begin(), text.end(), 0u); }

void key_value(BytesView in) {
  for (const auto operation : kKeyValueOperations) {
    const auto call = decode_key_value_call(operation, in);
    if (!call) continue;
    touch(call->key);
    touch(call->value);
    for (const auto name : call->names) touch(name);
  }
}

void messaging(BytesView in) {
  if (const auto request = decode_request_message(in)) touch(as_text(request->body));
  const auto message = decode_pub_message(in);
  if (!message) return;
  const Bytes written = encode_message(message->subject, message->reply_to, message->body);
  const auto again = decode_pub_message(written);
  CHECK(again && again->subject == message->subject && again->reply_to == message->reply_to);
  CHECK(as_text(again->body) == as_text(message->body));
}

void http_client(BytesView in) {
  const auto call = decode_http_client_call(in);
  if (!call) return;
  touch(call->method);
  touch(call->url);
  touch(as_text(call->body));
  const Bytes answer = encode_http_client_answer(200, call->headers, call->body);
  CHECK(answer.size() >= call->body.size());
}

void kubernetes(BytesView in) {
  Bytes storage;
  if (const auto manifests = decode_manifests(in, storage)) touch(as_text(*manifests));
  for (const auto& query : {decode_delete_request(in), decode_list_request(in)}) {
    if (!query) continue;
    for (const auto text : {query->group, query->version, query->kind, query->name,
                            query->namespace_, query->label_selector})
      touch(text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  key_value(in);
  kubernetes(in);
  messaging(in);
  http_client(in);
  return 0;
}
