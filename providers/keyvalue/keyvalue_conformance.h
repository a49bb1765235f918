// For tests: what every key-value provider promises an actor, as one suite. A backend:
//
//   struct Backend {
//     explicit Backend(runtime::Cores& cores);
//     std::unique_ptr<capability::Provider> provider();  // a new one, over the same data
//     std::map<std::string, std::string> values();       // of a link to it
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Name, KeyValueConformance, Backend);
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "capability/provider.h"
#include "codec/msgpack.h"
#include "runtime/task_group.h"
#include "runtime/testing.h"

namespace trellis::keyvalue {

class NoActors final : public capability::Actors {
 public:
  runtime::Task<Bytes> call(std::string_view, std::string_view, BytesView,
                            runtime::Deadline) override {
    co_return fail(Errc::not_found, "test", "a store calls nobody");
  }
};

inline runtime::Task<void> increment(capability::Provider* provider, const lattice::Link* link,
                                     Bytes payload) {
  const auto answer = co_await provider->handle(*link, "KeyValue.Increment", payload,
                                                runtime::Deadline::in(std::chrono::seconds(20)));
  EXPECT_TRUE(answer) << answer.error().describe();
  co_return Result<void>{};
}
inline runtime::Task<void> increment_at_once(capability::Provider* provider,
                                             const lattice::Link* link, Bytes payload, int times) {
  runtime::TaskGroup group(runtime::Core::current());
  for (int i = 0; i < times; ++i) group.spawn("increment", increment(provider, link, payload));
  co_return co_await group.join(runtime::Deadline::in(std::chrono::seconds(30)));
}

template <class Backend>
class KeyValueConformance : public ::testing::Test {
 protected:
  using Strings = std::vector<std::string>;

  KeyValueConformance() : cores_(runtime::test_cores(2)), backend_(*cores_) { open(); }
  ~KeyValueConformance() override { close(); }

  void open() {
    link_.actor_id = "M1";
    link_.contract_id = "wasmcloud:keyvalue";
    link_.values = backend_.values();
    const auto put = on_core(0, [this]() -> runtime::Task<void> {
      provider_ = backend_.provider();
      return provider_->link_put(link_);
    });
    ASSERT_TRUE(put) << put.error().describe();
  }
  void close() {
    const auto stopped = on_core(0, [this]() -> runtime::Task<void> {
      return provider_->stop(runtime::Deadline::in(std::chrono::seconds(5)));
    });
    EXPECT_TRUE(stopped) << stopped.error().describe();
    provider_.reset();
  }
  Result<void> on_core(unsigned core, std::function<runtime::Task<void>()> make) {
    return cores_->template run_blocking<void>(core, std::move(make));
  }

  Result<Bytes> call(std::string_view operation, const Bytes& payload, unsigned core = 0) {
    return cores_->template run_blocking<Bytes>(core, [&] {
      return provider_->handle(link_, operation, payload,
                               runtime::Deadline::in(std::chrono::seconds(10)));
    });
  }
  // The operation with an argument of map members (name, text or number), answered as `T`.
  struct Member {
    Member(const char* member, std::string value) : name(member), text(std::move(value)) {}
    Member(const char* member, std::int64_t value) : name(member), number(value) {}
    const char* name;
    std::optional<std::string> text;
    std::int64_t number = 0;
  };
  static Bytes members(const std::vector<Member>& all) {
    Bytes bytes;
    codec::MsgpackWriter out(bytes);
    out.map(all.size());
    for (const auto& member : all) {
      out.str(member.name);
      if (member.text) {
        out.str(*member.text);
      } else {
        out.sint(member.number);
      }
    }
    return bytes;
  }
  static Bytes text(std::string_view value) {
    Bytes bytes;
    codec::MsgpackWriter(bytes).str(value);
    return bytes;
  }
  static Bytes names(const Strings& all) {
    Bytes bytes;
    codec::MsgpackWriter out(bytes);
    out.array(all.size());
    for (const auto& name : all) out.str(name);
    return bytes;
  }
  Bytes done(std::string_view operation, const Bytes& payload) {
    auto answer = call(operation, payload);
    EXPECT_TRUE(answer) << operation << ": " << answer.error().describe();
    return answer ? *std::move(answer) : Bytes{};
  }
  bool flag(std::string_view operation, const Bytes& payload) {
    const Bytes answer = done(operation, payload);
    const auto read = codec::MsgpackReader(answer).boolean();
    EXPECT_TRUE(read) << operation;
    return read.value_or(false);
  }
  std::int64_t number(std::string_view operation, const Bytes& payload) {
    const Bytes answer = done(operation, payload);
    const auto read = codec::MsgpackReader(answer).sint();
    EXPECT_TRUE(read) << operation;
    return read.value_or(-1);
  }
  Strings list(std::string_view operation, const Bytes& payload) {
    const Bytes answer = done(operation, payload);
    codec::MsgpackReader in(answer);
    Strings all(in.array().value_or(0));
    for (auto& one : all) one = in.text().value_or("?");
    return all;
  }
  Strings sorted(std::string_view operation, const Bytes& payload) {
    auto all = list(operation, payload);
    std::sort(all.begin(), all.end());
    return all;
  }
  std::string refusal(std::string_view operation, const Bytes& payload) {
    const auto answer = call(operation, payload);
    return answer ? "answered" : answer.error().detail;
  }

  std::optional<std::string> get(const std::string& key) {
    const Bytes answer = done("KeyValue.Get", text(key));
    codec::MsgpackReader in(answer);
    EXPECT_EQ(in.map().value_or(0), 2u);
    EXPECT_EQ(in.text().value_or(""), "value");
    const std::string value(in.text().value_or("?"));
    EXPECT_EQ(in.text().value_or(""), "exists");
    if (!in.boolean().value_or(false)) return std::nullopt;
    return value;
  }
  void set(const std::string& key, const std::string& value, std::int64_t expires = 0) {
    EXPECT_TRUE(
        done("KeyValue.Set", members({{"key", key}, {"value", value}, {"expires", expires}}))
            .empty());
  }
  std::int64_t increment(const std::string& key, std::int64_t by) {
    return number("KeyValue.Increment", members({{"key", key}, {"value", by}}));
  }
  std::int64_t push(const std::string& key, const std::string& value) {
    return number("KeyValue.ListAdd", members({{"listName", key}, {"value", value}}));
  }
  Strings range(const std::string& key, std::int64_t start, std::int64_t stop) {
    return list("KeyValue.ListRange",
                members({{"listName", key}, {"start", start}, {"stop", stop}}));
  }
  std::int64_t add(const std::string& key, const std::string& value) {
    return number("KeyValue.SetAdd", members({{"setName", key}, {"value", value}}));
  }
  bool contains(const std::string& key) { return flag("KeyValue.Contains", text(key)); }

  std::unique_ptr<runtime::Cores> cores_;
  Backend backend_;
  lattice::Link link_;
  std::unique_ptr<capability::Provider> provider_;
};

TYPED_TEST_SUITE_P(KeyValueConformance);

TYPED_TEST_P(KeyValueConformance, KeepsWhatWasSetByteForByte) {
  EXPECT_EQ(this->get("k"), std::nullopt);
  EXPECT_FALSE(this->contains("k"));
  this->set("k", "v");
  EXPECT_EQ(this->get("k"), "v");
  EXPECT_TRUE(this->contains("k"));
  this->set("k", "");
  EXPECT_EQ(this->get("k"), "");
  const std::string odd("\0\r\n$5\xff ü", 9);
  this->set(odd, odd);
  EXPECT_EQ(this->get(odd), odd);
  this->set("", "the empty key");
  EXPECT_EQ(this->get(""), "the empty key");
  const std::string large(3'000'000, 'x');
  this->set("large", large);
  EXPECT_EQ(this->get("large"), large);
}

TYPED_TEST_P(KeyValueConformance, DeletesAndSaysWhetherThereWasSomething) {
  this->set("k", "v");
  EXPECT_TRUE(this->flag("KeyValue.Del", this->text("k")));
  EXPECT_FALSE(this->flag("KeyValue.Del", this->text("k")));
  EXPECT_EQ(this->get("k"), std::nullopt);
  this->push("l", "a");
  EXPECT_TRUE(this->flag("KeyValue.Del", this->text("l")));
  EXPECT_FALSE(this->contains("l"));
}

TYPED_TEST_P(KeyValueConformance, CountsUpAndDown) {
  EXPECT_EQ(this->increment("n", 1), 1);
  EXPECT_EQ(this->increment("n", 41), 42);
  EXPECT_EQ(this->increment("n", -50), -8);
  EXPECT_EQ(this->increment("n", 0), -8);
  EXPECT_EQ(this->get("n"), "-8");
  this->set("n", "2147483646");
  EXPECT_EQ(this->increment("n", 1), INT32_MAX);
  const auto one_more = this->members({{"key", "n"}, {"value", 1}});
  EXPECT_NE(this->refusal("KeyValue.Increment", one_more).find("2147483648"), std::string::npos);
  EXPECT_EQ(this->get("n"), "2147483648");
}

TYPED_TEST_P(KeyValueConformance, RefusesToCountWhatIsNoNumber) {
  for (const char* value : {"x", "", " 1", "1.5", "+1", "01", "99999999999999999999"}) {
    this->set("n", value);
    const auto up = this->members({{"key", "n"}, {"value", 1}});
    EXPECT_NE(this->refusal("KeyValue.Increment", up).find("not an integer"), std::string::npos)
        << value;
    EXPECT_EQ(this->get("n"), value);
  }
  this->set("n", "9223372036854775807");
  const auto up = this->members({{"key", "n"}, {"value", 1}});
  EXPECT_NE(this->refusal("KeyValue.Increment", up).find("overflow"), std::string::npos);
}

TYPED_TEST_P(KeyValueConformance, AddsToListsAndTakesRangesOfThem) {
  EXPECT_EQ(this->push("l", "a"), 1);
  EXPECT_EQ(this->push("l", "b"), 2);
  EXPECT_EQ(this->push("l", "a"), 3);
  using Strings = std::vector<std::string>;
  EXPECT_EQ(this->range("l", 0, -1), (Strings{"a", "b", "a"}));
  EXPECT_EQ(this->range("l", 0, 0), (Strings{"a"}));
  EXPECT_EQ(this->range("l", 1, 10), (Strings{"b", "a"}));
  EXPECT_EQ(this->range("l", -2, -1), (Strings{"b", "a"}));
  EXPECT_EQ(this->range("l", -10, 0), (Strings{"a"}));
  EXPECT_EQ(this->range("l", 2, 1), Strings{});
  EXPECT_EQ(this->range("l", 3, -1), Strings{});
  EXPECT_EQ(this->range("l", 0, -4), Strings{});
  EXPECT_EQ(this->range("none", 0, -1), Strings{});
}

TYPED_TEST_P(KeyValueConformance, DeletesTheFirstOfEqualItemsAndClearsLists) {
  using Strings = std::vector<std::string>;
  for (const char* value : {"a", "b", "a"}) this->push("l", value);
  const auto a = this->members({{"listName", "l"}, {"value", "a"}});
  EXPECT_TRUE(this->flag("KeyValue.ListDel", a));
  EXPECT_EQ(this->range("l", 0, -1), (Strings{"b", "a"}));
  EXPECT_TRUE(this->flag("KeyValue.ListDel", a));
  EXPECT_FALSE(this->flag("KeyValue.ListDel", a));
  EXPECT_EQ(this->push("l", "c"), 2);
  EXPECT_EQ(this->range("l", 0, -1), (Strings{"b", "c"}));
  EXPECT_TRUE(this->flag("KeyValue.ListClear", this->text("l")));
  EXPECT_FALSE(this->flag("KeyValue.ListClear", this->text("l")));
  EXPECT_EQ(this->push("l", "d"), 1);
  EXPECT_TRUE(this->flag("KeyValue.ListDel", this->members({{"listName", "l"}, {"value", "d"}})));
  EXPECT_FALSE(this->contains("l"));  // an empty list is none
  EXPECT_FALSE(this->flag("KeyValue.ListDel", a));
}

TYPED_TEST_P(KeyValueConformance, KeepsEachMemberOfASetOnce) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(this->add("s", "a"), 1);
  EXPECT_EQ(this->add("s", "a"), 0);
  EXPECT_EQ(this->add("s", "b"), 1);
  EXPECT_EQ(this->sorted("KeyValue.SetQuery", this->text("s")), (Strings{"a", "b"}));
  const auto a = this->members({{"setName", "s"}, {"value", "a"}});
  EXPECT_EQ(this->number("KeyValue.SetDel", a), 1);
  EXPECT_EQ(this->number("KeyValue.SetDel", a), 0);
  EXPECT_EQ(this->number("KeyValue.SetDel", this->members({{"setName", "s"}, {"value", "b"}})), 1);
  EXPECT_FALSE(this->contains("s"));  // an empty set is none
  EXPECT_EQ(this->list("KeyValue.SetQuery", this->text("s")), Strings{});
  this->add("s", "c");
  EXPECT_TRUE(this->flag("KeyValue.SetClear", this->text("s")));
  EXPECT_FALSE(this->flag("KeyValue.SetClear", this->text("s")));
}

TYPED_TEST_P(KeyValueConformance, JoinsAndIntersectsSets) {
  using Strings = std::vector<std::string>;
  for (const char* value : {"a", "b", "c"}) this->add("s", value);
  for (const char* value : {"b", "c", "d"}) this->add("t", value);
  const auto join = [this](const Strings& names) {
    return this->sorted("KeyValue.SetUnion", this->names(names));
  };
  const auto meet = [this](const Strings& names) {
    return this->sorted("KeyValue.SetIntersection", this->names(names));
  };
  EXPECT_EQ(join({"s", "t"}), (Strings{"a", "b", "c", "d"}));
  EXPECT_EQ(join({"s"}), (Strings{"a", "b", "c"}));
  EXPECT_EQ(join({"s", "none"}), (Strings{"a", "b", "c"}));
  EXPECT_EQ(meet({"s", "t"}), (Strings{"b", "c"}));
  EXPECT_EQ(meet({"s", "t", "none"}), Strings{});
  EXPECT_EQ(meet({"none", "s"}), Strings{});
  EXPECT_NE(this->refusal("KeyValue.SetUnion", this->names({})).find("wrong number"),
            std::string::npos);
  EXPECT_NE(this->refusal("KeyValue.SetIntersection", this->names({})).find("wrong number"),
            std::string::npos);
}

TYPED_TEST_P(KeyValueConformance, RefusesTheWrongKindAndChangesNothing) {
  this->set("k", "v");
  this->push("l", "a");
  this->add("s", "a");
  const std::pair<const char*, Bytes> wrong[] = {
      {"KeyValue.Get", this->text("l")},
      {"KeyValue.Get", this->text("s")},
      {"KeyValue.Increment", this->members({{"key", "l"}, {"value", 1}})},
      {"KeyValue.ListAdd", this->members({{"listName", "k"}, {"value", "x"}})},
      {"KeyValue.ListDel", this->members({{"listName", "s"}, {"value", "a"}})},
      {"KeyValue.ListRange", this->members({{"listName", "k"}, {"start", 0}, {"stop", -1}})},
      {"KeyValue.SetAdd", this->members({{"setName", "l"}, {"value", "x"}})},
      {"KeyValue.SetDel", this->members({{"setName", "k"}, {"value", "x"}})},
      {"KeyValue.SetQuery", this->text("k")},
      {"KeyValue.SetUnion", this->names({"s", "l"})},
      {"KeyValue.SetIntersection", this->names({"s", "k"})}};
  for (const auto& [operation, payload] : wrong) {
    EXPECT_NE(this->refusal(operation, payload).find("WRONGTYPE"), std::string::npos) << operation;
  }
  EXPECT_EQ(this->get("k"), "v");
  EXPECT_EQ(this->range("l", 0, -1), std::vector<std::string>{"a"});
  // Setting replaces whatever was there.
  this->set("l", "a text now");
  EXPECT_EQ(this->get("l"), "a text now");
  EXPECT_TRUE(this->flag("KeyValue.Del", this->text("l")));
  EXPECT_EQ(this->push("l", "new"), 1);
}

TYPED_TEST_P(KeyValueConformance, LetsWhatExpiresGo) {
  this->set("k", "v", 1);
  this->set("n", "1", 1);
  this->set("stays", "v", 1'000'000);
  EXPECT_EQ(this->get("k"), "v");
  EXPECT_EQ(this->increment("n", 1), 2);  // which does not make it live longer
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (this->contains("k") || this->contains("n")) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
  EXPECT_EQ(this->get("k"), std::nullopt);
  EXPECT_FALSE(this->flag("KeyValue.Del", this->text("k")));
  EXPECT_EQ(this->increment("n", 1), 1);
  EXPECT_EQ(this->push("k", "now a list"), 1);
  EXPECT_EQ(this->get("stays"), "v");
  this->set("again", "v", 1);
  this->set("again", "v");  // set without an expiry lifts it
  EXPECT_EQ(this->get("again"), "v");
}

TYPED_TEST_P(KeyValueConformance, ServesManyCallsAtOnceOnEveryCore) {
  constexpr int kEach = 200;
  const auto storm = [this](unsigned core) {
    return this->on_core(core, [this] {
      return increment_at_once(this->provider_.get(), &this->link_,
                               this->members({{"key", "n"}, {"value", 1}}), kEach);
    });
  };
  std::thread other([&] { EXPECT_TRUE(storm(1)); });
  EXPECT_TRUE(storm(0));
  other.join();
  EXPECT_EQ(this->get("n"), std::to_string(2 * kEach));
}

TYPED_TEST_P(KeyValueConformance, SaysWhatItCannotDo) {
  EXPECT_EQ(this->refusal("KeyValue.Drop", this->text("k")), "method not handled KeyValue.Drop");
  EXPECT_TRUE(this->refusal("KeyValue.Set", Bytes{0xc1}).starts_with("deserialization: "));
  EXPECT_EQ(this->provider_->warning_about(this->link_), "");
  auto odd = this->link_;
  odd.values["URI"] = "x";
  EXPECT_NE(this->provider_->warning_about(odd).find("'URI'"), std::string::npos);
}

TYPED_TEST_P(KeyValueConformance, FindsItsDataAfterARestart) {
  this->set("k", "v");
  this->push("l", "a");
  this->add("s", "b");
  this->close();
  this->open();
  EXPECT_EQ(this->get("k"), "v");
  EXPECT_EQ(this->range("l", 0, -1), std::vector<std::string>{"a"});
  EXPECT_EQ(this->list("KeyValue.SetQuery", this->text("s")), std::vector<std::string>{"b"});
}

REGISTER_TYPED_TEST_SUITE_P(KeyValueConformance, KeepsWhatWasSetByteForByte,
                            DeletesAndSaysWhetherThereWasSomething, CountsUpAndDown,
                            RefusesToCountWhatIsNoNumber, AddsToListsAndTakesRangesOfThem,
                            DeletesTheFirstOfEqualItemsAndClearsLists, KeepsEachMemberOfASetOnce,
                            JoinsAndIntersectsSets, RefusesTheWrongKindAndChangesNothing,
                            LetsWhatExpiresGo, ServesManyCallsAtOnceOnEveryCore, SaysWhatItCannotDo,
                            FindsItsDataAfterARestart);

}  // namespace trellis::keyvalue
