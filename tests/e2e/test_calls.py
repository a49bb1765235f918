"""What guests ask of the world: builtins, other actors by key and by alias, and what they may not have."""
import json

import guests
import pytest
from sandbox import http, wait_for
from nats_client import NatsClient

LOGGING, NUMBERS = "wasmcloud:builtin:logging", "wasmcloud:builtin:numbergen"


def start(host, name, wat, *sign, contract="-q"):
    path = host.build_actor(name, wat, *sign, contract=contract)
    host.start_actor(f"file://{path}")
    return host.actor_key(f"file://{path}")


def call(host, key, check=True):
    return host.wash("call", key, "Any.Operation", "{}", "-o", "json", check=check)


def answer(host, key):
    return json.loads(call(host, key).stdout)["response"]


def refusal(host, key):
    run = call(host, key, check=False)
    assert run.returncode == 1, run.stdout
    return run.stderr


def test_a_guest_gets_random_numbers_with_the_claim_and_none_without(host):
    wat = guests.caller(NUMBERS, "NumberGen.GenerateGuid")
    assert len(answer(host, start(host, "may", wat, "-c", NUMBERS))) == 36
    assert f"missing capability claim for {NUMBERS}" in refusal(host, start(host, "maynot", wat))


def test_a_guests_log_lines_stand_in_the_log_as_one_line(host):
    entry = b"\x82\xa5level\xa4info\xa4text\xb0hello\n[error] hi\x1b"
    key = start(host, "talker", guests.caller(LOGGING, "Logging.WriteLog", entry), "-c", LOGGING)
    call(host, key, check=False)  # logging answers nothing, which is no msgpack value
    line = wait_for(lambda: next((l for l in host.log().splitlines() if "hello" in l), None))
    assert f"[{key}]" in line and "hi" in line and "\x1b" not in line


def test_an_actor_calls_another_by_key_and_by_alias(host):
    other = start(host, "other", guests.GOOD, "-a", "trial/other")
    by_key = start(host, "bykey", guests.caller(other, "Any.Operation", binding=""))
    by_alias = start(host, "byalias", guests.caller("trial/other", "Any.Operation"))
    for key in (by_key, by_alias):
        assert bytes(answer(host, key)["body"]) == b"ok"


def test_the_callees_own_error_reaches_the_caller(host):
    other = start(host, "sorry", guests.SAYS_NO)
    assert "sorry" in refusal(host, start(host, "caller", guests.caller(other, "Any.Operation", binding="")))


def test_what_is_not_there_is_named(host):
    key = start(host, "lost", guests.caller("wasmcloud:keyvalue", "KeyValue.Get"), "-k")
    assert "Call alias not found: wasmcloud:keyvalue on default" in refusal(host, key)
    gone = host.wash_json("keys", "gen", "module")["public_key"]
    key = start(host, "lonely", guests.caller(gone, "Any.Operation", binding=""))
    assert gone in refusal(host, key) or "request timeout" in refusal(host, key)


def test_a_linked_provider_that_runs_nowhere_is_a_timeout_at_once(host):
    key = start(host, "linked", guests.caller("wasmcloud:keyvalue", "KeyValue.Get"), "-k")
    provider = host.wash_json("keys", "gen", "service")["public_key"]
    host.wash("ctl", "link", "put", key, provider, "wasmcloud:keyvalue")
    assert "Failed to perform RPC call: request timeout" in refusal(host, key)


def test_a_cycle_ends_with_an_error(host):
    seed = host.wash_json("keys", "gen", "module")
    key = start(host, "cycle", guests.caller(seed["public_key"], "Any.Operation", binding=""), "-s", seed["seed"])
    assert key == seed["public_key"]
    assert "cycle" in refusal(host, key)
    assert host.is_ready()


def test_an_answer_too_large_for_the_bus_is_an_error_at_once(host):
    key = start(host, "large", guests.big_answer(9 * 1024 * 1024))
    assert "timed out" not in refusal(host, key)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_api_answers_to_its_own_names_only(host, name):
    port = host.dashboard_port
    assert http(port, "/api/v1/links", headers={"Host": f"{name}:{port}"}).status == 200
    for stranger in (f"{name}.evil.example", "evil.example"):
        assert http(port, "/api/v1/links", headers={"Host": f"{stranger}:{port}"}).status == 421
    assert http(port, "/api/livez", headers={"Host": "10.0.0.1:4000"}).status == 200


def test_other_code_under_the_same_reference_is_refused(host):
    seed = host.wash_json("keys", "gen", "module")["seed"]
    path = host.build_actor("same", guests.GOOD, "-s", seed)
    host.start_actor(f"file://{path}")
    host.start_actor(f"file://{path}")  # the same code: one more
    assert len(host.inventory()["actors"][0]["instances"]) == 2
    host.build_actor("same", guests.TRAP, "-s", seed)
    assert "other code" in host.start_actor(f"file://{path}", check=False).stderr


def test_scales_at_once_end_at_the_count_of_the_last(host):
    path = host.build_actor("many", guests.GOOD)
    key = host.wash_json("claims", "inspect", path)["module"]
    nats, me = NatsClient(host.bus_port), host.host_id()
    for count in (5, 3, 6, 4):  # the first ones load the actor; they may be ready in any order
        body = {"actor_id": key, "actor_ref": f"file://{path}", "count": count, "host_id": me}
        nats.publish(f"wasmbus.ctl.default.cmd.{me}.scale", json.dumps(body).encode())
    nats.ping()

    def instances():
        return next((len(a["instances"]) for a in host.inventory()["actors"]), 0)

    wait_for(lambda: instances() == 4)
    # That is final: those that are ready later are passed over, and a start adds to it.
    host.start_actor(f"file://{path}")
    wait_for(lambda: instances() == 5)
    nats.close()
