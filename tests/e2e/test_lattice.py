"""Many hosts, one lattice: calls between hosts, shared links, and what happens when NATS or a host goes."""
import collections
import json
import subprocess
import threading
import time

import guests
import pytest
from sandbox import ECHO_BODY, ECHO_REF, HTTP_SERVER, HTTP_SERVER_REF, free_port, http, wait_for
from lattices import lattice, start_echo, start_http
from servers import STORE_REF

PING_REF, PONG_REF = "examples.trellis/ping:0.1.0", "examples.trellis/pong:0.1.0"
EVENTS, CALLS = "wasmbus.evt.default", "wasmbus.rpcevt.default"


@pytest.fixture
def pair():
    """Two hosts: HTTP on the first, echo on the second, linked."""
    with lattice() as made:
        made.first, made.second = made.start(2)
        start_http(made.first)
        made.echo = start_echo(made.second)
        made.http = free_port()
        made.first.put_link(made.echo, f"ADDRESS=127.0.0.1:{made.http}")
        wait_for(lambda: answers(made.http), 5, "echo answers")
        yield made


def answers(port, **kwargs):
    try:
        return http(port, **kwargs).status == 200
    except OSError:
        return False


def status_of(port):
    """0 while nobody listens."""
    try:
        return http(port, timeout=3).status
    except OSError:
        return 0


def said(box, words):
    wait_for(lambda: words in box.log(), 5, f"the log says: {words}")


def hosts_seen_by(box):
    return {h["id"] for h in box.wash_json("ctl", "get", "hosts", "-t", "1000")["hosts"]}


def served_by(made, port, enough):
    """Which hosts ran the actor and how often, of requests that are made until `enough(hosts)`."""
    client = made.client()
    client.subscribe(CALLS)
    client.ping()
    hosts = collections.Counter()

    def look():
        assert http(port).body == ECHO_BODY
        try:
            while True:
                event = json.loads(client.next_message(0.01)[2])
                # The caller tells of its own part, too; hosts that found nobody listening tell a second later.
                if event["type"].endswith("invocation_succeeded") and event["data"]["dest"]["public_key"] == made.echo:
                    hosts[event["source"]] += 1
        except TimeoutError:
            return enough(hosts)
    wait_for(look, 20, "events of enough calls")
    return hosts


# --- calls ---

def test_an_actor_on_one_host_serves_the_http_of_another(pair):
    assert http(pair.http).body == ECHO_BODY
    assert json.loads(http(pair.http, "/path?q=1", data=b"\x01").body) == {
        "body": [1], "method": "POST", "path": "/path", "query_string": "q=1"}
    assert hosts_seen_by(pair.first) == {pair.first.id, pair.second.id}


def test_an_actor_that_no_host_runs_is_named(pair):
    pair.second.wash("ctl", "stop", "actor", pair.second.id, pair.echo)
    assert http(pair.http).status == 503
    said(pair.first, f"actor {pair.echo} is not running on any host")


def test_calls_are_spread_over_the_hosts_that_run_an_actor_and_stay_at_home_when_they_can(pair):
    third = pair.start()
    start_echo(third)
    spread = served_by(pair, pair.http, lambda hosts: min(hosts[pair.second.id], hosts[third.id]) >= 10)
    assert max(spread[pair.second.id], spread[third.id]) <= 100, spread
    start_echo(pair.first)
    assert set(served_by(pair, pair.http, lambda hosts: sum(hosts.values()) >= 20)) == {pair.first.id}


def test_hosts_of_other_seeds_call_each_other_when_they_trust_each_other_and_not_otherwise():
    with lattice() as made:
        first = made.start()
        issuer = first.wash_json("ctl", "get", "hosts", "-t", "500")["hosts"][0]["cluster_issuers"]
        own = json.loads(first.wash("keys", "gen", "cluster", "-o", "json").stdout)
        stranger = made.start(WASMCLOUD_CLUSTER_SEED=own["seed"])
        echo, port = start_echo(first), free_port()
        start_http(stranger)
        stranger.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
        wait_for(lambda: status_of(port), 5, "the listener is open")
        assert status_of(port) >= 500
        said(first, "Issuer of this invocation is not among the list of valid issuers")

        assert first.stop_host() == 0
        first.env["WASMCLOUD_CLUSTER_ISSUERS"] = f"{issuer},{own['public_key']}"
        first.start_host()
        first.id = first.inventory()["host_id"]
        start_echo(first)
        assert http(port).body == ECHO_BODY


# --- which host runs what ---

def test_constraints_choose_the_host_that_has_the_label():
    with lattice() as made:
        first, second = made.start(HOST_ZONE="a"), made.start(HOST_ZONE="b", HOST_DISK="fast")
        quick = ("--auction-timeout-ms", "1000")
        # Whoever is asked: an auction reaches both.
        for asked, zone, chosen in ((first, "b", second), (second, "a", first), (second, "b", second)):
            said = asked.wash("ctl", "start", "actor", ECHO_REF, *quick, "-c", f"zone={zone}").stdout
            assert f"Actor {ECHO_REF} started on host {chosen.id}" in said
        assert [len(box.inventory()["actors"][0]["instances"]) for box in (first, second)] == [1, 2]
        said = first.wash("ctl", "start", "provider", HTTP_SERVER_REF, *quick, "-c", "zone=b", "-c", "disk=fast").stdout
        assert f"Provider {HTTP_SERVER_REF} started on host {second.id}" in said
        assert (first.inventory()["providers"], len(second.inventory()["providers"])) == ([], 1)

        # Nobody has the label; each has one of the two; the one that has it runs the provider already.
        for what, reference, *constraints in (("actor", ECHO_REF, "zone=c"), ("provider", STORE_REF, "zone=c"),
                                              ("actor", ECHO_REF, "zone=a", "disk=fast"),
                                              ("provider", HTTP_SERVER_REF, "zone=b")):
            refused = first.wash("ctl", "start", what, reference, "--auction-timeout-ms", "300",
                                 *(word for constraint in constraints for word in ("-c", constraint)), check=False)
            assert refused.returncode == 1 and f"No suitable hosts found for {what} {reference}" in refused.stderr
        assert [len(box.inventory()["actors"][0]["instances"]) for box in (first, second)] == [1, 2]
        assert (first.inventory()["providers"], len(second.inventory()["providers"])) == ([], 1)


# --- what hosts share ---

def test_links_reach_the_provider_whichever_host_took_the_command(pair):
    # The command goes to one of the two hosts at random.
    for _ in range(6):
        pair.second.delete_link(pair.echo)
        wait_for(lambda: not answers(pair.http, timeout=1), 5, "the listener is closed")
        pair.second.put_link(pair.echo, f"ADDRESS=127.0.0.1:{pair.http}")
        wait_for(lambda: answers(pair.http), 5, "the listener is open again")


def test_a_host_that_comes_later_knows_links_claims_and_references(pair):
    late = pair.start()
    assert [l["actor_id"] for l in late.links()] == [pair.echo]
    claims = late.wash_json("ctl", "get", "claims")["claims"]["claims"]
    assert {c["sub"] for c in claims} >= {pair.echo, HTTP_SERVER}
    port = free_port()
    # The provider is started after the link was put: it has it at once.
    late.wash("ctl", "link", "del", pair.echo, "wasmcloud:httpserver")
    late.put_link(pair.echo, f"ADDRESS=127.0.0.1:{port}")
    start_http(late)
    wait_for(lambda: answers(port), 5, "the late host serves it, too")


def test_links_are_there_after_all_hosts_were_away(pair):
    pair.first.stop_host()
    pair.second.stop_host()
    pair.second.start_host()
    assert [l["actor_id"] for l in pair.second.links()] == [pair.echo]


# --- large bodies ---

def test_large_bodies_go_both_ways(pair):
    body = bytes(range(256)) * 6000  # 1.5 MB; echo answers with 5.5 MB of text
    answer = http(pair.http, data=body, timeout=30)
    assert answer.status == 200 and bytes(json.loads(answer.body)["body"]) == body


# --- what goes wrong ---

def test_when_nats_is_away_calls_within_a_host_go_on_and_afterwards_everything_does():
    with lattice() as made:
        one, other = made.start(2)
        start_http(one)
        echo, port = start_echo(one), free_port()
        other.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
        wait_for(lambda: answers(port), 5, "echo answers")
        made.nats.stop()
        wait_for(lambda: "go on; those to others fail" in one.log(), 5, "the host has noticed")
        for _ in range(5):
            assert http(port).body == ECHO_BODY
        made.nats.start()
        wait_for(lambda: hosts_seen_by(other) == {one.id, other.id}, 10, "both are back")
        other.delete_link(echo)
        wait_for(lambda: not answers(port, timeout=1), 5, "the listener is closed")


def test_remote_calls_fail_with_the_reason_while_nats_is_away(pair):
    pair.nats.stop()
    wait_for(lambda: "go on; those to others fail" in pair.first.log(), 5, "the host has noticed")
    begin = time.monotonic()
    assert http(pair.http).status == 503
    assert time.monotonic() - begin < 1.5  # and not the two seconds of a call's deadline
    pair.nats.start()
    wait_for(lambda: answers(pair.http), 5, "echo answers again")
    assert [l["actor_id"] for l in pair.first.links()] == [pair.echo]
    late = pair.start()
    assert [l["actor_id"] for l in late.links()] == [pair.echo], "the server had lost it; the hosts had not"


def test_calls_to_other_hosts_work_within_a_second_of_the_server_and_say_meanwhile_what_is_away(pair):
    pair.first.wash("ctl", "start", "actor", PING_REF, "--host-id", pair.first.id)
    pair.second.wash("ctl", "start", "actor", PONG_REF, "--host-id", pair.second.id)
    port = free_port()
    pair.first.put_link(pair.first.actor_key(PING_REF), f"ADDRESS=127.0.0.1:{port}")
    wait_for(lambda: answers(port), 5, "the actors of the two hosts call each other")
    assert http(port).body == b"ping pong\n"
    for _ in range(3):
        pair.nats.stop()
        gone = time.monotonic()

        def says_why():
            assert f"NATS server at 127.0.0.1:{pair.port}" in json.loads(http(port).body)["error"]
            return time.monotonic() - gone > 2  # then the pauses between attempts are as long as they get
        wait_for(lambda: status_of(port) == 500, 5, "calls fail")
        wait_for(says_why, 5, "the server was away for long")
        assert "no NATS server at" in json.loads(http(port).body)["error"]
        assert http(pair.http).status == 503

        pair.nats.start()  # returns when it takes connections
        back = time.monotonic()
        wait_for(lambda: answers(port) and answers(pair.http), 10, "both actors are called on the other host")
        took = time.monotonic() - back
        assert took < 1.5, f"the hosts took {took:.2f} s; it should be one"


def test_a_host_that_is_killed_under_load_loses_only_what_it_had_in_hand(pair):
    third = pair.start()
    start_echo(third)
    bad, done, stop = [], [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                answer = http(pair.http, timeout=5)
                (done if answer.status == 200 else bad).append(answer)
            except OSError as error:
                bad.append(error)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(done) > 200, 20, "load")
    third.process.kill()
    third.process.wait()
    third.process = None
    so_far = len(done)
    wait_for(lambda: len(done) > so_far + 400, 20, "load after the kill")
    stop.set()
    for thread in threads:
        thread.join()
    assert len(bad) <= len(threads), [getattr(b, "body", b) for b in bad]


def test_two_hosts_with_one_key_are_refused(pair):
    seed = json.loads(pair.first.wash("keys", "gen", "server", "-o", "json").stdout)["seed"]
    pair.start(WASMCLOUD_HOST_SEED=seed)
    twin = pair.sandbox(WASMCLOUD_HOST_SEED=seed)
    twin.start_host(wait=False)
    assert twin.process.wait(30) != 0
    assert "WASMCLOUD_HOST_SEED" in twin.log() and "another host" in twin.log()
    twin.process = None


def test_of_two_hosts_with_one_key_that_start_at_once_one_is_refused(pair):
    seed = json.loads(pair.first.wash("keys", "gen", "server", "-o", "json").stdout)["seed"]
    twins = [pair.sandbox(WASMCLOUD_HOST_SEED=seed) for _ in range(3)]
    for twin in twins:
        twin.start_host(wait=False)
    wait_for(lambda: sum(twin.process.poll() is not None for twin in twins) == 2, 30, "two of them end")
    [kept] = [twin for twin in twins if twin.process.poll() is None]
    wait_for(kept.is_ready, 10, "the third runs")
    for twin in twins:
        if twin is not kept:
            assert "another host with the key" in twin.log()
            twin.process = None


def test_without_jetstream_the_host_says_what_is_missing_and_works():
    with lattice(jetstream=False) as made:
        first, second = made.start(2)
        assert "JetStream" in first.log()
        start_http(first)
        echo, port = start_echo(second), free_port()
        second.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
        wait_for(lambda: answers(port), 5, "echo answers")
        large = http(port, data=bytes(1_500_000))
        assert large.status >= 500
        said(first, "a body of")
        assert "JetStream" in first.log().split("a body of")[1]
        answer = http(port, data=bytes([255]) * 300_000)  # of about 1.2 MB, from the other host
        assert answer.status >= 500
        wait_for(lambda: first.log().count("JetStream") >= 3, 5, "the caller says why")


def test_a_server_with_small_messages_is_no_obstacle(tmp_path):
    config = tmp_path / "nats.conf"
    config.write_text("max_payload: 65536\n")
    with lattice("-c", str(config)) as made:
        first, second = made.start(2)
        start_http(first)
        echo, port = start_echo(second), free_port()
        second.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
        wait_for(lambda: answers(port), 5, "echo answers")
        body = bytes(300_000)
        assert bytes(json.loads(http(port, data=body).body)["body"]) == body
        assert "messages of up to 65536 bytes (its max_payload)" in first.log()


def test_small_messages_without_jetstream_carry_small_bodies(tmp_path):
    config = tmp_path / "nats.conf"
    config.write_text("max_payload: 65536\n")
    with lattice("-c", str(config), jetstream=False) as made:
        first, second = made.start(2)
        start_http(first)
        echo, port = start_echo(second), free_port()
        first.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
        wait_for(lambda: answers(port), 5, "echo answers")
        assert bytes(json.loads(http(port, data=b"small").body)["body"]) == b"small"
        assert http(port, data=bytes(300_000)).status in (500, 503)
        assert "a body of 300" in first.log() and "has to go through NATS' object store" in first.log()
        assert "start nats-server with -js" in first.log()
        assert answers(port)


def test_wrong_credentials_are_said_at_the_start():
    with lattice("--user", "lattice", "--pass", "secret") as made:
        box = made.sandbox()
        box.start_host(wait=False)
        assert box.process.wait(30) != 0
        assert "lets nobody in without credentials" in box.log() and str(made.port) in box.log()
        box.process = None


def test_tls_with_a_ca_of_ones_own_and_a_certificate_of_the_hosts(tmp_path):
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=tmp_path, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-subj", "/CN=test CA", "-days", "2")
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in ("server", "host"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.pem", "-days", "2", "-extfile", "names")
    (tmp_path / "nats.conf").write_text("".join(f"{line}\n" for line in (
        "tls {", f'  cert_file: "{tmp_path}/server.pem"', f'  key_file: "{tmp_path}/server.key"',
        f'  ca_file: "{tmp_path}/ca.pem"', "  verify: true", "}")))
    with lattice("-c", str(tmp_path / "nats.conf")) as made:
        stranger = made.sandbox(WASMCLOUD_RPC_TLS="1")
        stranger.start_host(wait=False)
        assert stranger.process.wait(30) != 0
        assert "TLS to the NATS server" in stranger.log() and "certificate" in stranger.log()
        stranger.process = None
        known = {"WASMCLOUD_RPC_TLS": "1", "TRELLIS_NATS_CA": f"{tmp_path}/ca.pem"}
        with_certificate = {**known, "TRELLIS_NATS_CERT": f"{tmp_path}/host.pem", "TRELLIS_NATS_KEY": f"{tmp_path}/host.key"}
        box = made.start(**with_certificate)
        assert "Lattice default on the NATS server" in box.log()
        for variable in with_certificate:
            del box.env[variable]
        refused = box.wash("ctl", "get", "hosts", check=False)
        assert refused.returncode == 1 and "certificate" in refused.stderr.lower()
        box.env.update(with_certificate)
        assert hosts_seen_by(box) == {box.id}


# --- how it is set up ---

def test_wash_up_joins_a_server_that_is_there():
    with lattice() as made:
        box = made.sandbox()
        for variable in ("TRELLIS_BUS", "WASMCLOUD_RPC_PORT", "WASMCLOUD_CTL_PORT", "NATS_PORT"):
            box.env.pop(variable)
        up = box.wash("up", "--detached", "--nats-connect-only", "--nats-port", made.port)
        assert f"The host has joined NATS at 127.0.0.1:{made.port}" in up.stdout
        hosts = box.wash_json("ctl", "get", "hosts", "-t", "500")["hosts"]  # the host has told wash where it is
        assert len(hosts) == 1
        box.wash("down")


def test_wash_up_takes_the_address_of_calls_for_all_connections():
    with lattice() as made:
        box = made.sandbox()
        for variable in ("TRELLIS_BUS", "WASMCLOUD_RPC_PORT", "WASMCLOUD_CTL_PORT", "NATS_PORT"):
            box.env.pop(variable)
        box.env["TRELLIS_BUS"] = "nats"
        box.wash("up", "--detached", "--rpc-host", "localhost", "--rpc-port", made.port)
        assert len(box.wash_json("ctl", "get", "hosts", "-t", "500")["hosts"]) == 1
        box.wash("down")


def test_wash_up_says_when_there_is_no_server_to_join(box):
    up = box.wash("up", "--detached", "--nats-connect-only", check=False)
    assert up.returncode == 1
    assert "exiting since --nats-connect-only was set" in up.stderr and "refused" in up.stderr


def test_control_has_a_connection_of_its_own_when_it_is_told_so():
    """Two servers: calls go over one, commands and events over the other."""
    with lattice() as calls, lattice() as control:
        apart = {"WASMCLOUD_CTL_PORT": str(control.port)}
        first, second = calls.start(2, **apart)
        start_http(first)
        echo, port = start_echo(second), free_port()
        first.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
        wait_for(lambda: answers(port), 5, "echo answers")
        assert hosts_seen_by(first) == {first.id, second.id}
        with pytest.raises(LookupError):  # nobody listens to commands there
            calls.client().request("wasmbus.ctl.default.ping.hosts")


def test_an_answer_to_a_cycle_over_two_hosts_names_it():
    with lattice() as made:
        first, second = made.start(2)
        keys = [json.loads(first.wash("keys", "gen", "module", "-o", "json").stdout) for _ in range(2)]
        for box, own, other in ((first, 0, 1), (second, 1, 0)):
            wat = guests.caller(keys[other]["public_key"], "Any.Operation", binding="")
            path = box.build_actor(f"turn{own}", wat, "--subject", keys[own]["seed"])
            box.wash("ctl", "start", "actor", f"file://{path}", "--host-id", box.id)
            wait_for(lambda: box.inventory()["actors"], 5, "it runs")
        run = first.wash("call", keys[0]["public_key"], "Any.Operation", "{}", "-t", "10000", check=False)
        assert run.returncode == 1
        assert "nested more than" in run.stderr and "cycle" in run.stderr, run.stderr
