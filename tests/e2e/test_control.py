"""The control interface and the events, seen by a plain NATS client as 2022's tools see them."""
import json

import guests
import pytest
from sandbox import ECHO_BODY, ECHO_REF, HTTP_SERVER, HTTP_SERVER_REF, free_port, http
from nats_client import NatsClient

CTL, EVT = "wasmbus.ctl.default", "wasmbus.evt.default"


@pytest.fixture
def nats(host):
    client = NatsClient(host.bus_port)
    yield client
    client.close()


def ask(nats, tail, body=None):
    return json.loads(nats.request(f"{CTL}.{tail}", b"" if body is None else json.dumps(body).encode()))


def test_ping_claims_links_inventory(host, nats):
    ping = ask(nats, "ping.hosts")
    assert ping["id"].startswith("N") and ping["lattice_prefix"] == "default"
    assert ping["labels"]["hostcore.os"] == "linux" and isinstance(ping["uptime_seconds"], int)
    assert ask(nats, "get.claims") == {"claims": []}
    assert ask(nats, "get.links") == {"links": []}
    inventory = ask(nats, f"get.{ping['id']}.inv")
    assert inventory["host_id"] == ping["id"] and inventory["actors"] == [] and inventory["providers"] == []


def test_start_scale_stop_and_their_events(host, nats):
    me = ask(nats, "ping.hosts")["id"]
    nats.subscribe(EVT)
    nats.ping()
    assert ask(nats, f"cmd.{me}.la", {"actor_ref": ECHO_REF, "count": 2, "host_id": me,
                                      "annotations": {"a": "b"}}) == {"accepted": True, "error": ""}
    started = nats.events(EVT, "actor_started")
    assert started["source"] == me and started["specversion"] == "1.0"
    assert started["data"]["image_ref"] == ECHO_REF and started["data"]["annotations"] == {"a": "b"}
    assert started["data"]["api_version"] == 1
    assert started["data"]["claims"]["caps"] == ["wasmcloud:httpserver"]
    key = started["data"]["public_key"]
    second = nats.events(EVT, "actor_started")
    assert second["data"]["instance_id"] != started["data"]["instance_id"]

    assert ask(nats, f"cmd.{me}.scale", {"actor_id": key, "actor_ref": ECHO_REF, "count": 5, "host_id": me})["accepted"]
    for _ in range(3):
        nats.events(EVT, "actor_started")
    actor = ask(nats, f"get.{me}.inv")["actors"][0]
    assert len(actor["instances"]) == 5 and actor["image_ref"] == ECHO_REF

    # An annotated stop takes only those that carry the annotation.
    assert ask(nats, f"cmd.{me}.sa", {"actor_ref": key, "count": 0, "host_id": me, "annotations": {"a": "b"}})["accepted"]
    assert len(ask(nats, f"get.{me}.inv")["actors"][0]["instances"]) == 3
    assert ask(nats, f"cmd.{me}.scale", {"actor_id": key, "actor_ref": ECHO_REF, "count": 0, "host_id": me})["accepted"]
    for _ in range(5):
        assert nats.events(EVT, "actor_stopped")["data"]["public_key"] == key
    assert ask(nats, f"get.{me}.inv")["actors"] == []


def test_failures_are_acknowledged_or_told_as_events(host, nats):
    me = ask(nats, "ping.hosts")["id"]
    nats.subscribe(EVT)
    nats.ping()
    assert ask(nats, f"cmd.{me}.la", {"nonsense": 1}) == \
        {"accepted": False, "error": "Invalid launch actor JSON request"}
    assert ask(nats, f"cmd.{me}.la", {"actor_ref": "reg.example/none:1", "host_id": me})["accepted"]
    failed = nats.events(EVT, "actor_start_failed")["data"]
    assert failed["actor_ref"] == "reg.example/none:1" and "reg.example/none:1" in failed["error"]
    assert ask(nats, f"cmd.{me}.lp", {"provider_ref": "reg.example/no:1", "link_name": "default", "host_id": me})["accepted"]
    nats.events(EVT, "provider_start_failed")
    typo = {"provider_ref": ECHO_REF.replace("echo", "ehco"), "link_name": "default", "host_id": me}
    assert ask(nats, f"cmd.{me}.lp", typo)["accepted"]
    failed = nats.events(EVT, "provider_start_failed")["data"]["error"]
    assert ECHO_REF not in failed and "Within itself this host has" in failed  # echo is no provider
    for said in ("actor reg.example/none:1 did not start", "provider reg.example/no:1 did not start"):
        assert said in host.log()
    assert host.read_log().count("[error]") == 3  # each is logged once
    assert ask(nats, f"cmd.{me}.scale", {"actor_id": "M", "actor_ref": "x", "count": 1, "host_id": "Nother"}) == \
        {"accepted": False, "error": "Command received by incorrect host and could not be processed"}
    assert ask(nats, f"cmd.{me}.sp", {"provider_ref": HTTP_SERVER, "link_name": "default", "host_id": me,
                                      "contract_id": "wasmcloud:httpserver"})["accepted"] is False
    assert ask(nats, "linkdefs.put", {"actor_id": "M"})["accepted"] is False
    assert ask(nats, f"cmd.{me}.upd", {"actor_id": "M1", "new_actor_ref": ECHO_REF, "host_id": me})["error"] \
        .startswith("Unable to perform live update")


def test_providers_links_and_auctions(host, nats):
    me = ask(nats, "ping.hosts")["id"]
    nats.subscribe(EVT)
    nats.ping()
    bid = ask(nats, "auction.provider", {"provider_ref": HTTP_SERVER_REF, "link_name": "default", "constraints": {}})
    assert bid["host_id"] == me
    ask(nats, f"cmd.{me}.lp", {"provider_ref": HTTP_SERVER_REF, "link_name": "default", "host_id": me})
    started = nats.events(EVT, "provider_started")["data"]
    assert started["public_key"] == HTTP_SERVER and started["image_ref"] == HTTP_SERVER_REF
    again = ask(nats, f"cmd.{me}.lp", {"provider_ref": HTTP_SERVER_REF, "link_name": "default", "host_id": me})
    assert again == {"accepted": False, "error": "Provider with that link name is already running on this host"}
    with pytest.raises(TimeoutError):  # it runs here already: silence
        nats.request(f"{CTL}.auction.provider", json.dumps(
            {"provider_ref": HTTP_SERVER_REF, "link_name": "default", "constraints": {}}).encode(), seconds=0.5)
    with pytest.raises(TimeoutError):  # no such label
        nats.request(f"{CTL}.auction.actor", b'{"actor_ref":"x","constraints":{"zone":"mars"}}', seconds=0.5)
    assert ask(nats, "auction.actor", {"actor_ref": "x", "constraints": {"hostcore.os": "linux"}})["host_id"] == me

    key = host.wash_json("keys", "gen", "module")["public_key"]
    port = free_port()
    link = {"actor_id": key, "provider_id": HTTP_SERVER, "link_name": "default",
            "contract_id": "wasmcloud:httpserver", "values": {"ADDRESS": f"127.0.0.1:{port}"}}
    nats.subscribe(f"wasmbus.rpc.default.{HTTP_SERVER}.default.linkdefs.put")
    assert ask(nats, "linkdefs.put", link)["accepted"]
    assert nats.events(EVT, "linkdef_set")["data"]["values"] == link["values"]
    assert ask(nats, "get.links")["links"][0]["contract_id"] == "wasmcloud:httpserver"
    assert http(port).status == 503  # the link is there, the actor is not
    assert ask(nats, "linkdefs.del", {**link, "provider_id": "", "values": {}})["accepted"]
    assert nats.events(EVT, "linkdef_deleted")["data"]["actor_id"] == key
    ask(nats, f"cmd.{me}.sp", {"provider_ref": HTTP_SERVER, "link_name": "default", "host_id": me})
    assert nats.events(EVT, "provider_stopped")["data"]["public_key"] == HTTP_SERVER


def test_live_update_swaps_the_module_under_load(host):
    host.start_provider()
    port = free_port()
    seed = host.wash_json("keys", "gen", "module")["seed"]
    old = host.build_actor("v1", guests.GOOD, "-s", seed, "-r", "1")
    new = host.build_actor("v2", guests.counter(), "-s", seed, "-r", "2")
    host.start_actor(f"file://{old}")
    key = host.actor_key(f"file://{old}")
    host.put_link(key, f"ADDRESS=127.0.0.1:{port}")
    assert http(port).status == 200
    host.wash("ctl", "update", "actor", host.host_id(), key, f"file://{new}")
    assert http(port).status == 201
    actor = host.inventory()["actors"][0]
    assert actor["image_ref"] == f"file://{new}" and actor["instances"][0]["revision"] == 2
    back = host.wash("ctl", "update", "actor", host.host_id(), key, f"file://{old}", check=False)
    assert back.returncode == 1 and "Unable to perform live update" in back.stderr
    started = host.start_actor(f"file://{old}", check=False)
    assert "already running with different OCI reference" in started.stderr


def test_another_version_of_what_runs_is_refused_with_the_command_that_replaces_it(host):
    seed = host.wash_json("keys", "gen", "module")["seed"]
    old, new = (host.build_actor(f"v{n}", guests.GOOD if n == 1 else guests.counter(), "-s", seed, "-r", n) for n in (1, 2))
    host.start_actor(f"file://{old}")
    key, me = host.actor_key(f"file://{old}"), host.host_id()
    refused = host.start_actor(f"file://{new}", check=False).stderr
    assert f"Cannot start new instance of {key} from OCI 'file://{new}', it is already running with different OCI " \
        "reference. To upgrade an actor, use live update." in refused
    assert f"It runs from file://{old}, revision 1" in refused
    command = f"wash ctl update actor {me} {key} file://{new}"
    assert command in refused
    host.wash(*command.split()[1:])
    # An older one cannot replace it; stopping can make room for it.
    refused = host.start_actor(f"file://{old}", check=False).stderr
    command = f"wash ctl stop actor {me} {key} --count 0"
    assert "this is revision 1" in refused and command in refused and "wash ctl update" not in refused
    host.wash(*command.split()[1:])
    host.start_actor(f"file://{old}")
    # The same file with other code in it, as when it was built again.
    old.write_bytes(new.read_bytes())
    refused = host.start_actor(f"file://{old}", check=False).stderr
    assert "holds other code or claims than what is running" in refused
    assert f"wash ctl update actor {me} {key} file://{old}" in refused


def test_wash_call_reaches_the_actor_signed(host):
    host.start_actor(ECHO_REF)
    key = host.actor_key(ECHO_REF)
    called = host.wash_json("call", key, "HttpServer.HandleRequest", json.dumps(
        {"method": "GET", "path": "/", "body": "", "queryString": "", "header": {}}))
    assert bytes(called["response"]["body"]) == ECHO_BODY
    stranger = host.wash_json("keys", "gen", "cluster")["seed"]
    refused = host.wash("call", key, "HttpServer.HandleRequest", "{}", "--cluster-seed", stranger, check=False)
    assert "Issuer of this invocation is not among the list of valid issuers" in refused.stdout + refused.stderr


def test_unsigned_bytes_on_an_actors_subject_are_answered_with_an_error(host, nats):
    host.start_actor(ECHO_REF)
    key = host.actor_key(ECHO_REF)
    answer = nats.request(f"wasmbus.rpc.default.{key}", b"\x93junk")
    assert b"Failed to deserialize msgpack invocation" in answer
    with pytest.raises(LookupError):
        nats.request(f"wasmbus.rpc.default.M{'A' * 55}", b"")


def test_heartbeats_name_what_runs(host, nats):
    host.start_actor(ECHO_REF)
    nats.subscribe(EVT)
    nats.ping()
    ask(nats, "ping.hosts")
    beat = nats.events(EVT, "host_heartbeat")["data"]
    assert [a["public_key"] for a in beat["actors"]] == [host.actor_key(ECHO_REF)]
    assert beat["uptime_seconds"] >= 0 and beat["friendly_name"]


def test_calls_are_told_while_somebody_listens(host, nats):
    port = free_port()
    key = host.echo_on(port)
    assert http(port).body == ECHO_BODY  # nobody listens: nothing is told
    nats.subscribe("wasmbus.rpcevt.default")
    nats.ping()
    assert http(port).body == ECHO_BODY
    told = nats.events("wasmbus.rpcevt.default", "invocation_succeeded")["data"]
    assert told["source"] == {"public_key": HTTP_SERVER, "contract_id": "wasmcloud:httpserver", "link_name": "default"}
    assert told["dest"]["public_key"] == key and told["operation"] == "HttpServer.HandleRequest" and told["bytes"] > 0


def test_refused_calls_are_told_as_failed(host, nats):
    host.start_actor(ECHO_REF)
    key = host.actor_key(ECHO_REF)
    deaf = host.build_actor("deaf", guests.GOOD, contract="-k")  # claims no HTTP
    host.start_actor(f"file://{deaf}")
    host.start_provider()
    port, deaf_key = free_port(), host.actor_key(f"file://{deaf}")
    host.put_link(deaf_key, f"ADDRESS=127.0.0.1:{port}", check=False)
    nats.subscribe("wasmbus.rpcevt.default")
    nats.ping()

    stranger = host.wash_json("keys", "gen", "cluster")["seed"]
    host.wash("call", key, "Some.Operation", "{}", "--cluster-seed", stranger, check=False)
    told = nats.events("wasmbus.rpcevt.default", "invocation_failed")["data"]
    assert told["dest"]["public_key"] == key and told["operation"] == "Some.Operation" and told["bytes"] > 0

    assert http(port).status != 200
    told = nats.events("wasmbus.rpcevt.default", "invocation_failed")["data"]
    assert told["source"]["public_key"] == HTTP_SERVER and told["dest"]["public_key"] == deaf_key


def test_constraints_choose_hosts_by_their_labels(box):
    host = box.start_host(HOST_ZONE="eu", HOST_disk="fast")
    for constraints in (["-c", "zone=eu"], ["-c", "zone=eu", "--constraint", "disk=fast", "-c", "hostcore.os=linux"]):
        host.wash("ctl", "start", "actor", ECHO_REF, "--auction-timeout-ms", "1000", *constraints)
    host.wash("ctl", "start", "provider", HTTP_SERVER_REF, "--auction-timeout-ms", "1000", "-c", "disk=fast")
    for constraints in (["-c", "zone=us"], ["-c", "zone=eu", "-c", "disk=slow"], ["-c", "room=1"], ["-c", "zone=EU"]):
        for what in (("actor", ECHO_REF), ("provider", "wasmcloud.azurecr.io/kvredis:0.19.0")):
            run = host.wash("ctl", "start", *what, "--auction-timeout-ms", "300", *constraints, check=False)
            assert run.returncode == 1 and "labels must match --constraint" in run.stderr
            assert "wash ctl get inventory <host-id>" in run.stderr
    assert "eu" in host.wash("ctl", "get", "inventory", host.host_id()).stdout.split()  # there they are
    inventory = host.inventory()
    assert len(inventory["actors"][0]["instances"]) == 2 and len(inventory["providers"]) == 1


def test_a_provider_that_runs_on_the_only_host_is_said_to(box):
    host = box.start_host(HOST_ZONE="eu")
    host.start_provider()
    for reference in (HTTP_SERVER_REF, HTTP_SERVER_REF.replace("0.16.3", "0.16.0")):
        refused = host.start_provider(reference, check=False)
        assert refused.returncode == 1 and f"No suitable hosts found for provider {reference}" in refused.stderr
        assert f"runs on host {host.host_id()} already" in refused.stderr and "'default'" in refused.stderr
    # What keeps it away is another thing here.
    refused = host.wash("ctl", "start", "provider", HTTP_SERVER_REF, "--auction-timeout-ms", "300", "-c", "zone=us", check=False)
    assert "on host" not in refused.stderr and "labels must match" in refused.stderr
    host.wash("ctl", "start", "provider", HTTP_SERVER_REF, "--auction-timeout-ms", "1000", "-l", "other")


def test_annotations_are_kept_by_instance_and_told(host, nats):
    me = ask(nats, "ping.hosts")["id"]
    nats.subscribe(EVT)
    nats.ping()
    ask(nats, f"cmd.{me}.lp", {"provider_ref": HTTP_SERVER_REF, "link_name": "default", "host_id": me,
                               "annotations": {"team": "web"}})
    assert nats.events(EVT, "provider_started")["data"]["annotations"] == {"team": "web"}
    assert ask(nats, f"get.{me}.inv")["providers"][0]["annotations"] == {"team": "web"}

    ask(nats, f"cmd.{me}.la", {"actor_ref": ECHO_REF, "count": 1, "host_id": me, "annotations": {"app": "a", "tier": "1"}})
    key = nats.events(EVT, "actor_started")["data"]["public_key"]
    ask(nats, f"cmd.{me}.la", {"actor_ref": ECHO_REF, "count": 2, "host_id": me, "annotations": {"app": "b"}})
    for _ in range(2):
        assert nats.events(EVT, "actor_started")["data"]["annotations"] == {"app": "b"}
    ask(nats, f"cmd.{me}.scale", {"actor_id": key, "actor_ref": ECHO_REF, "count": 4, "host_id": me,
                                  "annotations": {"app": "c"}})
    assert nats.events(EVT, "actor_started")["data"]["annotations"] == {"app": "c"}

    def annotations():
        return [i["annotations"] for i in ask(nats, f"get.{me}.inv")["actors"][0]["instances"]]

    def stop(count, wanted):
        assert ask(nats, f"cmd.{me}.sa", {"actor_ref": key, "count": count, "host_id": me, "annotations": wanted})["accepted"]

    first, b, c = {"app": "a", "tier": "1"}, {"app": "b"}, {"app": "c"}
    assert annotations() == [first, b, b, c]
    stop(0, {"app": "a", "tier": "2"})  # nobody has both
    stop(0, {"other": "a"})
    assert annotations() == [first, b, b, c]
    stop(1, {"app": "b"})
    assert annotations() == [first, b, c]
    stop(0, {"tier": "1"})  # one that has more than was asked for goes, too
    assert annotations() == [b, c]
    stop(0, {})
    assert ask(nats, f"get.{me}.inv")["actors"] == []
