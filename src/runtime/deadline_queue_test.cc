#include "runtime/deadline_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include <boost/asio/io_context.hpp>

namespace trellis::runtime {
namespace {

using namespace std::chrono_literals;

struct Ringing final : DeadlineQueue::Entry {
  Ringing(int id, std::vector<int>* to) : number(id), log(to) {}
  int number;
  std::vector<int>* log;
  void due() override { log->push_back(number); }
};

TEST(DeadlineQueue, RingsInOrderWhateverTheOrderOfEntering) {
  boost::asio::io_context io(1);
  DeadlineQueue queue(io);
  std::vector<int> log;
  std::vector<std::unique_ptr<Ringing>> entries;
  for (int i = 0; i < 500; ++i) entries.push_back(std::make_unique<Ringing>(i, &log));
  std::vector<int> order(500);
  for (int i = 0; i < 500; ++i) order[i] = i;
  std::mt19937 random(7);
  std::shuffle(order.begin(), order.end(), random);
  const auto base = std::chrono::steady_clock::now() + 1ms;
  for (int i : order) queue.enter(*entries[i], base + i * 1us);
  for (int i = 0; i < 500; i += 3) queue.leave(*entries[i]);
  io.run();
  std::vector<int> expected;
  for (int i = 0; i < 500; ++i)
    if (i % 3 != 0) expected.push_back(i);
  EXPECT_EQ(log, expected);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(DeadlineQueue, AnEntryThatLeftNeverRings) {
  boost::asio::io_context io(1);
  DeadlineQueue queue(io);
  std::vector<int> log;
  Ringing entry(1, &log);
  queue.enter(entry, std::chrono::steady_clock::now() + 1ms);
  queue.leave(entry);
  queue.leave(entry);
  io.run();
  EXPECT_TRUE(log.empty());
}

TEST(DeadlineQueue, AnEarlierEntrySetsTheTimerForward) {
  boost::asio::io_context io(1);
  DeadlineQueue queue(io);
  std::vector<int> log;
  Ringing late(1, &log), early(2, &log);
  queue.enter(late, std::chrono::steady_clock::now() + 1h);
  queue.enter(early, std::chrono::steady_clock::now() + 1ms);
  while (log.empty()) io.run_one();
  EXPECT_EQ(log, std::vector<int>{2});
  queue.leave(late);
}

TEST(DeadlineQueue, AnEntryMayEnterAgainWhenItRings) {
  struct Again final : DeadlineQueue::Entry {
    DeadlineQueue* queue = nullptr;
    int rings = 0;
    void due() override {
      if (++rings < 3) queue->enter(*this, std::chrono::steady_clock::now());
    }
  };
  boost::asio::io_context io(1);
  DeadlineQueue queue(io);
  Again entry;
  entry.queue = &queue;
  queue.enter(entry, std::chrono::steady_clock::now());
  io.run();
  EXPECT_EQ(entry.rings, 3);
}

}  // namespace
}  // namespace trellis::runtime
