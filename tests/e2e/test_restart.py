"""A host that dies and comes back; two by mistake; folders that cannot be written."""
import os
import signal
import socket
import subprocess

import guests
from sandbox import ECHO_BODY, ECHO_REF, free_port, http, wait_for


def test_links_and_references_survive_kill_9(host):
    port = free_port()
    echo = host.echo_on(port)
    host.stop_host(signal.SIGKILL)
    host.start_host()
    assert [l["actor_id"] for l in host.links()] == [echo]
    claims = host.wash_json("ctl", "get", "claims")["claims"]["claims"]
    assert echo in [c["sub"] for c in claims]
    host.start_provider()
    host.start_actor(ECHO_REF)
    assert http(port).body == ECHO_BODY  # the old link, at once


def test_sigterm_drains_and_exits_with_0(host):
    port = free_port()
    host.echo_on(port)
    assert http(port).body == ECHO_BODY
    assert host.stop_host(signal.SIGTERM) == 0
    assert "stopped" in host.log()


def test_a_second_sigterm_leaves_the_drain_alone(host):
    port = free_port()
    reference = f"file://{host.build_actor('slow', guests.SAYS_AND_LOOPS)}"
    host.start_provider()
    host.start_actor(reference)
    host.put_link(host.actor_key(reference), f"ADDRESS=127.0.0.1:{port}", 'config_json={"timeout_ms":3000}')
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: "the actor runs" in host.log(), what="the request is under way")
        host.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping\n" in host.log(), what="the host stops")
        host.process.send_signal(signal.SIGTERM)
        host.process.send_signal(signal.SIGINT)
        assert client.recv(100).startswith(b"HTTP/1.1 503"), "the request in flight was answered"
    assert host.process.wait(20) == 0


def test_stop_host_over_the_lattice(host):
    host.wash("ctl", "stop", "host", host.host_id())
    assert host.process.wait(20) == 0


def test_a_second_host_on_the_same_ports_says_what_to_do(host):
    second = subprocess.run(["trellis"], env={**host.env, "WASMCLOUD_DASHBOARD_PORT": str(free_port())},
                            capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert f"{host.bus_port}" in second.stderr and "already in use" in second.stderr
    assert host.is_ready()


def test_a_second_host_on_the_same_state_says_what_to_do(host):
    second = subprocess.run(["trellis"], env={**host.env, "WASMCLOUD_RPC_PORT": str(free_port()),
                                              "WASMCLOUD_DASHBOARD_PORT": str(free_port())},
                            capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert "state.jsonl" in second.stderr


def test_a_taken_dashboard_port_says_what_to_do(host):
    second = subprocess.run(["trellis"], env={**host.env, "WASMCLOUD_RPC_PORT": str(free_port()),
                                              "TRELLIS_DATA_DIR": str(host.folder / "other")},
                            capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert str(host.dashboard_port) in second.stderr and "WASMCLOUD_DASHBOARD_PORT" in second.stderr


def test_wrong_configuration_names_the_variable(box):
    run = subprocess.run(["trellis"], env={**box.env, "WASMCLOUD_RPC_TIMEOUT_MS": "soon"}, capture_output=True,
                         text=True, timeout=20)
    assert run.returncode == 2
    assert "WASMCLOUD_RPC_TIMEOUT_MS='soon'" in run.stderr
    run = subprocess.run(["trellis"], env={**box.env, "WASMCLOUD_CLUSTER_SEED": "SCX"}, capture_output=True,
                         text=True, timeout=20)
    assert run.returncode == 1 and "WASMCLOUD_CLUSTER_SEED" in run.stderr
    run = subprocess.run(["trellis", "--check-config"], env={**box.env, "WASMCLOUD_CLUSTER_SEED": "SCX"},
                         capture_output=True, text=True, timeout=20)
    assert run.returncode == 2 and "WASMCLOUD_CLUSTER_SEED" in run.stderr
    run = subprocess.run(["trellis", "--check-config"], env=box.env, capture_output=True, text=True, timeout=20)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_cache_that_cannot_be_written_only_costs_time(box):
    blocked = box.folder / "blocked"
    blocked.write_text("a file where a folder should be")
    box.start_host(TRELLIS_CACHE_DIR=str(blocked / "cache"))
    port = free_port()
    box.echo_on(port)
    assert http(port).body == ECHO_BODY
    assert "cache" in box.log()


def test_a_data_folder_that_cannot_be_made_is_an_error(box):
    blocked = box.folder / "blocked"
    blocked.write_text("")
    run = subprocess.run(["trellis"], env={**box.env, "TRELLIS_DATA_DIR": str(blocked / "data")},
                         capture_output=True, text=True, timeout=20)
    assert run.returncode == 1 and "TRELLIS_DATA_DIR" in run.stderr


def test_a_full_disk_for_the_cache_only_costs_time(box):
    small = box.folder / "small"
    small.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], capture_output=True).returncode == 0
    if not mounted:
        import pytest
        pytest.skip("a file system that is full takes root to make")
    try:
        box.start_host(TRELLIS_CACHE_DIR=str(small / "code"))
        port = free_port()
        box.echo_on(port)
        assert http(port).body == ECHO_BODY
        box.stop_host()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
