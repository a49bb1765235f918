// Goal: the provider keeps the contract's promises over a real Redis, and survives what happens to
// one: restarts, silence, passwords, strangers on its port.
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "keyvalue/keyvalue_conformance.h"
#include "keyvalue/redis_provider.h"
#include "net/stream.h"
#include "runtime/server_process.h"

namespace trellis::keyvalue {
namespace {

using namespace std::chrono_literals;

class RedisServer : public runtime::ServerProcess {
 public:
  explicit RedisServer(const std::vector<std::string>& more = {},
                       std::uint16_t port = runtime::free_port())
      : RedisServer(made_folder(), more, port) {}
  ~RedisServer() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  const std::string& folder() const { return folder_; }  // its own, gone with it

 private:
  RedisServer(const std::string& folder, const std::vector<std::string>& more, std::uint16_t port)
      : ServerProcess(command(folder, port, more), port), folder_(folder) {}
  static std::string made_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "trellis-redis-XXXXXX").string();
    return ::mkdtemp(name.data());
  }
  static std::vector<std::string> command(const std::string& folder, std::uint16_t port,
                                          const std::vector<std::string>& more) {
    std::vector<std::string> words{
        "redis-server", "--port", std::to_string(port), "--bind", "127.0.0.1", "--dir", folder,
        "--save",       "",       "--loglevel",         "warning"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string folder_;
};

class OverRedis {
 public:
  explicit OverRedis(runtime::Cores& cores) : cores_(cores) {}
  std::unique_ptr<capability::Provider> provider() { return provider(""); }
  std::unique_ptr<capability::Provider> provider(std::string config_json) {
    return std::make_unique<RedisProvider>(
        capability::ProviderContext{.cores = cores_,
                                    .actors = actors_,
                                    .link_name = "default",
                                    .config_json = std::move(config_json),
                                    .rpc_timeout = 2s,
                                    .data_dir = "",
                                    .bus = {}});
  }
  std::map<std::string, std::string> values() const { return {{"URL", url()}}; }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(server.port()); }

  RedisServer server;

 private:
  runtime::Cores& cores_;
  NoActors actors_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Redis, KeyValueConformance, OverRedis);

class RedisProviderTest : public ::testing::Test {
 protected:
  RedisProviderTest() : cores_(runtime::test_cores()), backend_(*cores_) { start(""); }
  ~RedisProviderTest() override { stop(); }

  void start(std::string config_json) {
    provider_ = on_core<std::unique_ptr<capability::Provider>>([&] {
                  return made(&backend_, config_json);
                }).value();
  }
  void stop() {
    EXPECT_TRUE(on_core<void>([this] { return provider_->stop(runtime::Deadline::in(5s)); }));
  }
  static runtime::Task<std::unique_ptr<capability::Provider>> made(OverRedis* backend,
                                                                   std::string config_json) {
    co_return backend->provider(std::move(config_json));
  }
  template <class T>
  Result<T> on_core(std::function<runtime::Task<T>()> make) {
    return cores_->run_blocking<T>(0, std::move(make));
  }
  lattice::Link link(std::map<std::string, std::string> values) {
    lattice::Link link;
    link.actor_id = "M1";
    link.values = std::move(values);
    return link;
  }
  lattice::Link link() { return link(backend_.values()); }
  std::string put(const lattice::Link& to) {
    const auto done = on_core<void>([&] { return provider_->link_put(to); });
    return done ? "" : done.error().detail;
  }
  Result<Bytes> get(const lattice::Link& from, std::chrono::milliseconds timeout = 5s) {
    return on_core<Bytes>([&] {
      return provider_->handle(from, "KeyValue.Get", payload_, runtime::Deadline::in(timeout));
    });
  }
  // Until a get succeeds again; back-off makes it wait.
  bool comes_back(const lattice::Link& from) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < end) {
      if (get(from)) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }

  const Bytes payload_{0xa1, 'k'};
  std::unique_ptr<runtime::Cores> cores_;
  OverRedis backend_;
  std::unique_ptr<capability::Provider> provider_;
};

TEST_F(RedisProviderTest, ComesBackAfterARestart) {
  ASSERT_EQ(put(link()), "");
  ASSERT_TRUE(get(link()));
  backend_.server.stop();
  const auto lost = get(link());
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::unavailable);
  EXPECT_TRUE(lost.error().detail.starts_with("redis error: ")) << lost.error().detail;
  const auto well = on_core<void>([this] { return provider_->health(); });
  EXPECT_FALSE(well);
  backend_.server.start();
  EXPECT_TRUE(comes_back(link()));
  EXPECT_TRUE(on_core<void>([this] { return provider_->health(); }));
}

TEST_F(RedisProviderTest, ALinkToNobodyFailsInWordsAndWorksWhenSomebodyIsThere) {
  backend_.server.stop();
  const auto why = put(link());
  EXPECT_NE(why.find("cannot connect to 127.0.0.1:"), std::string::npos) << why;
  EXPECT_NE(why.find("Connection refused"), std::string::npos) << why;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(get(link()));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);  // refused at once, not after a timeout
  backend_.server.start();
  EXPECT_TRUE(comes_back(link()));
}

TEST_F(RedisProviderTest, CallsTimeOutWhenRedisIsSilentAndGoOnAfterwards) {
  ASSERT_EQ(put(link()), "");
  backend_.server.pause();
  const auto began = std::chrono::steady_clock::now();
  const auto silent = get(link(), 200ms);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  backend_.server.resume();
  EXPECT_TRUE(comes_back(link()));
}

TEST_F(RedisProviderTest, ALinkThatIsGoneIsNotServed) {
  ASSERT_EQ(put(link()), "");
  ASSERT_TRUE(get(link()));
  ASSERT_TRUE(on_core<void>([this] { return provider_->link_delete(link()); }));
  ASSERT_EQ(put(link()), "");
  EXPECT_TRUE(get(link()));
}

TEST_F(RedisProviderTest, TheProvidersConfigurationIsTheDefault) {
  stop();
  start(R"({"url":")" + backend_.url() + R"("})");
  ASSERT_EQ(put(link({})), "");
  EXPECT_TRUE(get(link({})));
  stop();
  start("{");
  EXPECT_NE(put(link({})).find("the provider's configuration is not valid JSON"),
            std::string::npos);
  EXPECT_EQ(put(link()), "");  // a link that says where needs no default
}

TEST_F(RedisProviderTest, LetsItselfInWithAPasswordAndChoosesADatabase) {
  RedisServer guarded({"--requirepass", "secret"});
  const auto at = std::to_string(guarded.port());
  EXPECT_EQ(put(link({{"url", "redis://:secret@127.0.0.1:" + at + "/3"}})), "");
  EXPECT_TRUE(get(link({{"url", "redis://:secret@127.0.0.1:" + at + "/3"}})));
  EXPECT_EQ(put(link({{"URL", "redis://default:secret@127.0.0.1:" + at}})), "");
  const auto none = put(link({{"URL", "redis://127.0.0.1:" + at}}));
  EXPECT_NE(none.find("NOAUTH"), std::string::npos) << none;
  const auto wrong = put(link({{"URL", "redis://:guess@127.0.0.1:" + at}}));
  EXPECT_NE(wrong.find("WRONGPASS"), std::string::npos) << wrong;
  EXPECT_EQ(wrong.find("guess"), std::string::npos) << wrong;
  const auto far = put(link({{"URL", "redis://:secret@127.0.0.1:" + at + "/99"}}));
  EXPECT_NE(far.find("refuses SELECT"), std::string::npos) << far;
}

TEST_F(RedisProviderTest, SpeaksThroughASocketInTheFileSystem) {
  const auto path = backend_.server.folder() + "/redis.sock";
  RedisServer local({"--unixsocket", path});
  EXPECT_EQ(put(link({{"URL", "unix://" + path + "?db=1"}})), "");
  EXPECT_TRUE(get(link({{"URL", "unix://" + path + "?db=1"}})));
  const auto none = put(link({{"URL", "unix://" + path + "2"}}));
  EXPECT_NE(none.find("No such file"), std::string::npos) << none;
}

TEST_F(RedisProviderTest, SpeaksTlsAndKnowsWhomItTrusts) {
  const auto folder = backend_.server.folder();
  const auto certificate = folder + "/cert.pem", key = folder + "/key.pem";
  const auto make =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=test -addext "
      "subjectAltName=DNS:localhost -keyout " +
      key + " -out " + certificate + " 2>/dev/null";
  ASSERT_EQ(std::system(make.c_str()), 0);
  const auto port = runtime::free_port();
  RedisServer guarded(
      {"--port", "0", "--tls-port", std::to_string(port), "--tls-cert-file", certificate,
       "--tls-key-file", key, "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"},
      port);
  const auto at = [&](const std::string& host) {
    return link({{"URL", "rediss://" + host + ":" + std::to_string(port)}});
  };
  const auto stranger = put(at("localhost"));
  EXPECT_NE(stranger.find("certificate verify failed"), std::string::npos) << stranger;
  ::setenv("SSL_CERT_FILE", certificate.c_str(), 1);  // as an operator adds a CA
  EXPECT_EQ(put(at("localhost")), "");
  EXPECT_TRUE(get(at("localhost")));
  const auto other_name = put(at("127.0.0.1"));  // which the certificate does not name
  EXPECT_NE(other_name.find("certificate verify failed"), std::string::npos) << other_name;
  ::unsetenv("SSL_CERT_FILE");
}

TEST_F(RedisProviderTest, ValuesWithAMistakeAreRefusedInWords) {
  EXPECT_NE(put(link({{"URL", "localhost:6379"}})).find("expected redis://"), std::string::npos);
  EXPECT_NE(put(link({{"URL", "a"}, {"url", "b"}})).find("given twice"), std::string::npos);
  const auto unknown = put(link({{"URL", "redis://no-such-host.invalid"}}));
  EXPECT_NE(unknown.find("'no-such-host.invalid' is not known"), std::string::npos) << unknown;
}

// A server that is no Redis: says its line to everybody, and hangs up when `once`.
class Stranger {
 public:
  explicit Stranger(std::string line) : line_(std::move(line)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(fd_, 16);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~Stranger() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    for (int client = 0; (client = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(client)) {
      (void)::send(client, line_.data(), line_.size(), MSG_NOSIGNAL);
      char rest[256];
      while (::recv(client, rest, sizeof rest, 0) > 0) continue;
    }
  }
  std::string line_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

TEST_F(RedisProviderTest, AStrangerOnThePortIsToldAndHarmsNothing) {
  for (const char* line : {"220 mail.example.com ESMTP\r\n", "+OK POP3 ready\r\n+OK once more\r\n",
                           "SSH-2.0-x\r\n", "*1000000000\r\n", "$-5\r\n", "+PONG\r\n:1\r\n:2\r\n",
                           "-ERR max number of clients reached\r\n"}) {
    const Stranger stranger(line);
    const auto at = link({{"URL", stranger.url()}});
    const bool poses = std::string_view(line).starts_with("+PONG");
    EXPECT_TRUE(!put(at).empty() || poses) << line;
    EXPECT_FALSE(get(at, 300ms)) << line;
  }
  EXPECT_EQ(put(link()), "");
  EXPECT_TRUE(get(link()));
}

}  // namespace
}  // namespace trellis::keyvalue
