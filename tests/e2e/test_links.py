"""Links: several at once, ports that are taken and freed, what is kept and shown."""
import json
import socket
import threading

import guests
from sandbox import ECHO_BODY, ECHO_REF, HTTP_SERVER, free_port, http, wait_for


def refuses_connections(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


def test_a_removed_link_frees_its_port_at_once(host):
    port = free_port()
    echo = host.echo_on(port)
    assert http(port).body == ECHO_BODY
    host.delete_link(echo)
    assert refuses_connections(port)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that linger are not listeners
        s.bind(("127.0.0.1", port))
        s.listen()  # really free
    host.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
    assert http(port).body == ECHO_BODY


def test_a_request_in_flight_is_answered_when_its_link_goes(host):
    # The actor computes until its deadline, about two seconds; the link is removed meanwhile.
    host.start_provider()
    port = free_port()
    path = host.build_actor("slow", guests.SAYS_AND_LOOPS)
    host.start_actor(f"file://{path}")
    key = host.actor_key(f"file://{path}")
    host.put_link(key, f"ADDRESS=127.0.0.1:{port}", 'config_json={"timeout_ms":1500}')
    statuses = []
    request = threading.Thread(target=lambda: statuses.append(http(port).status))
    request.start()
    wait_for(lambda: "the actor runs" in host.log(), what="the request is under way")
    host.delete_link(key)
    request.join(10)
    assert statuses == [503]  # an answer, not a reset


def test_several_actors_on_several_ports(host):
    host.start_provider()
    host.start_actor(ECHO_REF)
    path = host.build_actor("ok", guests.GOOD)
    host.start_actor(f"file://{path}")
    echo, ok = host.actor_key(ECHO_REF), host.actor_key(f"file://{path}")
    one, two = free_port(), free_port()
    host.put_link(echo, f"ADDRESS=127.0.0.1:{one}")
    host.put_link(ok, f"PORT={two}")
    assert http(one).body == ECHO_BODY
    assert http(two).body == b"ok"


def test_a_taken_port_shows_as_failed_and_others_work_on(host):
    port, other = free_port(), free_port()
    host.start_provider()
    host.start_actor(ECHO_REF)
    path = host.build_actor("ok", guests.GOOD)
    host.start_actor(f"file://{path}")
    echo, ok = host.actor_key(ECHO_REF), host.actor_key(f"file://{path}")
    host.put_link(ok, f"ADDRESS=127.0.0.1:{other}")
    with socket.socket() as blocker:
        blocker.bind(("127.0.0.1", port))
        blocker.listen()
        put = host.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
        assert "address already in use" in put.stderr
        assert put.stdout.strip() == f"Published link ({echo}) <-> ({HTTP_SERVER}) with a warning"
        told = json.loads(host.put_link(echo, f"ADDRESS=127.0.0.1:{port}", "-o", "json").stdout)
        assert told["success"] and "address already in use" in told["warning"]
    link = next(l for l in host.links() if l["actor_id"] == echo)
    assert link["status"] == "failed" and "address already in use" in link["reason"]
    assert "address already in use" in host.wash("ctl", "link", "query").stdout
    inventory = host.inventory()["providers"][0]["links"]
    assert {l["actor_id"]: l["status"] for l in inventory} == {echo: "failed", ok: "active"}
    assert "address already in use" in host.log()
    assert http(other).body == b"ok"
    # The port is free now: putting the link again is enough.
    put = host.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
    assert put.stdout.strip() == f"Published link ({echo}) <-> ({HTTP_SERVER}) successfully" and put.stderr == ""
    assert http(port).body == ECHO_BODY
    assert host.delete_link(echo).stdout.strip() == \
        f"Deleted link for {echo} on wasmcloud:httpserver (default) successfully"
    nothing = host.delete_link(echo)
    assert "successfully" not in nothing.stdout and "there was no link" in nothing.stderr


def test_two_links_cannot_share_a_port(host):
    port = free_port()
    echo = host.echo_on(port)
    path = host.build_actor("ok", guests.GOOD)
    host.start_actor(f"file://{path}")
    put = host.put_link(host.actor_key(f"file://{path}"), f"ADDRESS=127.0.0.1:{port}")
    assert "address already in use" in put.stdout + put.stderr
    for _ in range(20):
        assert http(port).body == ECHO_BODY
    assert len(host.links()) == 2 and echo


def test_putting_a_link_again_moves_it(host):
    one, two = free_port(), free_port()
    echo = host.echo_on(one)
    host.put_link(echo, f"ADDRESS=127.0.0.1:{two}")
    assert http(two).body == ECHO_BODY
    assert refuses_connections(one)
    assert len(host.links()) == 1


def test_values_with_a_mistake_are_refused_in_words(host):
    echo = host.echo_on(free_port())
    put = host.put_link(echo, "ADDRESS=nonsense")
    assert "'nonsense' is not of the form ip:port" in put.stdout + put.stderr


def test_settings_that_are_not_known_are_said_and_the_link_works(host):
    port = free_port()
    echo = host.echo_on(free_port())
    put = host.put_link(echo, f"ADDRESS=127.0.0.1:{port}", "timout_ms=5", 'config_json={"cors":{"alowed_origins":[]}}')
    assert http(port).body == ECHO_BODY
    for text in (put.stderr, host.log(), host.wash("ctl", "link", "query").stdout, host.links()[0]["reason"]):
        assert "'timout_ms'" in text and f"; it answers on 127.0.0.1:{port}" in text and "did you mean 'cors.allowed_origins'?" in text, text
    assert host.links()[0]["status"] == "active"
    # Where the link fails because of it, that is said with the reason.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        failed = host.put_link(echo, f"PORT={taken.getsockname()[1]}", "ADRESS=127.0.0.1:8080").stderr
        assert "address already in use" in failed and "'ADRESS' (did you mean 'address'?)" in failed
    again = host.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
    assert again.stderr == "" and host.links()[0]["reason"] == ""
    assert http(port).body == ECHO_BODY


def test_links_to_parts_that_are_not_there_are_kept(host):
    put = host.put_link("M" + "A" * 55, "ADDRESS=127.0.0.1:1", check=False)
    # A key with a wrong checksum is refused by wash; one that merely is not running is kept.
    assert put.returncode != 0
    key = host.wash_json("keys", "gen", "module")["public_key"]
    host.put_link(key, f"ADDRESS=127.0.0.1:{free_port()}")
    assert host.links()[0]["status"] == "pending"


def test_an_actor_that_is_stopped_is_a_503_and_comes_back(host):
    port = free_port()
    echo = host.echo_on(port)
    host.wash("ctl", "stop", "actor", host.host_id(), echo, "--count", "0")
    answer = http(port)
    assert answer.status == 503 and answer.headers["retry-after"] == "1"
    host.start_actor(ECHO_REF)
    assert http(port).body == ECHO_BODY


def test_stopping_the_provider_closes_its_listeners_and_starting_it_opens_them(host):
    port = free_port()
    host.echo_on(port)
    host.wash("ctl", "stop", "provider", host.host_id(), HTTP_SERVER, "default", "wasmcloud:httpserver")
    wait_for(lambda: refuses_connections(port))
    host.start_provider()
    wait_for(lambda: not refuses_connections(port))
    assert http(port).body == ECHO_BODY


def test_no_permission_on_a_port_says_so(host):
    import os
    if os.geteuid() == 0 or int(open("/proc/sys/net/ipv4/ip_unprivileged_port_start").read()) <= 80:
        import pytest
        pytest.skip("this user may listen on port 80")
    echo = host.echo_on(free_port())
    put = host.put_link(echo, "ADDRESS=127.0.0.1:80")
    assert "permission denied" in (put.stdout + put.stderr).lower()


def test_a_link_with_a_mistyped_contract_leaves_the_good_one_alone(host):
    port = free_port()
    echo = host.echo_on(port)
    typo = host.wash("ctl", "link", "put", echo, HTTP_SERVER, "wasmcloud:htpserver", "ADDRESS=127.0.0.1:1")
    assert "offers wasmcloud:httpserver" in typo.stdout + typo.stderr
    host.wash("ctl", "link", "del", echo, "wasmcloud:htpserver")
    assert http(port).body == ECHO_BODY
    assert [l["status"] for l in host.links()] == ["active"]


def test_a_link_that_leads_to_another_provider_now_leaves_the_former(host):
    port = free_port()
    echo = host.echo_on(port)
    other = host.wash_json("keys", "gen", "service")["public_key"]
    host.wash("ctl", "link", "put", echo, other, "wasmcloud:httpserver")
    assert refuses_connections(port)


def test_stopping_twice_while_a_request_is_in_flight_ends(host):
    host.start_provider()
    port = free_port()
    path = host.build_actor("slow", guests.SAYS_AND_LOOPS)
    host.start_actor(f"file://{path}")
    key = host.actor_key(f"file://{path}")
    host.put_link(key, f"ADDRESS=127.0.0.1:{port}", 'config_json={"timeout_ms":3000}')
    statuses = []
    request = threading.Thread(target=lambda: statuses.append(http(port, timeout=20).status))
    request.start()
    wait_for(lambda: "the actor runs" in host.log(), what="the request is under way")
    host.wash("ctl", "stop", "provider", host.host_id(), HTTP_SERVER, "default", "wasmcloud:httpserver", "--skip-wait")
    assert host.stop_host() == 0
    request.join(20)
    assert statuses == [503]  # answered, at its deadline
