"""GET /metrics: the form, and that the numbers are those of what was really asked."""
import http.client
import os
import pathlib
import signal
import socket

import archives
import guests
import pytest
from lattices import lattice, start_http
from prometheus_text import Scrape
from sandbox import ECHO_REF, HTTP_SERVER, free_port, http as ask, wait_for
from servers import KEY_VALUE, STORE, STORE_REF, behind_http, link

KVCOUNTER_REF = "wasmcloud.azurecr.io/kvcounter:0.4.0"
HANDLE = "HttpServer.HandleRequest"


def children_of(pid):
    return [int(child) for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text().split()]


def scrape(host):
    answer = ask(host.dashboard_port, "/metrics")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(answer.body.decode())


def start(host, name, wat, *values, contract="-q"):
    """An actor of WebAssembly text behind HTTP; its key and port."""
    reference = f"file://{host.build_actor(name, wat, contract=contract)}"
    host.start_actor(reference)
    key, port = host.actor_key(reference), free_port()
    host.put_link(key, f"ADDRESS=127.0.0.1:{port}", *values)
    return key, port


@pytest.fixture
def two_cores(box):
    return box.start_host(TRELLIS_CORES="2")


def test_a_host_that_does_nothing_tells_who_it_is_and_how_it_is(host):
    seen = scrape(host)
    assert seen.get("trellis_host_info", host=host.host_id(), lattice="default") == 1
    assert seen.get("trellis_build_info") == 1
    assert seen.get("trellis_bus_connected", bus="rpc") == 1
    assert seen.get("trellis_metrics_dropped_series") == 0
    assert seen.get("process_resident_memory_bytes") > 1e6
    assert 0 < seen.get("process_open_fds") < seen.get("process_max_fds")
    assert seen.get("process_threads") > 1
    assert seen.get("process_start_time_seconds") <= seen.get("trellis_host_start_time_seconds") + 1
    assert seen.get("trellis_guest_memory_limit_bytes") > seen.get("trellis_guest_memory_used_bytes")
    assert not seen.find("trellis_actor_calls_total")
    wait_for(lambda: all(count > 0 for count in scrape(host).find("trellis_loop_lag_seconds_count")), 10,
             "every core has looked at its clock")


def test_whoever_asks_gets_the_same_text(host):
    for headers in ({}, {"accept": "application/openmetrics-text; version=1.0.0"}, {"accept": "image/png"}):
        answer = ask(host.dashboard_port, "/metrics", headers=headers)
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        Scrape(answer.body.decode())
    connection = http.client.HTTPConnection("127.0.0.1", host.dashboard_port, timeout=10)
    connection.request("HEAD", "/metrics")
    answer = connection.getresponse()
    assert answer.status == 200 and int(answer.headers["content-length"]) > 1000 and answer.read() == b""
    connection.close()
    assert ask(host.dashboard_port, "/metrics", data=b"x", method="POST").status == 405


def test_requests_are_counted_exactly_over_two_cores(two_cores):
    host = two_cores
    port = free_port()
    key = host.echo_on(port)
    for _ in range(60):  # each on a connection of its own, which the system gives to one core or the other
        assert ask(port).status == 200
    seen = scrape(host)
    assert seen.get("trellis_actor_calls_total", actor=key, operation=HANDLE, outcome="ok") == 60
    assert seen.get("trellis_actor_call_duration_seconds_count", actor=key, operation=HANDLE) == 60
    assert 0 < seen.get("trellis_actor_call_duration_seconds_sum", actor=key) < 60
    assert seen.find("trellis_actor_calls_total", actor=key) == [60]
    assert seen.get("trellis_http_requests_total", actor=key, address=f"127.0.0.1:{port}", status="2xx") == 60
    assert seen.get("trellis_http_request_duration_seconds_count", actor=key) == 60
    assert seen.get("trellis_http_connections_total", actor=key) == 60
    assert seen.get("trellis_actor_calls_running", actor=key) == 0
    assert seen.get("trellis_actor_calls_waiting", actor=key) == 0
    assert 0 < seen.get("trellis_actor_cpu_seconds_total", actor=key) < 60
    living = seen.get("trellis_actor_instances", actor=key)
    assert seen.get("trellis_actor_instances_made_total", actor=key) >= living
    assert living >= seen.get("trellis_actor_instances_ready", actor=key)
    assert seen.get("trellis_links", state="active") == 1
    assert seen.get("trellis_provider_up", provider=HTTP_SERVER) == 1


def test_failures_are_counted_by_how_they_failed(host):
    no, no_port = start(host, "no", guests.SAYS_NO)
    trap, trap_port = start(host, "trap", guests.TRAP)
    slow, slow_port = start(host, "slow", guests.LOOP, 'CONFIG_JSON={"timeout_ms":50}')
    unclaimed, unclaimed_port = start(host, "unclaimed", guests.GOOD, contract="-k")
    host.start_provider()
    wait_for(lambda: len([l for l in host.links() if l["status"] == "active"]) == 4, 10, "the links are active")
    for port, times in ((no_port, 5), (trap_port, 3), (slow_port, 2), (unclaimed_port, 4)):
        for _ in range(times):
            assert ask(port).status in (500, 503)
    seen = scrape(host)

    def outcomes(key):
        return {dict(labels)["outcome"]: count
                for labels, count in seen.of("trellis_actor_calls_total").items() if ("actor", key) in labels}
    assert outcomes(no) == {"ok": 0, "actor_error": 5}
    assert outcomes(trap) == {"ok": 0, "trapped": 3}
    assert outcomes(slow) == {"ok": 0, "timeout": 2}
    assert outcomes(unclaimed) == {"ok": 0, "denied": 4}
    assert seen.get("trellis_http_requests_total", actor=no, status="5xx") == 5
    assert seen.get("trellis_http_unavailable_total", actor=no) == 0
    assert seen.get("trellis_http_unavailable_total", actor=slow) == 2
    cpu = {key: seen.get("trellis_actor_cpu_seconds_total", actor=key) for key in (no, slow)}
    assert cpu[slow] > cpu[no], "it computed until it was stopped"


def test_a_request_that_is_none_is_refused_and_no_call(host):
    port = free_port()
    key = host.echo_on(port)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nno header at all\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    seen = scrape(host)
    assert seen.get("trellis_http_refused_total", actor=key) == 1
    assert seen.get("trellis_http_requests_total", actor=key, status="4xx") == 1
    assert not seen.find("trellis_actor_calls_total", actor=key)


def test_calls_to_providers_are_counted_by_link_and_operation(host):
    host.start_provider(STORE_REF)
    key, port = behind_http(host, KVCOUNTER_REF)
    link(host, key, STORE, KEY_VALUE, "STORE=metrics")
    for _ in range(7):
        assert ask(port, "/api/counter").status == 200
    seen = scrape(host)
    where = {"actor": key, "link_name": "default", "contract": KEY_VALUE, "operation": "KeyValue.Increment"}
    assert seen.get("trellis_capability_calls_total", outcome="ok", **where) == 7
    assert seen.get("trellis_capability_call_duration_seconds_count", **where) == 7


def test_what_is_gone_is_not_shown_and_what_stays_is_counted_on(host):
    port = free_port()
    key = host.echo_on(port)
    ask(port)
    host.start_actor(ECHO_REF)  # one more instance of the same
    ask(port)
    assert scrape(host).get("trellis_actor_calls_total", actor=key) == 2
    host.wash("ctl", "stop", "actor", host.host_id(), key, "--count", "0")
    left = scrape(host)
    assert not [name for name in left.mentions(key) if name.startswith("trellis_actor_")]
    assert left.get("trellis_http_requests_total", actor=key, status="2xx") == 2, "its link has stayed"
    host.delete_link(key)
    assert scrape(host).mentions(key) == []
    assert not scrape(host).find("trellis_http_connections_open")


def test_a_name_that_would_break_the_text_is_escaped(host):
    host.build_actor("good", guests.GOOD)
    signed = host.folder / "evil_s.wasm"
    evil = 'a"} 9\nevil_total 7 \\'
    host.wash("claims", "sign", host.folder / "good.wasm", "-d", signed, "-n", evil, "-q")
    host.start_actor(f"file://{signed}")
    key = host.actor_key(f"file://{signed}")
    assert scrape(host).find("trellis_actor_calls_running", actor=key, name=evil) == [0]


def test_operations_that_callers_invent_are_bounded(host):
    key, _ = start(host, "good", guests.GOOD)
    for i in range(40):
        host.wash("call", key, f"Invented.Operation{i}", "{}", "-o", "json", check=False)
    seen = scrape(host)
    named = {dict(labels)["operation"] for labels in seen.of("trellis_actor_calls_total") if ("actor", key) in labels}
    assert len(named) == 33 and "other" in named
    assert sum(seen.find("trellis_actor_calls_total", actor=key)) == 40
    assert seen.get("trellis_invocations_total", direction="received", proof="signed", outcome="ok") == 40
    assert seen.get("trellis_bus_messages_received_total") >= 40


def test_a_provider_is_up_while_it_runs(host):
    seen = scrape(host)
    assert not seen.find("trellis_provider_up")
    host.start_provider(STORE_REF)
    assert scrape(host).get("trellis_provider_up", provider=STORE, contract=KEY_VALUE) == 1
    assert scrape(host).get("trellis_provider_restarts_total", provider=STORE) == 0
    host.wash("ctl", "stop", "provider", host.host_id(), STORE, "default", KEY_VALUE)
    assert scrape(host).mentions(STORE) == []


def test_a_process_that_is_killed_is_a_restart(host):
    host.start_provider(archives.pack(host, "keyvalue"))
    seen = scrape(host)
    assert seen.get("trellis_provider_up", contract=KEY_VALUE) == 1
    assert seen.get("trellis_provider_restarts_total", contract=KEY_VALUE) == 0
    os.kill(children_of(host.process.pid)[0], signal.SIGKILL)
    wait_for(lambda: scrape(host).get("trellis_provider_restarts_total", contract=KEY_VALUE) == 1, 10, "it is restarted")
    wait_for(lambda: scrape(host).get("trellis_provider_up", contract=KEY_VALUE) == 1, 20, "it is well again")


def test_calls_between_hosts_are_counted_on_both_sides():
    with lattice() as made:
        here, there = made.start(2)
        start_http(here)
        here.wash("ctl", "start", "actor", KVCOUNTER_REF, "--host-id", here.id)
        there.wash("ctl", "start", "provider", STORE_REF, "--host-id", there.id)
        key, port = here.actor_key(KVCOUNTER_REF), free_port()
        here.put_link(key, f"ADDRESS=127.0.0.1:{port}")
        link(here, key, STORE, KEY_VALUE, "STORE=one")
        wait_for(lambda: b"error" not in ask(port, "/api/counter").body, 10, "the counter counts")
        before = [scrape(host) for host in (here, there)]
        for _ in range(5):
            assert ask(port, "/api/counter").status == 200
        after = [scrape(host) for host in (here, there)]

        def more(side, name, **labels):
            return after[side].get(name, **labels) - sum(before[side].find(name, **labels))
        for side, direction in enumerate(("sent", "received")):
            assert more(side, "trellis_invocations_total", direction=direction, proof="sealed", outcome="ok") == 5
            assert more(side, "trellis_invocation_duration_seconds_count", direction=direction) == 5
            assert more(side, "trellis_invocation_bytes_total", direction=direction, part="request") > 0
            assert more(side, "trellis_invocation_bytes_total", direction=direction, part="answer") > 0
        assert more(0, "trellis_capability_calls_total", actor=key, operation="KeyValue.Increment", outcome="ok") == 5
        assert after[0].get("trellis_bus_connected", bus="rpc") == 1
        made.nats.stop()
        wait_for(lambda: scrape(here).get("trellis_bus_connected", bus="rpc") == 0, 10, "the bus is away")
        made.nats.start()
        wait_for(lambda: scrape(here).get("trellis_bus_reconnects_total", bus="rpc") == 1, 10, "the bus is back")
