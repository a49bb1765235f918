// The other of two actors that call each other. It knows the first by its public key.
#include "rally.h"

using namespace trellis::sdk;

// Of actors/keys/ping.nk; with a seed of your own it is another.
constexpr std::string_view kPing = "MD2EQAL2VQMI3RYLIREBJGIFB3QLRXRFECJKL73E4K7TE4GIQG7IXM2T";

struct Pong {
  Result<Bytes> call(std::string_view operation, BytesView ball) {
    if (operation != "Pong.Hit") return not_handled(operation);
    return return_ball("pong", kPing, "Ping.Hit", ball);
  }
};

TRELLIS_ACTOR(Pong)
