"""SIGTERM under load: nobody who behaves as HTTP and NATS ask them to loses a request."""
import collections
import http.client
import json
import signal
import threading
import time

from lattices import lattice, start_echo, start_http
from sandbox import ECHO_BODY, ECHO_REF, free_port, http as get, wait_for


class Load:
    """Clients that ask until nobody listens any more. `kept` ones use a connection for as long as it lasts."""

    def __init__(self, port, fresh=2, kept=2):
        self.port, self.stop_asked = port, threading.Event()
        self.answers, self.failures = collections.Counter(), []
        self.closing_from = None  # when set: each answer to a request after it must say so
        self.threads = [threading.Thread(target=self.run, args=(keep,)) for keep in [False] * fresh + [True] * kept]
        for thread in self.threads:
            thread.start()

    def run(self, keep):
        connection = None
        while not self.stop_asked.is_set():
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    return  # the port is closed: nobody would send anything here any more
            asked_at = time.monotonic()
            try:
                connection.request("GET", "/", headers={} if keep else {"Connection": "close"})
                answer = connection.getresponse()
                body = answer.read()
            except OSError as error:
                self.failures.append(f"{error!r} {time.monotonic() - asked_at:.3f} s after it was sent")
                connection = None
                continue
            closes = (answer.getheader("Connection") or "").lower() == "close"
            if answer.status != 200 or body != ECHO_BODY:
                self.failures.append(f"{answer.status} {body!r}")
            if self.closing_from and asked_at > self.closing_from and not closes:
                self.failures.append("an answer that did not say Connection: close")
            self.answers["before" if self.closing_from is None else "after"] += 1
            if closes:
                connection.close()
                connection = None

    def finish(self, stop=False):
        if stop:
            self.stop_asked.set()
        for thread in self.threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self.threads)
        assert self.failures == []


def readiness(box):
    answer = get(box.dashboard_port, "/api/readyz", timeout=2)
    return answer.status, json.loads(answer.body)


def begin_to_stop(box):
    """SIGTERM; returns when the host says that it is not ready."""
    box.process.send_signal(signal.SIGTERM)
    return wait_for(lambda: readiness(box)[0] == 503 and readiness(box)[1], 2, "not ready")


def test_no_request_is_lost_while_clients_are_told_to_go(box):
    box.start_host(TRELLIS_DRAIN_DELAY_MS="2000", TRELLIS_CORES="2")
    port = free_port()
    box.echo_on(port)
    assert get(port).body == ECHO_BODY
    load = Load(port)
    wait_for(lambda: load.answers["before"] > 200, what="load")
    assert begin_to_stop(box) == {"ready": False, "reason": "stopping"}
    wait_for(lambda: "not ready any more" in box.log(), what="it leaves")
    time.sleep(0.2)  # for the cores to have heard of it: what is tested is that all answers from some time on say so
    load.closing_from = time.monotonic()
    assert get(box.dashboard_port, "/api/livez").status == 200, "it lives on"
    load.finish()
    assert load.answers["after"] > 20
    assert box.process.wait(20) == 0


def test_a_second_signal_cuts_the_delay_short(box):
    box.start_host(TRELLIS_DRAIN_DELAY_MS="300000")
    begin_to_stop(box)
    wait_for(lambda: "not ready any more" in box.log(), what="it leaves")
    box.process.send_signal(signal.SIGTERM)
    assert box.process.wait(20) == 0
    assert "asked to stop again" in box.log()


def test_a_host_that_leaves_wins_no_auctions_and_answers_all_else(box):
    box.start_host(TRELLIS_DRAIN_DELAY_MS="300000")
    begin_to_stop(box)
    assert box.start_actor(ECHO_REF, check=False).returncode != 0
    assert box.inventory()["actors"] == []
    assert box.host_id(), "the lattice still knows it"
    box.process.send_signal(signal.SIGTERM)
    assert box.process.wait(20) == 0


def test_calls_from_other_hosts_are_answered_while_one_stops():
    with lattice() as made:
        first, second, third = made.start(3)
        start_http(first)
        echo, port = start_echo(second), free_port()
        start_echo(third)
        first.put_link(echo, f"ADDRESS=127.0.0.1:{port}")
        wait_for(lambda: get(port).status == 200, 5, "echo answers")
        load = Load(port, fresh=0, kept=4)
        wait_for(lambda: load.answers["before"] > 200, what="load")
        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(20) == 0
        seen = load.answers["before"]
        wait_for(lambda: load.answers["before"] > seen + 200, what="the other one serves")
        load.finish(stop=True)
