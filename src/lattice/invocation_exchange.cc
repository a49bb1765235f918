#include "lattice/invocation_exchange.h"

#include <utility>

#include "base/unix_time.h"

namespace trellis::lattice {

runtime::Task<Bytes> InvocationExchange::call(std::string subject, Bytes message, Bytes body,
                                              std::string id, runtime::Deadline deadline) {
  if (!body.empty()) CO_TRY_OK(co_await large_.put(request_object(id), std::move(body), deadline));
  auto reply = co_await bus_.request(
      {.subject = std::move(subject), .reply = {}, .headers = {}, .data = std::move(message)},
      deadline);
  if (!reply) {
    if (is_no_responders(reply.error()))
      co_return fail(Errc::not_found, "exchange.nobody", std::move(reply.error().detail));
    co_return fail(std::move(reply).error());
  }
  CO_TRY(auto response, decode_invocation_response(reply->data));
  if (response.error) co_return fail(Errc::invalid, "exchange.error", std::move(*response.error));
  const auto length = response.content_length.value_or(0);
  if (length <= response.msg.size()) co_return std::move(response.msg);
  auto taken = co_await large_.take(response_object(id), length, deadline);
  // The call was served: what is missing is its answer, and not somebody to serve it.
  if (!taken && taken.error().code == Errc::not_found)
    co_return fail(Errc::corrupt, "exchange.answer", std::move(taken.error().detail));
  co_return taken;
}

runtime::Task<void> InvocationExchange::authenticate(InvocationVerifier& verifier,
                                                     Invocation& invocation,
                                                     std::string_view subject,
                                                     runtime::Deadline deadline) {
  const auto now = now_unix();
  if (!is_body_apart(invocation)) co_return verifier.verify_arrival(invocation, subject, now);
  CO_TRY_OK(verifier.verify_head(invocation, subject, now));
  CO_TRY(invocation.msg,
         co_await large_.take(request_object(invocation.id), *invocation.content_length, deadline));
  co_return verifier.verify_body(invocation);
}

runtime::Task<void> InvocationExchange::answer(std::string to, InvocationResponse response,
                                               runtime::Deadline deadline) {
  if (to.empty()) co_return Result<void>{};
  InvocationResponse failure;
  failure.invocation_id = response.invocation_id;
  auto sent = co_await send(to, std::move(response), deadline);
  if (sent) co_return sent;
  failure.error = std::move(sent.error().detail);  // too large, or no place for it
  co_return co_await send(std::move(to), std::move(failure), deadline);
}

runtime::Task<void> InvocationExchange::send(std::string to, InvocationResponse response,
                                             runtime::Deadline deadline) {
  if (large_.is_large_response(response.msg.size()))
    CO_TRY_OK(co_await large_.put(response_object(response.invocation_id),
                                  std::exchange(response.msg, {}), deadline));
  Message message;
  message.subject = std::move(to);
  message.data = encode(response);
  co_return bus_.publish(std::move(message));
}

}  // namespace trellis::lattice
