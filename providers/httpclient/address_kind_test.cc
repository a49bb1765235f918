// Goal: addresses that are not the internet's are known as what they are, in every disguise.
#include "httpclient/address_kind.h"

#include <gtest/gtest.h>

namespace trellis::httpclient {
namespace {

AddressKind kind(const char* text) { return kind_of(boost::asio::ip::make_address(text)); }

TEST(AddressKind, KnowsTheInternet) {
  for (const char* text : {"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255",
                           "100.128.0.0", "169.253.1.1", "223.255.255.255", "2606:4700::1111",
                           "2a00:1450:4001::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"})
    EXPECT_EQ(kind(text), AddressKind::global) << text;
}

TEST(AddressKind, KnowsWhatIsNear) {
  for (const char* text : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"})
    EXPECT_EQ(kind(text), AddressKind::loopback) << text;
  for (const char* text :
       {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fc00::1",
        "fdff::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:0a00:0001::1"})
    EXPECT_EQ(kind(text), AddressKind::internal) << text;
}

TEST(AddressKind, KnowsWhereCredentialsAreHandedOut) {
  for (const char* text :
       {"169.254.169.254", "169.254.0.1", "168.63.129.16", "100.100.100.200", "fe80::1",
        "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1"})
    EXPECT_EQ(kind(text), AddressKind::metadata) << text;
}

TEST(AddressKind, KnowsWhatIsNobodys) {
  for (const char* text : {"0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255",
                           "192.0.2.1", "::", "ff02::1", "2001::1", "2001:db8::1", "4000::1"})
    EXPECT_EQ(kind(text), AddressKind::special) << text;
}

}  // namespace
}  // namespace trellis::httpclient
