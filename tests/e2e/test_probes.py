"""Probes, and who may ask for more than those."""
import json
import socket

import pytest
from lattices import lattice, start_echo, start_http
from sandbox import ECHO_BODY, free_port, http, wait_for


def readiness(box):
    answer = http(box.dashboard_port, "/api/readyz", timeout=2)
    assert answer.headers["content-type"] == "application/json"
    return answer.status, json.loads(answer.body)


def test_a_host_is_live_and_ready(host):
    live = http(host.dashboard_port, "/api/livez")
    assert (live.status, json.loads(live.body)) == (200, {"live": True})
    assert live.headers["content-type"] == "application/json"
    assert readiness(host) == (200, {"ready": True})


def test_a_host_stays_ready_while_nats_is_away_and_says_so():
    with lattice() as made:
        one = made.start()
        start_http(one)
        echo, port = start_echo(one), free_port()
        one.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
        assert readiness(one) == (200, {"ready": True})
        made.nats.stop()
        wait_for(lambda: readiness(one) == (200, {"ready": True, "bus": "reconnecting"}), 5, "it is said")
        assert http(port).body == ECHO_BODY
        made.nats.start()
        wait_for(lambda: readiness(one) == (200, {"ready": True}), 5, "the bus is back")


def address_elsewhere():
    """An address of this machine that is not loopback: callers from it are from elsewhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # sends nothing
            address = s.getsockname()[0]
        except OSError:
            pytest.skip("this machine has no network")
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


def ask(address, port, path, name="pod"):
    with socket.create_connection((address, port), timeout=5) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2].decode()


def test_callers_from_elsewhere_have_the_probes_alone(box):
    elsewhere = address_elsewhere()
    box.start_host(WASMCLOUD_DASHBOARD_HOST="0.0.0.0")
    for path in ("/api/livez", "/api/readyz"):
        assert ask(elsewhere, box.dashboard_port, path)[0] == 200
    for path in ("/", "/api/v1/host", "/api/v1/inventory"):
        status, body = ask(elsewhere, box.dashboard_port, path)
        assert status == 403 and "TRELLIS_API_REMOTE=1" in body and "port-forward" in body
    assert ask(elsewhere, box.dashboard_port, "/metrics")[0] != 403
    assert ask("127.0.0.1", box.dashboard_port, "/api/v1/host", "localhost:4000")[0] == 200, "port-forward comes from here"
    # A page of another site whose name leads here would come by the same port-forward.
    assert ask("127.0.0.1", box.dashboard_port, "/api/v1/host", "evil.example:4000")[0] == 421
    assert ask("127.0.0.1", box.dashboard_port, "/api/readyz", "evil.example:4000")[0] == 200


def test_the_api_can_be_opened_to_all(box):
    elsewhere = address_elsewhere()
    box.start_host(WASMCLOUD_DASHBOARD_HOST="0.0.0.0", TRELLIS_API_REMOTE="1")
    assert ask(elsewhere, box.dashboard_port, "/api/v1/host")[0] == 200
