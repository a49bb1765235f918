// Goal: what a link's `allow` says is what is allowed, and nothing near it.
#include "httpclient/allow_list.h"

#include <gtest/gtest.h>

namespace trellis::httpclient {
namespace {

AllowList list(const std::vector<std::string>& entries) {
  auto parsed = AllowList::parse(entries);
  EXPECT_TRUE(parsed) << parsed.error().detail;
  return parsed ? *std::move(parsed) : AllowList{};
}

// Whether a request to the host may go out when the host turns out to be at the address.
bool allows(const AllowList& list, const std::string& host, const char* address,
            std::uint16_t port = 443) {
  return list.check_host(host, port) &&
         list.check_address(host, port, boost::asio::ip::make_address(address));
}

TEST(AllowList, WithoutOneEveryPublicHostIsAllowed) {
  for (const auto& none : {list({}), list({"*"})}) {
    EXPECT_TRUE(allows(none, "example.com", "93.184.216.34"));
    EXPECT_TRUE(allows(none, "8.8.8.8", "8.8.8.8"));
    for (const char* address :
         {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "fe80::1", "224.0.0.1"}) {
      EXPECT_FALSE(allows(none, "example.com", address)) << address;
      EXPECT_FALSE(none.check_host(address, 80)) << address;
    }
  }
}

TEST(AllowList, NamesAreExactOrBelow) {
  const auto some = list({"api.example.com", "*.Example.org"});
  for (const char* host : {"api.example.com", "a.example.org", "a.b.example.org"})
    EXPECT_TRUE(allows(some, host, "93.184.216.34")) << host;
  for (const char* host : {"example.com", "x.api.example.com", "example.org", "badexample.org",
                           "api.example.com.evil.test", "93.184.216.34"})
    EXPECT_FALSE(allows(some, host, "93.184.216.34")) << host;
}

TEST(AllowList, ANamedHostMayBeNearButNotWhereCredentialsAre) {
  const auto some = list({"db.internal", "*.cluster.local"});
  EXPECT_TRUE(allows(some, "db.internal", "10.0.0.7"));
  EXPECT_TRUE(allows(some, "db.internal", "127.0.0.1"));
  EXPECT_TRUE(allows(some, "a.cluster.local", "fd12::1"));
  EXPECT_FALSE(allows(some, "db.internal", "169.254.169.254"));
  EXPECT_FALSE(allows(some, "db.internal", "0.0.0.0"));
}

TEST(AllowList, AddressesAndNetworksCountWhateverLeadsThere) {
  const auto some = list({"10.1.0.0/16", "169.254.169.254", "::1", "2001:4860::/32", "10.2.3.4"});
  for (const char* address : {"10.1.0.1", "10.1.255.255", "169.254.169.254", "::1",
                              "2001:4860:4860::8888", "10.2.3.4", "::ffff:10.1.0.1"}) {
    EXPECT_TRUE(allows(some, address, address)) << address;
    EXPECT_TRUE(allows(some, "any.name", address)) << address;
  }
  for (const char* address : {"10.2.0.1", "10.0.255.255", "8.8.8.8", "2001:4861::1", "127.0.0.1"})
    EXPECT_FALSE(allows(some, "any.name", address)) << address;
  EXPECT_TRUE(allows(list({"0.0.0.0/0"}), "x", "127.0.0.1"));
}

TEST(AllowList, APortIsPartOfAnEntry) {
  const auto some = list({"api.example.com:443", "127.0.0.1:8080", "[::1]:9", "*:80"});
  EXPECT_TRUE(allows(some, "api.example.com", "10.0.0.1", 443));
  EXPECT_FALSE(allows(some, "api.example.com", "10.0.0.1", 444));
  EXPECT_TRUE(allows(some, "127.0.0.1", "127.0.0.1", 8080));
  EXPECT_FALSE(allows(some, "127.0.0.1", "127.0.0.1", 8081));
  EXPECT_TRUE(allows(some, "::1", "::1", 9));
  EXPECT_TRUE(allows(some, "other.test", "8.8.8.8", 80));
  EXPECT_FALSE(allows(some, "other.test", "8.8.8.8", 81));
}

TEST(AllowList, AProxyResolvesSoOnlyNamesCount) {
  const auto some = list({"10.0.0.0/8", "api.example.com"});
  EXPECT_TRUE(some.check_host("any.name", 80));
  EXPECT_FALSE(some.check_host("any.name", 80, true));
  EXPECT_TRUE(some.check_host("api.example.com", 80, true));
  EXPECT_TRUE(some.check_host("10.1.1.1", 80, true));
  EXPECT_FALSE(some.check_host("11.1.1.1", 80, true));
}

TEST(AllowList, SaysWhatIsNotAllowedAndWhy) {
  const auto host = list({"a.test"}).check_host("b.test", 80);
  EXPECT_EQ(host.error().detail, "host 'b.test' (port 80) is not in the link's `allow` list");
  EXPECT_EQ(host.error().code, Errc::denied);
  const auto metadata = list({}).check_host("169.254.169.254", 80);
  EXPECT_NE(metadata.error().detail.find("cloud metadata"), std::string::npos);
  const auto hidden =
      list({}).check_address("innocent.test", 80, boost::asio::ip::make_address("10.0.0.1"));
  EXPECT_NE(hidden.error().detail.find("10.0.0.1, an address of 'innocent.test'"),
            std::string::npos);
}

TEST(AllowList, RefusesEntriesThatAreNone) {
  for (const char* entry :
       {"", "https://a.test", "a b", "*a.test", "*.", "a..b", ".a", "10.0.0.0/33", "10.0.0.0/x",
        "a.test:0", "a.test:99999", "a.test:x", "[::1", "a/b", "::1/129", "*.*.a"}) {
    const auto parsed = AllowList::parse({entry});
    ASSERT_FALSE(parsed) << entry;
    EXPECT_NE(parsed.error().detail.find("'" + std::string(entry) + "'"), std::string::npos);
  }
}

}  // namespace
}  // namespace trellis::httpclient
