// Goal: the lines a NATS client reads are as it expects them, byte for byte.
#include "lattice/nats_text.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

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

}  // namespace
}  // namespace trellis::lattice
