"""Guests that misbehave: each is stopped with a reason, and its neighbours notice nothing."""
import concurrent.futures
import threading
import time

import guests
import pytest
from sandbox import ECHO_BODY, ECHO_REF, free_port, http, wait_for


def serve(host, name, wat, *values, sign=()):
    """The actor `wat` behind HTTP; returns (key, port)."""
    port = free_port()
    path = host.build_actor(name, wat, *sign)
    reference = f"file://{path}"
    host.start_actor(reference)
    key = host.actor_key(reference)
    host.put_link(key, f"ADDRESS=127.0.0.1:{port}", *values)
    return key, port


@pytest.fixture
def running(host):
    host.start_provider()
    return host


def test_a_good_actor_made_of_text_answers(running):
    _, port = serve(running, "good", guests.GOOD)
    assert http(port).body == b"ok"


def test_a_loop_is_stopped_at_the_deadline_while_others_answer(running):
    echo_port = free_port()
    running.start_actor(ECHO_REF)
    running.put_link(running.actor_key(ECHO_REF), f"ADDRESS=127.0.0.1:{echo_port}")
    key, port = serve(running, "loop", guests.LOOP)
    outcome = {}

    def spin():
        began = time.monotonic()
        outcome["status"] = http(port, timeout=15).status
        outcome["seconds"] = time.monotonic() - began

    spinners = [threading.Thread(target=spin) for _ in range(4)]
    for s in spinners:
        s.start()
    for _ in range(50):  # while four of them compute
        assert http(echo_port, timeout=5).body == ECHO_BODY
    for s in spinners:
        s.join()
    assert outcome["status"] == 503
    assert outcome["seconds"] < 10
    assert "loop" in running.log() and key in running.log()


def test_a_trap_names_actor_operation_and_reason(running):
    key, port = serve(running, "trapper", guests.TRAP)
    assert http(port).status == 500
    line = wait_for(lambda: next((l for l in running.log().splitlines() if "unreachable" in l), None))
    assert "HttpServer.HandleRequest" in running.log() and key in running.log()
    assert line
    assert http(port).status == 500  # a fresh instance met the same fate; the host is well
    assert running.is_ready()


def test_deep_recursion_is_a_trap(running):
    _, port = serve(running, "deep", guests.RECURSION)
    assert http(port).status == 500
    wait_for(lambda: "stack" in running.log())


def test_a_memory_bomb_is_refused_growth_and_the_host_stays_small(running):
    _, port = serve(running, "bomb", guests.MEMORY_BOMB)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert {a.status for a in pool.map(lambda _: http(port, timeout=30), range(4))} <= {200, 503}
    status = open(f"/proc/{running.process.pid}/status").read()
    resident_kib = int(status.split("VmRSS:")[1].split()[0])
    assert resident_kib < 400 * 1024  # what the guests filled was given back


def resident_mib(process):
    return int(open(f"/proc/{process.pid}/status").read().split("VmRSS:")[1].split()[0]) / 1024


def test_memory_bombs_in_parallel_share_a_budget(box):
    running = box.start_host(TRELLIS_GUEST_MEMORY_MIB="48", TRELLIS_ACTOR_CALLS_MAX="64")
    running.start_provider()
    running.start_actor(ECHO_REF)
    echo_port = free_port()
    running.put_link(running.actor_key(ECHO_REF), f"ADDRESS=127.0.0.1:{echo_port}")
    _, bomb = serve(running, "bomb", guests.FILLING_BOMB)
    _, greedy = serve(running, "greedy", guests.module(
        f"(if (i32.eq (memory.grow (i32.const 1024)) (i32.const -1)) (then unreachable)) {guests.ANSWER_OK}"))
    before = resident_mib(running.process)
    alone = http(bomb).status - 200
    assert 40 <= alone <= 48
    most = before
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(http, bomb, timeout=60) for _ in range(60)]
        while not all(a.done() for a in answers):
            most = max(most, resident_mib(running.process))
            assert http(echo_port, timeout=20).body == ECHO_BODY
    # Each answers: either it got some of the budget, or it found no room.
    assert all(200 <= a.result().status <= 248 or a.result().status == 503 for a in answers)
    assert most - before < 48 + 16, f"{before} → {most} MiB"
    # One that cannot do without fails with the reason.
    answer = http(greedy)
    assert answer.status == 503 and answer.headers["retry-after"] == "1"
    wait_for(lambda: "all guests of this host together may have 48 MiB (TRELLIS_GUEST_MEMORY_MIB)" in running.log())
    # What they had is given back, a moment after the last answer, but for the first pages of their slots.
    wait_for(lambda: http(bomb).status - 200 >= alone - 10, 5, "the memory is there again")
    assert http(echo_port).body == ECHO_BODY


def test_a_wild_pointer_is_a_trap_that_names_the_call(running):
    _, port = serve(running, "wild", guests.WILD_POINTER)
    assert http(port).status == 500
    wait_for(lambda: "__guest_response" in running.log())


def test_the_guests_own_error_is_logged(running):
    _, port = serve(running, "sorry", guests.SAYS_NO)
    assert http(port).status == 500
    wait_for(lambda: "sorry" in running.log())


def test_a_large_answer_arrives_whole(running):
    size = 48 * 1024 * 1024
    _, port = serve(running, "large", guests.big_answer(size))
    answer = http(port, timeout=60)
    assert (answer.status, len(answer.body)) == (200, size)


def test_an_answer_over_the_limit_is_refused(running):
    _, port = serve(running, "huge", guests.big_answer(65 * 1024 * 1024))
    assert http(port, timeout=60).status == 500
    wait_for(lambda: "64 MiB" in running.log() or "67108864" in running.log() or "limit" in running.log())


def test_fresh_instances_share_nothing(running):
    _, port = serve(running, "fresh", guests.counter())
    assert [http(port).status for _ in range(3)] == [201, 201, 201]


def test_a_reused_instance_keeps_its_state(box):
    running = box.start_host(TRELLIS_CORES="1")
    running.start_provider()
    key, port = serve(running, "kept", guests.counter(), sign=("-t", "trellis:reuse"))
    statuses = sorted(http(port).status for _ in range(6))
    assert statuses[-1] > 201  # counted on; one instance per core
    assert next(a for a in running.inventory()["actors"] if a["id"] == key)["mode"] == "reuse"
