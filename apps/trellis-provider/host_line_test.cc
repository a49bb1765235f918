// Goal: the host's line is read whole, however it comes, and no endless one is.
#include "host_line.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace trellis::provider_app {
namespace {

// A pipe that a thread writes to, part by part, and closes.
class Writer {
 public:
  explicit Writer(std::vector<std::string> parts) {
    EXPECT_EQ(::pipe(ends_), 0);
    thread_ = std::thread([this, parts = std::move(parts)] {
      for (const auto& part : parts)
        if (::write(ends_[1], part.data(), part.size()) < 0) break;
      ::close(ends_[1]);
    });
  }
  ~Writer() {
    std::string rest(1 << 20, ' ');
    while (::read(ends_[0], rest.data(), rest.size()) > 0) {
    }
    thread_.join();
    ::close(ends_[0]);
  }
  int fd() const { return ends_[0]; }

 private:
  int ends_[2] = {-1, -1};
  std::thread thread_;
};

TEST(HostLine, EndsWithItsLineOrItsStream) {
  EXPECT_EQ(read_host_line(Writer({"abc\n"}).fd()).value(), "abc");
  EXPECT_EQ(read_host_line(Writer({"a", "b", "c\nmore"}).fd()).value(), "abc");
  EXPECT_EQ(read_host_line(Writer({"abc"}).fd()).value(), "abc");
  EXPECT_EQ(read_host_line(Writer({}).fd()).value(), "");
}

TEST(HostLine, MayBeLong) {
  const std::string links(1'000'000, 'x');
  EXPECT_EQ(read_host_line(Writer({links, links, "\n"}).fd()).value().size(), 2'000'000U);
}

TEST(HostLine, HasALimit) {
  const std::string much(100'000, 'x');
  const auto read = read_host_line(Writer({much, much}).fd(), 100'000);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::exhausted);
}

TEST(HostLine, SaysWhyItCannotBeRead) {
  const auto read = read_host_line(-1);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().detail.find("Bad file descriptor"), std::string::npos);
}

}  // namespace
}  // namespace trellis::provider_app
