// The server as an independent client meets it: libcurl, plain and over TLS, with a certificate
// made for the test.
#include <curl/curl.h>
#include <gtest/gtest.h>

#include <fstream>

#include "net/test_client.h"
#include "net/test_identity.h"
#include "net/test_server.h"

namespace trellis::net {
namespace {

using namespace std::chrono_literals;

std::size_t collect(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

struct Upload {
  std::string rest;
};
std::size_t provide(char* to, std::size_t size, std::size_t count, void* from) {
  auto& rest = static_cast<Upload*>(from)->rest;
  const auto n = std::min(rest.size(), size * count);
  rest.copy(to, n);
  rest.erase(0, n);
  return n;
}

class Curl {
 public:
  Curl() : easy_(curl_easy_init()) { reset(); }
  ~Curl() { curl_easy_cleanup(easy_); }
  void trust(const Identity& identity) { ca_ = identity.files().certificate_path; }

  std::string get(const std::string& url) { return run(url); }
  // With neither length nor the whole body known: curl sends chunks.
  std::string post_chunked(const std::string& url, std::string body) {
    Upload upload{std::move(body)};
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    curl_easy_setopt(easy_, CURLOPT_READFUNCTION, provide);
    curl_easy_setopt(easy_, CURLOPT_READDATA, &upload);
    auto* headers = curl_slist_append(nullptr, "Transfer-Encoding: chunked");
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    auto got = run(url);
    curl_slist_free_all(headers);
    reset();
    return got;
  }
  std::string error;
  long status = 0;
  long new_connections = 0;
  CURL* handle() { return easy_; }

 private:
  void reset() {
    curl_easy_reset(easy_);
    curl_easy_setopt(easy_, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  }
  std::string run(const std::string& url) {
    std::string got;
    curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, &got);
    if (!ca_.empty()) curl_easy_setopt(easy_, CURLOPT_CAINFO, ca_.c_str());
    const auto code = curl_easy_perform(easy_);
    error = code == CURLE_OK ? "" : curl_easy_strerror(code);
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &new_connections);
    return got;
  }
  CURL* easy_;
  std::string ca_;
};

void walk_through(Curl& curl, const std::string& base) {
  EXPECT_EQ(curl.get(base + "/echo?x"), "GET /echo x ") << curl.error;
  EXPECT_EQ(curl.new_connections, 1);
  const std::string large(2'000'000, 'u');
  EXPECT_EQ(curl.post_chunked(base + "/up", large), "POST /up  " + large) << curl.error;
  EXPECT_EQ(curl.get(base + "/big?20000000").size(), 20'000'000u) << curl.error;
  EXPECT_EQ(curl.new_connections, 0);
  EXPECT_EQ(curl.get(base + "/echo"), "GET /echo  ") << curl.error;
  EXPECT_EQ(curl.new_connections, 0);
}

TEST(HttpServerToCurl, KeepsItsConnectionAndUploadsInChunks) {
  TestServer server({}, 2);
  Curl curl;
  walk_through(curl, fmt::format("http://127.0.0.1:{}", server.port()));
}

TEST(HttpServerToCurl, DoesTheSameOverTls) {
  Identity identity;
  TestServer server({.tls = true, .tls_files = identity.files()}, 2);
  Curl curl;
  curl.trust(identity);
  const auto base = fmt::format("https://127.0.0.1:{}", server.port());
  walk_through(curl, base);
  EXPECT_NE(curl.get(base + "/headers").find("tls=true"), std::string::npos);
}

TEST(Tls, RefusesVersionsBefore12) {
  Identity identity;
  TestServer server({.tls = true, .tls_files = identity.files()});
  Curl curl;
  curl.trust(identity);
  curl_easy_setopt(curl.handle(), CURLOPT_SSLVERSION,
                   static_cast<long>(CURL_SSLVERSION_TLSv1_1) | CURL_SSLVERSION_MAX_TLSv1_1);
  curl_easy_setopt(curl.handle(), CURLOPT_SSL_CIPHER_LIST, "ALL:@SECLEVEL=0");
  curl.get(fmt::format("https://127.0.0.1:{}/", server.port()));
  EXPECT_NE(curl.error, "");
}

TEST(Tls, APeerThatSpeaksPlainOrNothingIsDropped) {
  Identity identity;
  TestServer server({.tls = true, .tls_files = identity.files(), .header_timeout = 60ms});
  TestClient plain(server.port()), silent(server.port());
  plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  plain.until_closed();
  EXPECT_EQ(silent.until_closed(), "");
  EXPECT_EQ(server.handler.requests, 0);
}

std::string refusal(const TlsFiles& files) {
  TestServer server;
  auto got = server.listen({.address = "127.0.0.1:0", .tls = true, .tls_files = files});
  if (!got) return got.error().detail;
  server.close(*got, 1s);
  return "";
}

TEST(Tls, SaysWhichFileIsWrongAndWhy) {
  Identity one, other;
  const auto good = one.files();
  EXPECT_EQ(refusal({"", ""}),
            "TLS needs a certificate file and a private key file; one of them is not given");
  EXPECT_EQ(refusal({"/nowhere/cert.pem", good.private_key_path}),
            "cannot read the certificate file '/nowhere/cert.pem'");
  EXPECT_EQ(refusal({good.certificate_path, "/nowhere/key.pem"}),
            "cannot read the private key file '/nowhere/key.pem'");
  const std::string text = one.folder() + "/text";
  std::ofstream(text) << "not PEM";
  EXPECT_TRUE(refusal({text, good.private_key_path})
                  .starts_with(fmt::format("'{}' is not a certificate in PEM form", text)));
  EXPECT_TRUE(refusal({good.certificate_path, text})
                  .starts_with(fmt::format("'{}' is not a private key in PEM form", text)));
  EXPECT_EQ(refusal({good.certificate_path, other.files().private_key_path}),
            fmt::format("the private key '{}' does not belong to the certificate '{}'",
                        other.files().private_key_path, good.certificate_path));
}

}  // namespace
}  // namespace trellis::net
