// Goal: links, claims and references outlive the host, changes are told once and in order, and what
// was acknowledged is on disk. Method: real files; a kill is a second process that never returns
// from its work.
#include "lattice/state.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "lattice/on_core.h"
#include "lattice/temporary_folder.h"
#include "runtime/core.h"

namespace trellis::lattice {
namespace {

using runtime::Task;

Link link_number(int i) {
  return {fmt::format("M{}", i),
          "V1",
          "default",
          "wasmcloud:keyvalue",
          {{"URL", fmt::format("redis://{}", i)}}};
}

ClaimsRecord echo_claims() {
  return {.subject = "ME",
          .issuer = "AI",
          .name = "Echo",
          .call_alias = "echo/one",
          .version = "0.3.4",
          .revision = "4",
          .caps = {"wasmcloud:httpserver", "wasmcloud:keyvalue"},
          .tags = {}};
}

// Opens, uses and closes a state on the core.
class StateTest : public CoreTest {
 protected:
  void with_state(const std::string& file, State::Observer observer,
                  std::function<Task<void>(State&)> use) {
    const auto done = on_core<void>([&]() -> Task<void> {
      CO_TRY(const auto state, State::open(file, observer));
      co_return co_await use(*state);
    });
    ASSERT_TRUE(done) << done.error().describe();
  }
  TemporaryFolder folder_;
  std::string file_ = folder_.file("state");
};

TEST_F(StateTest, OutlivesTheHost) {
  with_state(file_, {}, [](State& state) -> Task<void> {
    CO_TRY_OK(co_await state.put_link(link_number(1)));
    CO_TRY_OK(co_await state.put_link(link_number(2)));
    CO_TRY_OK(co_await state.put_claims(echo_claims()));
    CO_TRY_OK(co_await state.put_reference("reg/echo:0.3.4", "ME"));
    CO_TRY(const auto gone, co_await state.delete_link("M1", "wasmcloud:keyvalue", "default"));
    EXPECT_EQ(gone, link_number(1));
    co_return Result<void>();
  });
  with_state(file_, {}, [](State& state) -> Task<void> {
    EXPECT_EQ(state.links(), std::vector<Link>{link_number(2)});
    EXPECT_EQ(state.all_claims(), std::vector<ClaimsRecord>{echo_claims()});
    EXPECT_EQ(state.key_of_reference("reg/echo:0.3.4"), "ME");
    EXPECT_EQ(state.key_of_alias("echo/one"), "ME");
    EXPECT_EQ(state.key_of_reference("reg/other"), std::nullopt);
    co_return Result<void>();
  });
}

TEST_F(StateTest, TellsEachChangeOnceAndAnEqualOneNever) {
  std::vector<std::string> told;
  State::Observer observer;
  observer.link_put = [&](const Link& link) { told.push_back("put " + link.values.at("URL")); };
  observer.link_deleted = [&](const Link& link) { told.push_back("del " + link.actor_id); };
  observer.claims_put = [&](const ClaimsRecord& record) {
    told.push_back("claims " + record.subject);
  };
  observer.reference_put = [&](const std::string& reference, const std::string& key) {
    told.push_back("ref " + reference + " " + key);
  };
  for (const auto& file : {std::string(), file_}) {
    told.clear();
    with_state(file, observer, [](State& state) -> Task<void> {
      for (int twice = 0; twice < 2; ++twice) {
        CO_TRY_OK(co_await state.put_link(link_number(1)));
        CO_TRY_OK(co_await state.put_claims(echo_claims()));
        CO_TRY_OK(co_await state.put_reference("r", "ME"));
      }
      auto changed = link_number(1);
      changed.values["URL"] = "redis://other";
      CO_TRY_OK(co_await state.put_link(changed));
      for (int twice = 0; twice < 2; ++twice) {
        CO_TRY(const auto gone, co_await state.delete_link("M1", "wasmcloud:keyvalue", "default"));
        EXPECT_EQ(gone.has_value(), twice == 0);
      }
      co_return Result<void>();
    });
    const std::vector<std::string> expected{"put redis://1", "claims ME", "ref r ME",
                                            "put redis://other", "del M1"};
    EXPECT_EQ(told, expected) << "file: " << file;
  }
}

TEST_F(StateTest, ChangesMadeAtOnceApplyInTheirOrder) {
  with_state(file_, {}, [](State& state) -> Task<void> {
    auto& core = runtime::Core::current();
    auto other = link_number(1);
    other.values["URL"] = "redis://other";
    core.spawn("first", state.put_link(link_number(1)));
    core.spawn("second", state.put_link(other));
    core.spawn("third", state.put_link(
                            link_number(1)));  // equal to what is in memory, but not to what waits
    CO_TRY_OK(co_await state.put_link(link_number(2)));
    EXPECT_EQ(state.link("M1", "wasmcloud:keyvalue", "default")->values.at("URL"), "redis://1");
    co_return Result<void>();
  });
  with_state(file_, {}, [](State& state) -> Task<void> {
    EXPECT_EQ(state.links().size(), 2u);
    EXPECT_EQ(state.links()[0], link_number(1));
    co_return Result<void>();
  });
}

TEST_F(StateTest, AliasStaysWithWhoPutItFirstAlsoAfterARestart) {
  auto first = echo_claims(), second = echo_claims();
  first.subject = "MZ";  // sorts after the second
  second.subject = "MA";
  auto single = echo_claims();
  single.subject = "MS";
  single.call_alias = "x";
  with_state(file_, {}, [&](State& state) -> Task<void> {
    CO_TRY_OK(co_await state.put_claims(first));
    CO_TRY_OK(co_await state.put_claims(second));
    CO_TRY_OK(co_await state.put_claims(single));
    EXPECT_EQ(state.key_of_alias("echo/one"), "MZ");
    EXPECT_EQ(state.key_of_alias("x"), std::nullopt);
    co_return Result<void>();
  });
  with_state(file_, {}, [&](State& state) -> Task<void> {
    EXPECT_EQ(state.key_of_alias("echo/one"), "MZ");
    first.call_alias = "renamed";
    CO_TRY_OK(co_await state.put_claims(first));
    EXPECT_EQ(state.key_of_alias("renamed"), "MZ");
    EXPECT_EQ(state.key_of_alias("echo/one"), "MA");
    co_return Result<void>();
  });
}

TEST_F(StateTest, TwoHostsDoNotShareIt) {
  with_state(file_, {}, [&](State&) -> Task<void> {
    const auto second = State::open(file_, {});
    EXPECT_FALSE(second);
    EXPECT_NE(second.error().detail.find("in use by another host"), std::string::npos);
    co_return Result<void>();
  });
}

TEST_F(StateTest, TenThousandLinksLoadWithinASecond) {
  with_state(file_, {}, [](State& state) -> Task<void> {
    auto& core = runtime::Core::current();
    for (int i = 0; i < 10'000; ++i) core.spawn("put", state.put_link(link_number(i)));
    co_return co_await state.put_reference("last", "ME");
  });
  const auto before = std::chrono::steady_clock::now();
  with_state(file_, {}, [](State& state) -> Task<void> {
    EXPECT_EQ(state.links().size(), 10'000u);
    co_return Result<void>();
  });
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_LT(took, std::chrono::seconds(1));
  RecordProperty("load_ms", static_cast<int>(took / std::chrono::milliseconds(1)));
}

// A file size limit stands for a full disk.
TEST_F(StateTest, RefusedDiskChangesNothingAndTellsNobody) {
  int told = 0;
  State::Observer observer;
  observer.link_put = [&](const Link&) { ++told; };
  rlimit saved{};
  ::getrlimit(RLIMIT_FSIZE, &saved);
  const auto former = std::signal(SIGXFSZ, SIG_IGN);
  with_state(file_, observer, [&](State& state) -> Task<void> {
    CO_TRY_OK(co_await state.put_link(link_number(1)));
    const rlimit tight{64, saved.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &tight);
    const auto refused = co_await state.put_link(link_number(2));
    ::setrlimit(RLIMIT_FSIZE, &saved);
    EXPECT_FALSE(refused);
    EXPECT_EQ(state.links().size(), 1u);
    EXPECT_EQ(told, 1);
    co_return co_await state.put_link(link_number(3));
  });
  std::signal(SIGXFSZ, former);
  with_state(file_, {}, [](State& state) -> Task<void> {
    EXPECT_EQ(state.links().size(), 2u);
    co_return Result<void>();
  });
}

// The child writes links and says so on a pipe after each acknowledgement, until it is killed.
TEST(StateKilled, KeepsEveryAcknowledgedChange) {
  const TemporaryFolder folder;
  const auto file = folder.file("state");
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto cores = runtime::Cores::start({.count = 1, .pin = false});
    std::function<Task<void>()> work = [&]() -> Task<void> {
      CO_TRY(const auto state, State::open(file, {}));
      for (int i = 0; i < 1'000'000; ++i) {
        CO_TRY_OK(co_await state->put_link(link_number(i)));
        if (::write(pipe_ends[1], &i, sizeof i) < 0) ::_exit(1);
      }
      co_return Result<void>();
    };
    (void)(*cores)->run_blocking<void>(0, work);
    ::_exit(0);
  }
  int acknowledged = -1;
  while (acknowledged < 50) ASSERT_EQ(::read(pipe_ends[0], &acknowledged, sizeof acknowledged), 4);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ::waitpid(child, nullptr, 0);
  ::close(pipe_ends[1]);
  int more = 0;
  while (::read(pipe_ends[0], &more, sizeof more) == sizeof more) acknowledged = more;
  ::close(pipe_ends[0]);
  const auto state = State::open(file, {});
  ASSERT_TRUE(state) << state.error().describe();
  EXPECT_GE((*state)->links().size(), static_cast<std::size_t>(acknowledged + 1));
  for (int i = 0; i <= acknowledged; ++i) {
    const auto* link = (*state)->link(fmt::format("M{}", i), "wasmcloud:keyvalue", "default");
    ASSERT_TRUE(link) << i;
    EXPECT_EQ(*link, link_number(i));
  }
}

TEST(ClaimsRecord, IsAllStringsAndNeverNull) {
  ClaimsRecord record;
  record.subject = "VX";
  const auto object = record.to_json();
  EXPECT_EQ(object.size(), 8u);
  for (const auto& [key, value] : object) EXPECT_TRUE(value.is_string()) << std::string_view(key);
  EXPECT_EQ(object.at("rev").as_string(), "0");
  EXPECT_EQ(echo_claims().to_json().at("caps").as_string(),
            "wasmcloud:httpserver,wasmcloud:keyvalue");
}

TEST(ClaimsRecord, ReadsNullVersionsOf2022Hosts) {
  auto object = echo_claims().to_json();
  object["version"] = nullptr;
  const auto record = ClaimsRecord::from_json(object);
  ASSERT_TRUE(record) << record.error().describe();
  EXPECT_EQ(record->version, "");
  EXPECT_EQ(record->caps, echo_claims().caps);
  EXPECT_TRUE(record->tags.empty());
}

}  // namespace
}  // namespace trellis::lattice
