// What both players do with the ball: a number of hits that are left.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trellis/actor.h"

inline trellis::sdk::Bytes ball_of(std::uint32_t hits) {
  trellis::sdk::Bytes ball;
  trellis::sdk::MsgpackWriter(ball).uint(hits);
  return ball;
}

// "ping pong ping": who hit it, from here on. `other` is a public key or a call alias.
inline trellis::sdk::Result<std::string> hit(std::string_view me, std::string_view other,
                                             std::string_view operation, std::uint32_t hits) {
  std::string rally(me);
  if (hits <= 1) return rally;
  const auto rest = trellis::sdk::typed_call(
      "", other, operation, ball_of(hits - 1),
      [](trellis::sdk::MsgpackReader& in) { return std::string(in.text()); });
  if (!rest) return rest.error();
  rally += ' ';
  rally += *rest;
  return rally;
}

// An operation that takes a ball and answers with the rally.
inline trellis::sdk::Result<trellis::sdk::Bytes> return_ball(std::string_view me,
                                                             std::string_view other,
                                                             std::string_view operation,
                                                             trellis::sdk::BytesView ball) {
  trellis::sdk::MsgpackReader in(ball);
  const auto hits = static_cast<std::uint32_t>(in.uint(UINT32_MAX));
  if (!in.ok()) return trellis::sdk::Error{"a ball is a number of hits: " + in.error()};
  const auto rally = hit(me, other, operation, hits);
  if (!rally) return rally.error();
  trellis::sdk::Bytes answer;
  trellis::sdk::MsgpackWriter(answer).str(*rally);
  return answer;
}
