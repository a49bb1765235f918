"""TRELLIS_NATS_RELAY: NATS at localhost although it runs elsewhere."""
import json
import subprocess

from lattices import lattice
from nats_client import NatsClient
from sandbox import free_port, http, wait_for
from servers import KEY_VALUE, MESSAGING, NATS, NATS_REF, STORE, STORE_REF, behind_http, link

CHAT_REF = "examples.trellis/chat:0.1.0"


def test_a_link_finds_nats_at_localhost_through_the_relay():
    with lattice() as made:
        relay = free_port()
        one = made.start(TRELLIS_NATS_RELAY=f"127.0.0.1:{relay}")
        one.start_provider(NATS_REF)
        one.start_provider(STORE_REF)
        key, port = behind_http(one, CHAT_REF)
        link(one, key, STORE, KEY_VALUE)
        assert "Warning" not in link(one, key, NATS, MESSAGING, "SUBSCRIPTION=chat.*", f"URI=nats://localhost:{relay}")
        assert http(port, "/api/rooms/here", data=b"hi").status == 202
        wait_for(lambda: json.loads(http(port, "/api/rooms/here").body) == ["hi"])

        there, here = made.client(), NatsClient(relay)
        here.subscribe("a.b")
        here.ping()
        there.publish("a.b", b"x" * 500_000)
        assert len(here.next_message()[-1]) == 500_000

        made.nats.stop()
        made.nats.start()

        def said_and_heard():
            http(port, "/api/rooms/again", data=b"hi")
            return json.loads(http(port, "/api/rooms/again").body)
        wait_for(said_and_heard, 15, "messages flow again")


def refusal(box, **env):
    run = subprocess.run(["trellis", "--check-config"], env={**box.env, **env}, capture_output=True, text=True, timeout=20)
    return run.returncode, run.stderr


def test_a_relay_that_makes_no_sense_is_refused_with_a_sentence(box):
    code, said = refusal(box, TRELLIS_NATS_RELAY="127.0.0.1:4222")
    assert code == 2 and "this host's own bus" in said
    code, said = refusal(box, TRELLIS_NATS_RELAY="0.0.0.0:4222", TRELLIS_BUS="nats", WASMCLOUD_RPC_PORT="4222")
    assert code == 2 and "where the NATS server itself is" in said
    code, said = refusal(box, TRELLIS_NATS_RELAY="4222", TRELLIS_BUS="nats", WASMCLOUD_RPC_HOST="nats")
    assert code == 2 and "ip:port" in said
    code, said = refusal(box, TRELLIS_NATS_RELAY="0.0.0.0:4222", WASMCLOUD_RPC_HOST="nats", WASMCLOUD_RPC_PORT="4222")
    assert (code, said) == (0, "")
