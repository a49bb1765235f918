// Goal: how questions, answers, changes and claims meet, whatever comes first. A host's cores, its
// bus without a front door, and a policy service that answers when the test says so.
#include "host/policy.h"

#include <gtest/gtest.h>

#include <deque>

#include "codec/json.h"
#include "lattice/embedded_bus.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;
using runtime::Deadline;

constexpr auto kLong = 60s;

class PolicyTest : public ::testing::Test {
 protected:
  PolicyTest() {
    cores_ = *runtime::Cores::start({.count = 2, .pin = false});
    target_.subject = "M1";
    target_.issuer = "A1";
    run([this] { return begin(); });
  }
  ~PolicyTest() override {
    run([this] { return end(); });
  }

  void run(std::function<runtime::Task<void>()> work, unsigned core = 0) {
    const auto done = cores_->run_blocking<void>(core, std::move(work));
    EXPECT_TRUE(done) << done.error().describe();
  }

  runtime::Task<void> begin() {
    CO_TRY(bus_, co_await lattice::EmbeddedBus::start({.address = ""}));
    tasks_ = std::make_unique<runtime::TaskGroup>(runtime::Core::current());
    policy_ = std::make_unique<Policy>(
        Policy::Setup{.cores = *cores_,
                      .bus = *bus_,
                      .tasks = *tasks_,
                      .topic = "ask",
                      .changes_topic = "changes",
                      .timeout = kLong,
                      .host = {},
                      .claims_of = [this](const std::string& key) -> std::optional<Policy::Claims> {
                        if (key == "unknown") return std::nullopt;
                        return Policy::Claims{issuer_, ""};
                      }});
    CO_TRY_OK(policy_->subscribe());
    CO_TRY(service_, bus_->subscribe("ask", "", [this](const lattice::Message& question) {
      questions_.push_back(question);
      if (quick_) static_cast<void>(answer(*quick_));
    }));
    co_return Result<void>{};
  }

  runtime::Task<void> end() {
    tasks_->cancel();
    CO_TRY_OK(co_await tasks_->join(Deadline::in(kLong)));
    service_.reset();
    policy_.reset();
    CO_TRY_OK(co_await bus_->stop(Deadline::in(kLong)));
    bus_.reset();
    tasks_.reset();
    co_return Result<void>{};
  }

  // --- on core 0 ---

  runtime::Task<void> turn() {  // lets everything that is ready run
    for (int i = 0; i < 100; ++i) co_await runtime::Core::current().yield_low_priority();
    co_return Result<void>{};
  }
  // What becomes of a call is in outcomes_, in the order in which they end.
  runtime::Task<void> call(std::string source, Deadline deadline) {
    const lattice::Entity from{.public_key = std::move(source), .link_name = {}, .contract_id = {}};
    outcomes_.push_back(co_await policy_->ask_for_call(from, target_, deadline));
    co_return Result<void>{};
  }
  void begin_call(const std::string& source, Deadline deadline = Deadline::in(kLong)) {
    tasks_->spawn("call", call(source, deadline));
  }
  std::string request_id(const lattice::Message& question) const {
    return std::string(codec::json_parse(as_text(question.data))->at("requestId").as_string());
  }
  Result<void> answer(const std::string& body) {  // the oldest question
    const auto question = std::move(questions_.front());
    questions_.pop_front();
    return say(question.reply, body);
  }
  Result<void> say(const std::string& subject, const std::string& body) {
    lattice::Message message;
    message.subject = subject;
    message.data = to_bytes(body);
    return bus_->publish(std::move(message));
  }
  bool permits(const std::string& source) const {
    return policy_->permits({.public_key = source, .link_name = {}, .contract_id = {}}, "M1");
  }

  std::unique_ptr<runtime::Cores> cores_;
  std::unique_ptr<lattice::EmbeddedBus> bus_;
  std::unique_ptr<runtime::TaskGroup> tasks_;
  std::unique_ptr<Policy> policy_;
  lattice::Subscription service_;
  claims::ActorClaims target_;
  std::string issuer_ = "A1";
  std::optional<std::string> quick_;  // an answer at once
  std::deque<lattice::Message> questions_;
  std::vector<Result<void>> outcomes_;
};

constexpr const char* kYes = R"({"permitted":true})";
constexpr const char* kNo = R"({"permitted":false,"message":"no"})";
constexpr const char* kDenied = "Policy denied invocation: no";

TEST_F(PolicyTest, WhatIsDecidedIsKnownOnEveryCore) {
  quick_ = kYes;
  run(
      [this]() -> runtime::Task<void> {
        EXPECT_FALSE(permits("V"));
        co_return co_await call("V", Deadline::in(kLong));
      },
      1);
  ASSERT_EQ(outcomes_.size(), 1U);
  EXPECT_TRUE(outcomes_[0]);
  for (const unsigned core : {0U, 1U}) {
    run(
        [this]() -> runtime::Task<void> {
          EXPECT_TRUE(permits("V"));
          EXPECT_FALSE(permits("another"));
          co_return Result<void>{};
        },
        core);
  }
}

TEST_F(PolicyTest, ARefusalIsKnownToo) {
  quick_ = kNo;
  run([this]() -> runtime::Task<void> {
    CO_TRY_OK(co_await call("V", Deadline::in(kLong)));
    EXPECT_FALSE(permits("V"));
    quick_ = kYes;  // nobody asks
    co_return co_await call("V", Deadline::in(kLong));
  });
  ASSERT_EQ(outcomes_.size(), 2U);
  for (const auto& outcome : outcomes_) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::denied);
    EXPECT_EQ(outcome.error().detail, kDenied);
  }
}

TEST_F(PolicyTest, CallsOfOnePairAreOneQuestion) {
  run([this]() -> runtime::Task<void> {
    for (const char* source : {"V", "V", "W", "V"}) begin_call(source);
    CO_TRY_OK(co_await turn());
    EXPECT_EQ(questions_.size(), 2U);
    EXPECT_TRUE(outcomes_.empty());
    CO_TRY_OK(answer(kYes));
    CO_TRY_OK(co_await turn());
    EXPECT_EQ(outcomes_.size(), 3U);
    EXPECT_TRUE(permits("V"));
    EXPECT_FALSE(permits("W"));
    CO_TRY_OK(answer(kNo));
    CO_TRY_OK(co_await turn());
    EXPECT_EQ(outcomes_.size(), 4U);
    EXPECT_FALSE(outcomes_.back());
    co_return Result<void>{};
  });
}

TEST_F(PolicyTest, AChangeThatOvertakesTheAnswerCounts) {
  run([this]() -> runtime::Task<void> {
    begin_call("V");
    CO_TRY_OK(co_await turn());
    CO_TRY_OK(say("changes", R"({"request_id":")" + request_id(questions_.front()) +
                                 R"(","permitted":false,"message":"no"})"));
    CO_TRY_OK(answer(kYes));
    CO_TRY_OK(co_await turn());
    EXPECT_EQ(outcomes_.at(0).error().detail, kDenied);
    EXPECT_FALSE(permits("V"));
    co_return co_await call("V", Deadline::in(kLong));
  });
  EXPECT_EQ(outcomes_.at(1).error().detail, kDenied) << "and is what is kept";
}

TEST_F(PolicyTest, AChangeReachesTheOtherCores) {
  quick_ = kYes;
  run([this]() -> runtime::Task<void> {
    std::string id;
    quick_.reset();
    begin_call("V");
    CO_TRY_OK(co_await turn());
    id = request_id(questions_.front());
    CO_TRY_OK(answer(kYes));
    CO_TRY_OK(co_await turn());
    EXPECT_TRUE(permits("V"));
    CO_TRY_OK(say("changes", R"({"request_id":")" + id + R"(","permitted":false})"));
    co_return co_await turn();
  });
  for (const unsigned core : {0U, 1U}) {
    run(
        [this]() -> runtime::Task<void> {
          EXPECT_FALSE(permits("V"));
          co_return Result<void>{};
        },
        core);
  }
}

TEST_F(PolicyTest, AnAnswerAboutFormerClaimsIsNotKept) {
  run([this]() -> runtime::Task<void> {
    begin_call("V");
    CO_TRY_OK(co_await turn());
    issuer_ = "A2";
    policy_->forget("V");
    CO_TRY_OK(answer(kYes));
    CO_TRY_OK(co_await turn());
    EXPECT_TRUE(outcomes_.at(0)) << "it was permitted when it was made";
    EXPECT_FALSE(permits("V"));
    begin_call("V");
    CO_TRY_OK(co_await turn());
    EXPECT_EQ(questions_.size(), 1U);
    EXPECT_NE(as_text(questions_.front().data).find(R"("issuer":"A2")"), std::string_view::npos);
    co_return Result<void>{};
  });
}

TEST_F(PolicyTest, ACallerWaitsNoLongerThanItMay) {
  run([this]() -> runtime::Task<void> {
    begin_call("V");
    CO_TRY_OK(co_await call("V", Deadline::in(1ms)));
    EXPECT_EQ(outcomes_.at(0).error().code, Errc::timeout);
    CO_TRY_OK(answer(kYes));
    CO_TRY_OK(co_await turn());
    EXPECT_TRUE(outcomes_.at(1)) << "the other one waits on";
    co_return Result<void>{};
  });
}

TEST_F(PolicyTest, NobodyIsAskedAboutAStranger) {
  run([this]() -> runtime::Task<void> { return call("unknown", Deadline::in(kLong)); });
  EXPECT_EQ(outcomes_.at(0).error().detail, "Policy denied invocation: reason not specified");
  EXPECT_TRUE(questions_.empty());
}

TEST_F(PolicyTest, TooManyOpenQuestionsAreRefused) {
  run([this]() -> runtime::Task<void> {
    for (int i = 0; i < 1'001; ++i) begin_call("V" + std::to_string(i));
    EXPECT_EQ(outcomes_.size(), 1U);
    EXPECT_EQ(outcomes_.at(0).error().code, Errc::exhausted);
    co_return Result<void>{};
  });
}

TEST_F(PolicyTest, StartsAreAskedAboutEachTime) {
  quick_ = kYes;
  run([this]() -> runtime::Task<void> {
    const PolicyStart actor{
        .public_key = "M1", .issuer = "A1", .contract_id = "", .link_name = "", .provider = false};
    CO_TRY_OK(co_await policy_->ask_for_start(actor));
    quick_ = kNo;
    const auto denied = co_await policy_->ask_for_start(actor);
    EXPECT_EQ(denied.error().detail, "Starting actor M1 denied: no");
    service_.reset();
    const auto alone = co_await policy_->ask_for_start(actor);
    EXPECT_EQ(alone.error().detail,
              "Starting actor M1 denied: No responders to policy request (policy server not "
              "listening?)");
    co_return Result<void>{};
  });
}

}  // namespace
}  // namespace trellis::host
