#include "host/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "artifact/foreign_text.h"
#include "base/log.h"
#include "base/unix_time.h"
#include "codec/cloud_event.h"
#include "codec/json.h"
#include "host/parts.h"
#include "runtime/parking.h"

namespace trellis::host {
namespace {

constexpr const char* kSite = "host.policy";
constexpr std::size_t kQuestionsMax = 1'000;  // about calls, open at once; more are refused

CallView view_of(const lattice::Entity& source, std::string_view target_key) {
  return {source.public_key, source.contract_id, source.link_name, target_key};
}

CallKey key_of(const PolicyCall& call) {
  return {call.source.public_key, call.source.contract_id, call.source.link_name, call.target_key};
}

Result<void> outcome_of(const PolicyDecision& decision) {
  if (decision.permitted) return {};
  return fail(Errc::denied, kSite, fmt::format("Policy denied invocation: {}", decision.message));
}

// Why the service gave no answer, in the words of 2022.
std::string reason_for(const Error& error) {
  if (error.code == Errc::unavailable)
    return "No responders to policy request (policy server not listening?)";
  if (error.code == Errc::timeout) return "Policy request timed out";
  return error.detail;
}

}  // namespace

// One that the service has not answered yet. Those who wait for it are in their own frames, on core
// 0; it lives until the last of them has gone.
struct Policy::Question {
  PolicyCall call;
  CallKey key;
  std::string request_id;
  std::vector<runtime::Parking*> waiting;
  std::optional<PolicyDecision> changed;  // the service thought better of it meanwhile
  std::optional<Result<PolicyDecision>> answer;
  bool outdated = false;  // the claims it told of have changed: its answer does not last
};

Policy::Policy(Setup setup)
    : setup_(std::move(setup)), decisions_(std::make_shared<std::vector<PolicyDecisions>>()) {
  decisions_->reserve(setup_.cores.size());
  for (std::size_t i = 0; i < setup_.cores.size(); ++i) decisions_->emplace_back();
}

Policy::~Policy() = default;

Result<void> Policy::subscribe() {
  LOG(info, "The policy service on {} is asked before anything starts and before actors are called",
      setup_.topic);
  if (setup_.changes_topic.empty()) return {};
  TRY(changes_, setup_.bus.subscribe(setup_.changes_topic, "",
                                     [this](const lattice::Message& m) { change(m); }));
  return {};
}

// --- calls ---

bool Policy::permits(const lattice::Entity& source, std::string_view target_key) const {
  const auto& here = (*decisions_)[runtime::Core::current().index()];
  const auto* known = here.find(view_of(source, target_key));
  return known != nullptr && known->permitted;
}

runtime::Task<void> Policy::ask_for_call(const lattice::Entity& source,
                                         const claims::ActorClaims& target,
                                         runtime::Deadline deadline) {
  const auto& here = (*decisions_)[runtime::Core::current().index()];
  if (const auto* known = here.find(view_of(source, target.subject))) co_return outcome_of(*known);
  auto make = [this, &source, &target, deadline] {
    return decide({.source = source,
                   .source_issuer = {},
                   .source_capabilities = {},
                   .target_key = target.subject,
                   .target_issuer = target.issuer},
                  deadline);
  };
  CO_TRY(const auto decision, co_await setup_.cores.run_on<PolicyDecision>(0, make));
  co_return outcome_of(decision);
}

// On core 0 from here on.
runtime::Task<PolicyDecision> Policy::decide(PolicyCall call, runtime::Deadline deadline) {
  if (const auto* known = (*decisions_)[0].find(key_of(call).view())) co_return *known;
  QuestionPtr question;
  if (const auto open = questions_.find(key_of(call).view()); open != questions_.end()) {
    question = open->second;
  } else {
    if (questions_.size() >= kQuestionsMax) {
      co_return fail(
          Errc::exhausted, kSite,
          fmt::format("{} calls wait for the policy service already; try again", kQuestionsMax));
    }
    question = std::make_shared<Question>();
    question->key = key_of(call);
    question->call = std::move(call);
    questions_.emplace(question->key.view(), question);
    setup_.tasks.spawn("asking the policy service", ask(question));
  }
  while (!question->answer) {
    runtime::Parking parking(runtime::Core::current());
    question->waiting.push_back(&parking);
    const auto wake = co_await parking.wait(deadline);
    std::erase(question->waiting, &parking);
    if (question->answer) break;
    if (wake == runtime::Wake::cancelled) co_return fail(Errc::cancelled, kSite, "not wanted");
    if (wake == runtime::Wake::expired)
      co_return fail(Errc::timeout, kSite, "the policy service has not answered in time");
  }
  co_return *question->answer;
}

runtime::Task<void> Policy::ask(QuestionPtr question) {
  auto& call = question->call;
  question->request_id = codec::uuid4();
  Result<Answer> answer = Answer{denied(""), false};
  if (auto known = setup_.claims_of(call.source.public_key)) {
    call.source_issuer = std::move(known->issuer);
    call.source_capabilities = std::move(known->capabilities);
    answer = co_await request(call_question(question->request_id, call, setup_.host));
  } else {
    LOG(warn,
        "{} may not call {} while there is a policy: nobody with that key has been started on this "
        "lattice, so there is nothing to ask the policy service about it",
        artifact::shown(call.source.public_key), call.target_key);
  }
  if (answer && question->changed) answer = Answer{*question->changed, true};
  if (answer && answer->lasts && !question->outdated) {
    on_each_core([key = question->key, id = question->request_id, decision = answer->decision](
                     PolicyDecisions& decisions) { decisions.put(key, id, decision); });
  }
  if (answer && answer->lasts && !answer->decision.permitted) {
    LOG(warn, "the policy service denies {} to call {}: {}", call.source.public_key,
        call.target_key, artifact::shown(answer->decision.message));
  }
  questions_.erase(question->key.view());
  question->answer = answer ? Result<PolicyDecision>(std::move(answer->decision))
                            : Result<PolicyDecision>(fail(std::move(answer).error()));
  for (auto* waiting : question->waiting) waiting->wake();
  co_return Result<void>{};
}

void Policy::forget(const std::string& public_key) {
  on_each_core([public_key](PolicyDecisions& decisions) { decisions.forget(public_key); });
  for (auto& [view, question] : questions_)
    question->outdated = question->outdated || question->key.involves(public_key);
}

// --- starts ---

runtime::Task<void> Policy::ask_for_start(PolicyStart start) {
  CO_TRY(const Answer answer,
         co_await request(start_question(codec::uuid4(), start, setup_.host, now_unix())));
  if (answer.decision.permitted) co_return Result<void>{};
  co_return fail(Errc::denied, kSite,
                 fmt::format("Starting {} {} denied: {}", start.provider ? "provider" : "actor",
                             start.public_key, answer.decision.message));
}

// --- the service ---

// Fails only when nobody wants to know any longer.
runtime::Task<Policy::Answer> Policy::request(std::string body) {
  lattice::Message message;
  message.subject = setup_.topic;
  message.data = to_bytes(body);
  const auto reply =
      co_await setup_.bus.request(std::move(message), runtime::Deadline::in(setup_.timeout));
  if (!reply && reply.error().code == Errc::cancelled) co_return fail(reply.error());
  if (!reply) {
    auto why = reason_for(reply.error());
    note_service(false, why);
    co_return Answer{denied(std::move(why)), false};
  }
  auto decision = parse_decision(as_text(reply->data));
  note_service(decision.has_value(), decision ? "" : decision.error().detail);
  if (!decision) co_return Answer{denied(std::move(decision).error().detail), false};
  co_return Answer{std::move(*decision), true};
}

void Policy::note_service(bool answers, const std::string& why) {
  if (std::exchange(service_answers_, answers) == answers) return;
  if (answers) {
    LOG(info, "the policy service on {} answers again", setup_.topic);
  } else {
    LOG(warn,
        "{} ({}, WASMCLOUD_POLICY_TOPIC): what needs a new decision is denied until it answers",
        why, setup_.topic);
  }
}

void Policy::change(const lattice::Message& message) {
  auto change = parse_change(as_text(message.data));
  if (!change) {
    LOG(warn, "a change of policy on {} was not understood: {}", message.subject,
        change.error().detail);
  } else {
    bool known = (*decisions_)[0].change(change->request_id, change->decision);
    for (auto& [view, question] : questions_) {
      if (question->request_id != change->request_id) continue;
      question->changed = change->decision;
      known = true;
    }
    LOG(info, "policy: request {} is {} from now on{}", artifact::shown(change->request_id),
        change->decision.permitted ? "permitted" : "denied",
        known ? "" : "; no decision about a call that is kept here came of it");
    on_each_core([taken = *change](PolicyDecisions& decisions) {
      static_cast<void>(decisions.change(taken.request_id, taken.decision));
    });
  }
  if (message.reply.empty()) return;
  lattice::Message reply;
  reply.subject = message.reply;
  reply.data = to_bytes(codec::json_write(boost::json::object{{"success", change.has_value()}}));
  if (auto sent = setup_.bus.publish(std::move(reply)); !sent)
    LOG(warn, "an answer was not sent: {}", sent.error().describe());
}

// At once on core 0, where what is known decides what is asked; in the same order everywhere.
void Policy::on_each_core(std::function<void(PolicyDecisions&)> work) {
  work(decisions_->front());
  for (unsigned i = 1; i < setup_.cores.size(); ++i)
    setup_.cores[i].post([all = decisions_, i, work] { work((*all)[i]); });
}

}  // namespace trellis::host
