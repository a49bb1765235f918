"""The policy service: what it is asked, what its answers do, and what happens while it gives none."""
import json
import re
import socket
import subprocess
import threading

import guests
import pytest
from sandbox import ECHO_BODY, ECHO_REF, HTTP_SERVER, ROOT, free_port, http, wait_for
from nats_client import NatsClient
from services import PolicyService, Service

EVT = "wasmbus.evt.default"
NOBODY = "No responders to policy request (policy server not listening?)"
SILENT = "Policy request timed out"
NONSENSE = "Policy response failed to decode"


@pytest.fixture
def ruled(box):
    """A host that asks a policy service; no service yet."""
    return box.start_host(**PolicyService.ENV, HOST_zone="eu")


def key_of(host, reference):
    run = host.wash_json("claims", "inspect", reference)
    return run["module"], run["account"]


def served(host, wat, name="page", *sign):
    """An actor behind HTTP: its key and port."""
    path = host.build_actor(name, wat, *sign)
    host.start_actor(f"file://{path}")
    key, port = host.actor_key(f"file://{path}"), free_port()
    if not host.inventory()["providers"]:
        host.start_provider()
    host.put_link(key, f"ADDRESS=127.0.0.1:{port}")
    return key, port


def said(host, text):
    wait_for(lambda: text in host.log(), what=f"the log says {text!r}")


def deny_calls_to(key, why):
    return lambda request: why if request["action"] == "perform_invocation" \
        and request["target"]["publicKey"] == key else None


# --- what is asked ---

def test_the_start_of_an_actor_is_asked_about_as_in_2022(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    ruled.start_actor(ECHO_REF)
    key, issuer = key_of(ruled, ECHO_REF)
    request, = service.asked
    host = json.loads(http(ruled.dashboard_port, "/api/v1/host").body)
    assert re.fullmatch(r"[0-9a-f-]{36}", request.pop("requestId"))
    expires = request["source"].pop("expiresAt")
    assert isinstance(expires, int)
    assert request == {
        "action": "start_actor",
        "source": {"publicKey": "", "contractId": "", "linkName": "", "capabilities": [], "issuer": "", "issuedOn": "",
                   "expired": False},
        "target": {"publicKey": key, "issuer": issuer, "contractId": None, "linkName": None},
        "host": {"publicKey": host["id"], "issuer": host["issuer"], "latticeId": "default", "labels": host["labels"],
                 "clusterIssuers": [host["issuer"]]}}
    assert host["labels"]["zone"] == "eu"
    ruled.start_actor(ECHO_REF)
    assert len(service.about("start_actor")) == 2, "starts are asked about each time"


def test_the_start_of_a_provider_is_asked_about_with_contract_and_link_name(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    ruled.start_provider()
    request, = service.asked
    assert request["action"] == "start_provider"
    assert request["target"] == {"publicKey": HTTP_SERVER, "issuer": "", "contractId": "wasmcloud:httpserver",
                                 "linkName": "default"}


def test_a_call_is_asked_about_once_for_each_pair(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    port = free_port()
    key = ruled.echo_on(port)
    for _ in range(20):  # each on a connection of its own, so on any core
        assert http(port).body == ECHO_BODY
    request, = service.about("perform_invocation")
    assert request["source"] == {"publicKey": HTTP_SERVER, "contractId": "wasmcloud:httpserver", "linkName": "default",
                                 "capabilities": "", "issuer": "", "issuedOn": None, "expiresAt": None,
                                 "expired": False}
    assert request["target"] == {"publicKey": key, "issuer": key_of(ruled, ECHO_REF)[1], "contractId": "",
                                 "linkName": ""}


def test_calls_that_come_together_ask_once(ruled, made):
    free = threading.Event()

    def when_free(request):
        if request["action"] == "perform_invocation":
            free.wait(10)

    service = made(PolicyService, ruled.bus_port, when_free)
    port = free_port()
    ruled.echo_on(port)
    callers = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(16)]
    for caller in callers:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    free.set()
    for caller in callers:
        answer = b"".join(iter(lambda: caller.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200"), answer
        caller.close()
    assert len(service.about("perform_invocation")) == 1


# --- what a refusal does ---

def test_a_denied_actor_does_not_start_by_any_way(ruled, made):
    made(PolicyService, ruled.bus_port, lambda request: "not on my lattice")
    key = key_of(ruled, ECHO_REF)[0]
    text = f"Starting actor {key} denied: not on my lattice"
    watcher, me = NatsClient(ruled.bus_port), ruled.host_id()
    watcher.subscribe(EVT)
    watcher.ping()
    run = ruled.start_actor(ECHO_REF, check=False)
    assert run.returncode == 1 and text in run.stderr
    failed = watcher.events(EVT, "actor_start_failed")["data"]
    assert failed == {"actor_ref": ECHO_REF, "error": text}
    # `scale` starts as well.
    ruled.wash("ctl", "scale", "actor", me, key, ECHO_REF, "--count", "2")
    assert watcher.events(EVT, "actor_start_failed")["data"]["error"] == text
    # And so do bytes that are sent to the API.
    module = ruled.build_actor("sent", guests.GOOD)
    answer = http(ruled.dashboard_port, "/api/v1/actors", data=module.read_bytes(), method="POST",
                  headers={"Content-Type": "application/wasm"})
    assert answer.status == 403 and b"not on my lattice" in answer.body
    assert ruled.inventory()["actors"] == []
    watcher.close()


def test_what_runs_is_neither_updated_nor_scaled_against_the_policy(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    seed = ruled.wash_json("keys", "gen", "module")["seed"]
    old, new = (ruled.build_actor(f"v{n}", guests.GOOD, "-s", seed, "-r", n) for n in (1, 2))
    ruled.start_actor(f"file://{old}")
    key, me = ruled.actor_key(f"file://{old}"), ruled.host_id()
    service.denies = lambda request: "frozen"
    run = ruled.wash("ctl", "update", "actor", me, key, f"file://{new}", check=False)
    assert f"Starting actor {key} denied: frozen" in run.stderr
    watcher = NatsClient(ruled.bus_port)
    watcher.subscribe(EVT)
    watcher.ping()
    ruled.wash("ctl", "scale", "actor", me, key, f"file://{old}", "--count", "3")
    assert "denied: frozen" in watcher.events(EVT, "actor_start_failed")["data"]["error"]
    watcher.close()
    actor, = ruled.inventory()["actors"]
    assert [i["revision"] for i in actor["instances"]] == [1]
    asked = len(service.asked)
    ruled.wash("ctl", "stop", "actor", me, key, "--count", "0")
    assert len(service.asked) == asked, "stopping needs nobody's permission"


def test_a_denied_provider_does_not_start(ruled, made):
    service = made(PolicyService, ruled.bus_port, lambda request: "no")
    run = ruled.start_provider(check=False)
    assert run.returncode == 1 and f"Starting provider {HTTP_SERVER} denied: no" in run.stderr
    assert ruled.inventory()["providers"] == []
    service.denies = lambda request: None
    ruled.start_provider()
    assert len(ruled.inventory()["providers"]) == 1


def test_a_provider_of_this_process_may_not_call_what_is_denied(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    key, port = served(ruled, guests.GOOD)
    other_key, other_port = served(ruled, guests.GOOD, "other")
    service.denies = deny_calls_to(key, "closed today")
    for _ in range(3):
        assert http(port).status == 500
    assert http(other_port).body == b"ok"
    said(ruled, "Policy denied invocation: closed today")
    assert [r["target"]["publicKey"] for r in service.about("perform_invocation")] == [key, other_key]


def test_an_actor_may_not_call_another_that_is_denied(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    callee = ruled.build_actor("callee", guests.GOOD)
    ruled.start_actor(f"file://{callee}")
    target = ruled.actor_key(f"file://{callee}")
    caller, port = served(ruled, guests.caller(target, "Any.Operation", binding=""), "caller")
    service.denies = deny_calls_to(target, "strangers")
    assert http(port).status == 500
    said(ruled, "Policy denied invocation: strangers")
    asked = service.about("perform_invocation")[-1]
    assert asked["source"]["publicKey"] == caller and asked["source"]["capabilities"] == "wasmcloud:httpserver"
    assert asked["source"]["issuer"].startswith("A") and asked["source"]["contractId"] == ""


def test_who_is_unknown_to_the_lattice_is_denied_without_asking(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    path = ruled.build_actor("called", guests.GOOD)
    ruled.start_actor(f"file://{path}")
    run = ruled.wash("call", ruled.actor_key(f"file://{path}"), "Any.Operation", "{}", check=False)
    assert run.returncode == 1 and "Policy denied invocation: reason not specified" in run.stderr
    said(ruled, "__WASH__ may not call")
    assert service.about("perform_invocation") == []


# --- changes ---

def test_a_change_overrides_the_decision_until_the_next(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    key, port = served(ruled, guests.GOOD)
    assert http(port).status == 200
    request, = service.about("perform_invocation")

    def change(permitted, message):
        return service.change(ruled.bus_port, {"request_id": request["requestId"], "permitted": permitted,
                                               "message": message})

    assert change(False, "revoked") == {"success": True}
    # The bus has answered: from now on no core lets one through, once it has heard of it.
    wait_for(lambda: all(http(port).status == 500 for _ in range(8)))
    said(ruled, "Policy denied invocation: revoked")
    assert change(True, None) == {"success": True}
    wait_for(lambda: all(http(port).status == 200 for _ in range(8)))
    assert len(service.about("perform_invocation")) == 1, "nobody had to be asked again"


def test_changes_that_mean_nothing_change_nothing(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    key, port = served(ruled, guests.GOOD)
    assert http(port).status == 200
    request, = service.about("perform_invocation")
    for body in (b"", b"[]", {"requestId": request["requestId"], "permitted": False},
                 {"request_id": request["requestId"]}):
        assert service.change(ruled.bus_port, body) == {"success": False}
    assert service.change(ruled.bus_port, {"request_id": "another", "permitted": False}) == {"success": True}
    assert all(http(port).status == 200 for _ in range(8))


def test_new_claims_are_asked_about_anew(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    seed = ruled.wash_json("keys", "gen", "module")["seed"]
    old, new = (ruled.build_actor(f"v{n}", guests.GOOD, "-s", seed, "-r", n) for n in (1, 2))
    ruled.start_actor(f"file://{old}")
    key, port = ruled.actor_key(f"file://{old}"), free_port()
    ruled.start_provider()
    ruled.put_link(key, f"ADDRESS=127.0.0.1:{port}")
    assert http(port).status == 200
    service.denies = deny_calls_to(key, "that version is known to be bad")
    assert http(port).status == 200
    ruled.wash("ctl", "update", "actor", ruled.host_id(), key, f"file://{new}")
    wait_for(lambda: http(port).status == 500, what="the decision about the old version is forgotten")


# --- a service that gives no answer ---

def test_without_a_service_nothing_is_permitted_and_with_it_all_works(ruled, made):
    key = key_of(ruled, ECHO_REF)[0]
    run = ruled.start_actor(ECHO_REF, check=False)
    assert f"Starting actor {key} denied: {NOBODY}" in run.stderr
    assert f"Starting provider {HTTP_SERVER} denied: {NOBODY}" in ruled.start_provider(check=False).stderr
    service = made(PolicyService, ruled.bus_port)
    port = free_port()
    ruled.echo_on(port)
    said(ruled, "the policy service on policy.ask answers again")
    service.stop()
    assert http(port).status == 500
    said(ruled, f"Policy denied invocation: {NOBODY}")
    made(PolicyService, ruled.bus_port)
    assert http(port).body == ECHO_BODY


def test_what_was_decided_holds_while_the_service_is_away(ruled, made):
    service = made(PolicyService, ruled.bus_port)
    port = free_port()
    ruled.echo_on(port)
    assert http(port).status == 200
    service.stop()
    assert all(http(port).body == ECHO_BODY for _ in range(8))


@pytest.mark.parametrize("answer,text", [
    (None, SILENT), (b"yes", NONSENSE), (b"", NONSENSE), ([True], NONSENSE), ({"permitted": "true"}, NONSENSE),
    ({}, NONSENSE), ({"permitted": False, "message": None}, "reason not specified")],
    ids=["silence", "words", "empty", "list", "not a truth", "no decision", "no reason"])
def test_a_service_that_cannot_be_understood_permits_nothing(box, made, answer, text):
    box.start_host(**PolicyService.ENV, WASMCLOUD_POLICY_TIMEOUT="300")
    service = made(Service, box.bus_port, PolicyService.SUBJECT,
                   lambda request: {"permitted": True} if request["action"] != "perform_invocation" else answer)
    key, port = served(box, guests.GOOD)
    for _ in range(2):
        assert http(port).status == 500
    said(box, f"Policy denied invocation: {text}")
    decided = text == "reason not specified"
    assert len(service.asked) == (3 if decided else 4), "only what the service decided is kept"
    service.answer = lambda request: {"permitted": True}
    if not decided:
        assert http(port).status == 200
    service.answer = lambda request: answer if answer is not None else None
    run = box.start_actor(ECHO_REF, check=False)
    assert f"Starting actor {key_of(box, ECHO_REF)[0]} denied: {text}" in run.stderr


def test_a_topic_that_is_none_is_refused_at_the_start(box):
    box.start_host(wait=False, WASMCLOUD_POLICY_TOPIC="policy.>")
    assert box.process.wait(10) == 2
    said(box, "WASMCLOUD_POLICY_TOPIC='policy.>'")


def test_no_topic_asks_nobody(host, made):
    service = made(PolicyService, host.bus_port, lambda request: "never")
    port = free_port()
    host.echo_on(port)
    assert http(port).body == ECHO_BODY and service.asked == []


def test_the_example_of_the_documentation_does_what_it_says(box):
    text = (ROOT / "docs" / "policy.md").read_text()
    (box.folder / "policy.py").write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1))
    commands = text[text.index("    wash ctl start actor"):text.index("### What is asked")]
    commands = [line.strip() for line in commands.splitlines()]
    expected = [line.removeprefix("# ").strip("…").split("N…")[0].strip() for line in commands if line.startswith("# ")]
    starts = [line for line in commands if line.startswith("wash ")]
    servers = [line.removesuffix("&") for line in commands if line.startswith("python3 ")]
    assert len(expected) == len(starts) == 3 and len(servers) == 2
    host = box.start_host(WASMCLOUD_POLICY_TOPIC="policy.ask")
    server = None
    try:
        for start, said_then, begin in zip(starts, expected, [None, *servers]):
            if server:
                server.kill()
                server.wait()
            if begin:
                server = subprocess.Popen(["bash", "-c", f"exec {begin}"], env=box.env, cwd=box.folder)
                bus = NatsClient(host.bus_port)
                wait_for(lambda: is_there(bus), what="the server listens")
                bus.close()
            run = subprocess.run(["bash", "-c", start], env=box.env, cwd=box.folder, capture_output=True, text=True)
            assert said_then in run.stdout + run.stderr
    finally:
        if server:
            server.kill()
            server.wait()


def is_there(bus):
    try:
        bus.request("policy.ask", b'{"requestId":"","action":"start_provider","target":{"publicKey":""}}')
        return True
    except LookupError:
        return False
