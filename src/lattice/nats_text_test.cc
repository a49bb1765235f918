// Goal: the lines a NATS client reads are as it expects them, byte for byte.
#include "lattice/nats_text.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <boost/json/parse.hpp>

#include "claims/nkey.h"
#include "codec/base64.h"

namespace trellis::lattice {
namespace {

TEST(NatsText, HeaderBlockOfNoHeadersHasTwelveBytes) {
  EXPECT_EQ(nats_header_block({}), "NATS/1.0\r\n\r\n");
  EXPECT_EQ(nats_header_block({}).size(), 12u);
  EXPECT_TRUE(parse_nats_header_block("NATS/1.0\r\n\r\n").empty());
}

TEST(NatsText, HeadersSurviveTheirBlock) {
  const Headers headers{{"traceparent", "00-1-2-01"}, {"Empty", ""}, {"Colon", "a: b:c"}};
  EXPECT_EQ(nats_header_block(headers),
            "NATS/1.0\r\ntraceparent: 00-1-2-01\r\nEmpty: \r\nColon: a: b:c\r\n\r\n");
  EXPECT_EQ(parse_nats_header_block(nats_header_block(headers)), headers);
}

TEST(NatsText, StatusComesAsAHeader) {
  EXPECT_EQ(parse_nats_header_block(kNoRespondersBlock), (Headers{{"Status", "503"}}));
  EXPECT_EQ(parse_nats_header_block("NATS/1.0 404 No Messages\r\nA:b\r\n\r\n"),
            (Headers{{"Status", "404"}, {"Description", "No Messages"}, {"A", "b"}}));
}

TEST(NatsText, WhatIsNoHeaderBlockHasNone) {
  for (const auto* block :
       {"", "\r\n", "HTTP/1.1 200\r\nA: b\r\n\r\n", "NATS/1.0\r\n: x\r\nnocolon\r\n\r\n"})
    EXPECT_TRUE(parse_nats_header_block(block).empty()) << block;
}

TEST(NatsText, HeadersThatWouldBreakOutAreRefused) {
  EXPECT_TRUE(check_headers({{"Name", "any: value"}}));
  for (const Headers& headers :
       {Headers{{"", "x"}}, Headers{{"a:b", "x"}}, Headers{{"a\r\nb", "x"}}, Headers{{"a", "x\ny"}},
        Headers{{"a b", "x"}}})
    EXPECT_FALSE(check_headers(headers)) << headers[0].first;
}

TEST(NatsText, InfoHasWhatClientsOf2022Need) {
  const auto line = nats_info_line({.server_id = "NX",
                                    .host = "127.0.0.1",
                                    .port = 4222,
                                    .client_id = 7,
                                    .client_ip = "127.0.0.1",
                                    .payload_max = 1024,
                                    .auth_required = false});
  ASSERT_TRUE(line.starts_with("INFO {"));
  ASSERT_TRUE(line.ends_with("}\r\n"));
  const auto info = boost::json::parse(line.substr(5)).get_object();
  // All of these are mandatory for one client library or another.
  for (const auto* key : {"server_id", "version", "go", "host", "port", "proto", "headers",
                          "max_payload", "client_id"})
    EXPECT_TRUE(info.contains(key)) << key;
  EXPECT_EQ(info.at("max_payload").to_number<int>(), 1024);
  EXPECT_EQ(info.at("server_name").as_string(), "trellis");
  EXPECT_FALSE(info.contains("auth_required"));
}

TEST(NatsText, MessageLines) {
  const auto line = [](std::string_view reply, std::size_t headers, std::size_t total) {
    std::string text;
    append_message_line(text, "a.b", "9", reply, headers, total);
    return text;
  };
  EXPECT_EQ(line("", 0, 0), "MSG a.b 9 0\r\n");
  EXPECT_EQ(line("r", 0, 12), "MSG a.b 9 r 12\r\n");
  EXPECT_EQ(line("", 12, 12), "HMSG a.b 9 12 12\r\n");
  EXPECT_EQ(line("r", 12, 14), "HMSG a.b 9 r 12 14\r\n");
  EXPECT_EQ(nats_error_line("Stale Connection"), "-ERR 'Stale Connection'\r\n");
}

boost::json::object said_in(const std::string& connect_line) {
  EXPECT_TRUE(connect_line.starts_with("CONNECT {") && connect_line.ends_with("}\r\n"));
  return boost::json::parse(connect_line.substr(8)).get_object();
}

TEST(NatsConnectLine, SignsTheNonceWithTheSeed) {
  const auto user = claims::KeyPair::generate(claims::KeyType::user);
  const auto line = nats_connect_line({.seed = user.seed()}, "nonce", "me", true);
  ASSERT_TRUE(line) << line.error().describe();
  const auto said = said_in(*line);
  EXPECT_EQ(said.at("nkey").get_string(), user.public_key());
  EXPECT_EQ(said.at("name").get_string(), "me");
  EXPECT_TRUE(said.at("tls_required").get_bool());
  EXPECT_TRUE(said.at("no_responders").get_bool());
  const auto bytes =
      codec::base64_decode(std::string_view(said.at("sig").get_string()), codec::Base64::url);
  ASSERT_TRUE(bytes && bytes->size() == 64);
  claims::Signature signature;
  std::copy(bytes->begin(), bytes->end(), signature.begin());
  const auto key = claims::PublicKey::parse(user.public_key());
  EXPECT_TRUE(key->verify(as_bytes("nonce"), signature));
}

TEST(NatsConnectLine, HasAJwtOrAUserOrAToken) {
  const auto user = claims::KeyPair::generate(claims::KeyType::user);
  const auto with_jwt =
      said_in(*nats_connect_line({.jwt = "j.w.t", .seed = user.seed()}, "n", "", false));
  EXPECT_EQ(with_jwt.at("jwt").get_string(), "j.w.t");
  EXPECT_FALSE(with_jwt.contains("nkey"));
  const auto named = said_in(*nats_connect_line({.user = "u", .password = "p"}, "", "", false));
  EXPECT_EQ(named.at("user").get_string(), "u");
  EXPECT_EQ(named.at("pass").get_string(), "p");
  EXPECT_FALSE(named.contains("sig"));
  EXPECT_EQ(
      said_in(*nats_connect_line({.token = "t"}, "", "", false)).at("auth_token").get_string(),
      "t");
  const auto nobody = said_in(*nats_connect_line({}, "n", "", false));
  for (const auto* key : {"jwt", "nkey", "sig", "user", "auth_token"})
    EXPECT_FALSE(nobody.contains(key)) << key;
}

TEST(NatsConnectLine, RefusesASeedThatIsNoUsers) {
  const auto account = claims::KeyPair::generate(claims::KeyType::account);
  EXPECT_FALSE(nats_connect_line({.seed = account.seed()}, "n", "", false));
  EXPECT_FALSE(nats_connect_line({.seed = "SUxxx"}, "n", "", false));
}

TEST(NatsInfo, IsReadAsFarAsAClientNeedsIt) {
  const auto info = parse_nats_info(
      R"({"server_name":"n1","version":"2.9.10","max_payload":1048576,"headers":true,"jetstream":true,
          "nonce":"abc","auth_required":true,"tls_available":true,"ldm":true,"other":[1],
          "connect_urls":["10.0.0.1:4222","[::1]:4222",7]})");
  ASSERT_TRUE(info) << info.error().describe();
  EXPECT_EQ(info->server_name, "n1");
  EXPECT_EQ(info->payload_max, 1048576u);
  EXPECT_EQ(info->nonce, "abc");
  EXPECT_TRUE(info->headers && info->jetstream && info->auth_required && info->tls_available);
  EXPECT_FALSE(info->tls_required);
  EXPECT_TRUE(info->leaving);
  EXPECT_EQ(info->connect_urls, (std::vector<std::string>{"10.0.0.1:4222", "[::1]:4222"}));
  for (const auto* bad : {"", "[]", "{}", R"({"max_payload":0})", R"({"max_payload":"x"})"})
    EXPECT_FALSE(parse_nats_info(bad)) << bad;
}

TEST(NatsCredentials, AreReadFromAFileAsNscWritesIt) {
  const auto credentials = parse_nats_credentials(
      "-----BEGIN NATS USER JWT-----\r\neyJ0.a.b\r\n------END NATS USER JWT------\r\n\r\n"
      "************************* IMPORTANT *************************\r\n"
      "-----BEGIN USER NKEY SEED-----\r\nSUABC\r\n------END USER NKEY SEED------\r\n");
  ASSERT_TRUE(credentials) << credentials.error().describe();
  EXPECT_EQ(credentials->jwt, "eyJ0.a.b");
  EXPECT_EQ(credentials->seed, "SUABC");
  for (const auto* bad :
       {"", "SUABC", "-----BEGIN NATS USER JWT-----", "-----BEGIN NATS USER JWT-----\na\n---"})
    EXPECT_FALSE(parse_nats_credentials(bad)) << bad;
}

TEST(NatsPublishLine, HasWhatThereIs) {
  std::string text;
  append_publish_line(text, "a", "", 0, 3);
  append_publish_line(text, "a", "r", 12, 15);
  EXPECT_EQ(text, "PUB a 3\r\nHPUB a r 12 15\r\n");
}

}  // namespace
}  // namespace trellis::lattice
