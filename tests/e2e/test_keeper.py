"""`trellis --keep`: a host that is killed is there again before anybody is refused."""
import os
import pathlib
import signal
import socket
import subprocess
import threading

import pytest

from sandbox import BUILD, ECHO_BODY, free_port, http, wait_for
from test_manifest import manifest


def child_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.fixture
def kept(box):
    """A kept host that runs echo on a port: (its keeper, that port)."""
    port = free_port()
    box.start_host("--keep", TRELLIS_MANIFEST=manifest(box, port))
    return box.process, port


def test_nobody_is_refused_while_a_killed_host_is_started_again(box, kept):
    keeper, port = kept
    for round_number in range(3):
        host = child_of(keeper.pid)
        os.kill(host, signal.SIGKILL)
        # At once, and from several sides: each waits for the host that comes.
        answers = []
        clients = [threading.Thread(target=lambda: answers.append(http(port, timeout=20).body)) for _ in range(8)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert answers == [ECHO_BODY] * 8
        assert child_of(keeper.pid) != host
        wait_for(box.is_ready, 20, "the next host is ready")
    wait_for(lambda: "was killed by signal 9 (Killed); it was started again 3 times" in box.log(), 10, "the log says so")


def test_what_the_killed_host_had_in_flight_fails_and_is_not_left_hanging(box, kept):
    keeper, port = kept
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(10)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")  # and no end of it
        assert http(port).body == ECHO_BODY  # the host has accepted what came before this
        os.kill(child_of(keeper.pid), signal.SIGKILL)
        try:
            assert client.recv(1) == b""
        except ConnectionResetError:
            pass


def test_a_port_that_a_link_no_longer_wants_is_free_though_it_was_kept(box, kept):
    keeper, port = kept
    box.delete_link("MDEDQSBUBNYIPY73I23YOEQLDSQJT6LBPDRKGXA6PIRMGUX7G3W76MEM")

    def can_listen():
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                other.bind(("127.0.0.1", port))
                other.listen()
                return True
            except OSError:
                return False

    wait_for(can_listen, 5, "the port is free")


def test_a_stop_is_a_stop(box, kept):
    keeper, port = kept
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(30) == 0
    with pytest.raises(OSError):
        http(port, timeout=2)


def test_a_wrong_configuration_ends_it_as_it_ends_a_host(box):
    refused = subprocess.run([BUILD / "bin/trellis", "--keep"], env={**box.env, "TRELLIS_CORES": "many"},
                             capture_output=True, text=True, timeout=20)
    assert refused.returncode == 2 and "TRELLIS_CORES" in refused.stderr
