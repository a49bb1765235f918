"""Calls of an actor to what another host of the lattice runs, a provider or an actor: sealed among hosts of one cluster
seed, signed among others.
"""
import json

import pytest
from sandbox import free_port, http, wait_for
from lattices import lattice, start_http
from servers import KEY_VALUE, STORE, STORE_REF, link
from services import PolicyService

KVCOUNTER_REF = "wasmcloud.azurecr.io/kvcounter:0.4.0"
PING_REF, PONG_REF = "examples.trellis/ping:0.1.0", "examples.trellis/pong:0.1.0"
STORE_CALLS = f"wasmbus.rpc.default.{STORE}.default"  # signed ones; those that are sealed have a subject of their own


@pytest.fixture(params=["sealed", "signed"])
def here_and_there(request):
    """HTTP and an actor of the test's choice are on .here, what it calls is on .there, or any other start_there()."""
    with lattice() as made:
        made.kind = request.param
        keys = [made.sandbox().wash_json("keys", "gen", "cluster") for _ in range(2)]
        issuers = {"WASMCLOUD_CLUSTER_ISSUERS": ",".join(key["public_key"] for key in keys)}
        one, other = (key["seed"] for key in (keys if made.kind == "signed" else keys[:1] * 2))
        made.here = made.start(WASMCLOUD_CLUSTER_SEED=one, **issuers)
        made.start_there = lambda **env: made.start(WASMCLOUD_CLUSTER_SEED=other, **issuers, **env)
        made.there = made.start_there()
        start_http(made.here)
        yield made


def start_actor(box, reference):
    box.wash("ctl", "start", "actor", reference, "--host-id", box.id)
    return box.actor_key(reference)


def served(box, reference):
    """The actor on this very host, behind its HTTP server; its key and port."""
    key, port = start_actor(box, reference), free_port()
    box.put_link(key, f"ADDRESS=127.0.0.1:{port}")
    wait_for(lambda: http(port).status, 5, "the listener is open")
    return key, port


def counter(port):
    return json.loads(http(port, "/api/counter").body)


def test_a_provider_on_another_host_serves_an_actor(here_and_there):
    here, there = here_and_there.here, here_and_there.there
    key, port = served(here, KVCOUNTER_REF)
    there.wash("ctl", "start", "provider", STORE_REF, "--host-id", there.id)
    assert [p["id"] for p in there.inventory()["providers"]] == [STORE]
    assert STORE not in [p["id"] for p in here.inventory()["providers"]]
    assert "Call alias not found: wasmcloud:keyvalue on default" in counter(port)["error"], "there is no link"

    link(here, key, STORE, KEY_VALUE, "STORE=one")
    wait_for(lambda: "counter" in counter(port), 5, "the provider has the link")
    spy = here_and_there.client()
    spy.subscribe(STORE_CALLS)
    spy.ping()
    assert [counter(port) for _ in range(3)] == [{"counter": n} for n in (2, 3, 4)]
    if here_and_there.kind == "signed":
        assert all(spy.next_message() for _ in range(3))
    else:
        with pytest.raises(TimeoutError):
            spy.next_message(0.2)
    spy.close()  # the lattice would count it as somebody who serves

    there.wash("ctl", "stop", "provider", there.id, STORE, "default", KEY_VALUE)
    assert "Failed to perform RPC call: request timeout" in counter(port)["error"]
    assert f"{STORE}: no host of the lattice runs that provider" in here.log()
    here.wash("ctl", "link", "del", key, KEY_VALUE)
    wait_for(lambda: "Call alias not found" in counter(port)["error"], 5, "the call is refused again")


@pytest.mark.parametrize("here_and_there", ["sealed"], indirect=True)
def test_a_link_that_was_put_is_there_for_the_first_call(here_and_there):
    # Either host may take the command; its answer must hold whichever it was.
    here, there = here_and_there.here, here_and_there.there
    key, port = served(here, KVCOUNTER_REF)
    there.wash("ctl", "start", "provider", STORE_REF, "--host-id", there.id)
    client, counted = here_and_there.client(), []

    def ask(command, **more):
        body = {"actor_id": key, "contract_id": KEY_VALUE, "link_name": "default", **more}
        answer = client.request(f"wasmbus.ctl.default.linkdefs.{command}", json.dumps(body).encode())
        assert json.loads(answer)["accepted"], answer
    for n in range(16):
        ask("put", provider_id=STORE, values={"STORE": f"store{n}"})
        counted.append(counter(port))
        ask("del")
    client.close()
    assert counted == [{"counter": 1}] * 16


@pytest.mark.parametrize("here_and_there", ["sealed"], indirect=True)
def test_what_is_wrong_with_a_link_is_said_by_whichever_host_takes_it(here_and_there):
    here, there = here_and_there.here, here_and_there.there
    key = start_actor(here, KVCOUNTER_REF)
    there.wash("ctl", "start", "provider", STORE_REF, "--host-id", there.id)
    said = [link(here, key, STORE, KEY_VALUE, f"STORE=../../etc{n}") for n in range(8)]
    assert ["is not a name" in text for text in said] == [True] * 8, said


@pytest.mark.parametrize("here_and_there", ["sealed"], indirect=True)
def test_whichever_host_is_asked_knows_the_state_of_links(here_and_there):
    here, there = here_and_there.here, here_and_there.there
    good, bad = start_actor(here, KVCOUNTER_REF), here.wash_json("keys", "gen", "module")["public_key"]
    there.wash("ctl", "start", "provider", STORE_REF, "--host-id", there.id)
    link(here, good, STORE, KEY_VALUE, "STORE=one")
    link(here, bad, STORE, KEY_VALUE, "STORE=../../etc")

    def states(links):
        return {each["actor_id"]: (each["status"], "is not a name" in each.get("reason", "")) for each in links}
    expected = {good: ("active", False), bad: ("failed", True)}
    for _ in range(6):
        assert states(here.wash_json("ctl", "link", "query")["links"]) == expected
    assert states(here.links()) == states(there.links()) == expected


def test_an_actor_on_another_host_is_called_by_its_alias_and_its_host_knows_who_calls(here_and_there):
    here, there = here_and_there.here, here_and_there.there
    ping, port = served(here, PING_REF)
    assert "Call alias not found: examples/pong on default" in json.loads(http(port).body)["error"]
    pong = start_actor(there, PONG_REF)
    wait_for(lambda: http(port).body == b"ping pong\n", 5, "the alias is known")
    assert http(port, "/?hits=4").body == b"ping pong ping pong\n", "from here to there, back, and there again"
    watcher, told = here_and_there.client(), []
    watcher.subscribe("wasmbus.rpcevt.default")
    watcher.ping()

    def tells_who_called():
        http(port)  # hosts that found nobody listening tell of calls a second later
        try:
            while True:
                event = json.loads(watcher.next_message(0.1)[2])
                if event["source"] == there.id:
                    told.append(event["data"])
        except TimeoutError:
            return told
    wait_for(tells_who_called, 10, "the host of the callee tells of a call")
    assert all(data["source"]["public_key"] == ping and data["dest"]["public_key"] == pong and
               data["operation"] == "Pong.Hit" for data in told), told
    watcher.close()


def test_the_policy_of_the_callees_host_is_asked_about_the_calling_actor(here_and_there, made):
    service = made(PolicyService, here_and_there.port)
    here, there = here_and_there.here, here_and_there.start_there(**PolicyService.ENV)
    ping, port = served(here, PING_REF)
    pong = start_actor(there, PONG_REF)
    wait_for(lambda: http(port).body == b"ping pong\n", 5, "the alias is known")
    request, = service.about("perform_invocation")
    assert (request["source"]["publicKey"], request["target"]["publicKey"]) == (ping, pong)
    assert request["host"]["publicKey"] == there.id
    assert service.change(here_and_there.port, {"request_id": request["requestId"], "permitted": False,
                                                "message": "not from there"}) == {"success": True}
    assert "Policy denied invocation: not from there" in json.loads(http(port).body)["error"]
