#include "runtime/lookup.h"

#include <fmt/format.h>

#include <memory>
#include <optional>

#include "runtime/parking.h"

namespace trellis::runtime {
namespace {

using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;

// Shared by the resolver's handler and the coroutine that waits, which may leave first.
struct Question {
  explicit Question(Core& core) : resolver(core.executor()) {}
  Resolver resolver;
  boost::system::error_code error;
  std::optional<Resolver::results_type> answer;
  Parking* asker = nullptr;
};

}  // namespace

Task<std::vector<asio::ip::tcp::endpoint>> look_up(std::string host, std::uint16_t port,
                                                   Deadline deadline) {
  boost::system::error_code ec;
  if (const auto address = asio::ip::make_address(host, ec); !ec)
    co_return std::vector{asio::ip::tcp::endpoint(address, port)};

  Core& core = Core::current();
  Parking answered(core);
  const auto question = std::make_shared<Question>(core);
  question->asker = &answered;
  question->resolver.async_resolve(
      host, std::to_string(port),
      [question](const boost::system::error_code& error, Resolver::results_type results) {
        question->error = error;
        question->answer = std::move(results);
        if (question->asker != nullptr) question->asker->wake();
      });
  const auto how = co_await answered.wait(deadline);
  question->asker = nullptr;
  if (how == Wake::cancelled) co_return fail(Errc::cancelled, "runtime.lookup", "no longer wanted");
  if (!question->answer)
    co_return fail(Errc::timeout, "runtime.lookup",
                   fmt::format("the name '{}' was not resolved in time", host));
  if (question->error)
    co_return fail(Errc::not_found, "runtime.lookup",
                   fmt::format("the name '{}' is not known: {}", host, question->error.message()));
  std::vector<asio::ip::tcp::endpoint> endpoints;
  for (const auto& entry : *question->answer) endpoints.push_back(entry.endpoint());
  co_return endpoints;
}

}  // namespace trellis::runtime
