"""Providers built on the SDKs of 2022 under this host, and archives of 2022's crate. Run by `make compat`, which builds them."""
import json
import os
import pathlib
import platform
import signal
import subprocess

import guests
import pytest
from lattices import Lattice
from msgpack import pack
from nats_client import NatsClient
from sandbox import wait_for

BUILT = pathlib.Path(os.environ["TRELLIS_COMPAT"])
KEYVALUE = "wasmcloud:keyvalue"
GENERATIONS = ["0_10", "0_11"]


class Store:
    """A provider on that SDK, on a host of the sandbox."""

    def __init__(self, box, generation):
        self.box = box
        box.start_host()
        program = BUILT / f"compat_provider_{generation}"
        box.wash("par", "create", "-c", KEYVALUE, "-v", "Compat", "-n", "Compat Store", "-a",
                 f"{platform.machine()}-linux", "-b", program, "--compress", "--destination", "store.par.gz")
        self.key = box.wash_json("par", "inspect", "store.par.gz")["service"]
        self.events = NatsClient(box.bus_port)
        self.events.subscribe("wasmbus.evt.default")
        self.events.ping()
        box.start_provider(f"file://{box.folder}/store.par.gz")

    def actor(self, name, operation, payload, **more):
        path = self.box.build_actor(name, guests.caller(KEYVALUE, operation, payload, **more), contract="-k")
        self.box.start_actor(f"file://{path}")
        key = self.box.actor_key(f"file://{path}")
        self.link(key)
        return key

    def link(self, actor, *values):
        return self.box.wash("ctl", "link", "put", actor, self.key, KEYVALUE, *values)

    def call(self, actor):
        run = self.box.wash("call", actor, "Test.Go", "{}", "-o", "json", check=False)
        return json.loads(run.stdout)["response"] if run.returncode == 0 else run.stdout + run.stderr

    def increment(self, by=1):
        return pack({"key": "n", "value": by})


@pytest.fixture(params=GENERATIONS)
def store(box, request):
    return Store(box, request.param)


def test_an_actor_calls_it_and_it_answers(store):
    actor = store.actor("counter", "KeyValue.Increment", store.increment(5))
    assert store.call(actor) == 5 and store.call(actor) == 10
    assert store.box.inventory()["providers"][0]["status"] == "running"
    assert f"put_link {actor}" in store.box.log()


def test_it_calls_an_actor(store):
    path = store.box.build_actor("pong", guests.GOOD, contract="-k")
    store.box.start_actor(f"file://{path}")
    pong = store.box.actor_key(f"file://{path}")
    store.link(pong)
    asker = store.actor("asker", "KeyValue.Get", pack(f"call {pong}"))
    assert store.call(asker) == {"value": str(guests.OK_LENGTH), "exists": True}


def test_its_errors_reach_the_actor(store):
    actor = store.actor("lister", "KeyValue.ListClear", pack("l"))
    assert "not implemented" in store.call(actor)
    unknown = store.actor("other", "KeyValue.Frobnicate", b"")
    assert "method not handled" in store.call(unknown)


def test_links_change_and_go(store):
    actor = store.actor("counter", "KeyValue.Increment", store.increment())
    assert store.call(actor) == 1
    store.link(actor, "URL=1")
    wait_for(lambda: f"delete_link {actor}" in store.box.log() and '"URL": "1"' in store.box.log(), 5)
    assert store.call(actor) == 2
    store.link(actor, "deny=1")
    wait_for(lambda: '"deny": "1"' in store.box.log(), 5)
    assert f"unlinked actor: '{actor}'" in store.call(actor)


def test_many_answers_of_many_sizes(store):
    for size in (0, 1, 300_000, 690_000):
        actor = store.actor(f"size{size}", "KeyValue.Get", pack(f"size {size}"))
        answer = store.call(actor)
        assert isinstance(answer, dict) and len(answer["value"]) == size, str(answer)[:300]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_large_values_over_nats(made, generation):
    """Both ways through the object store, under the names that clients of its generation look for."""
    if "TRELLIS_OLD_NATS" not in os.environ:
        pytest.skip("there is no NATS server of 2022")
    store = Store(made(Lattice, program=os.environ["TRELLIS_OLD_NATS"]).sandbox(), generation)
    value = "y" * 2_000_000
    large = {"answer": guests.LENGTH_OF_ANSWER, "pages": 80}
    setter = store.actor("setter", "KeyValue.Set", pack({"key": "n", "value": value, "expires": 0}), **large)
    assert store.call(setter) == 0
    getter = store.actor("getter", "KeyValue.Get", pack("n"), **large)
    assert store.call(getter) > len(value)
    larger = store.actor("larger", "KeyValue.Get", pack("size 4000000"), **large)
    assert store.call(larger) > 4_000_000


def test_it_dies_and_comes_back_with_its_links(store):
    actor = store.actor("counter", "KeyValue.Increment", store.increment())
    killer = store.actor("killer", "KeyValue.Set", pack({"key": "exit", "value": "", "expires": 0}))
    assert store.call(actor) == 1
    store.call(killer)
    stopped = store.events.events("wasmbus.evt.default", "provider_stopped", 10)["data"]
    assert "exited with status 7" in stopped["reason"]
    wait_for(lambda: store.box.inventory()["providers"][0]["status"] == "running", 10)
    assert store.call(actor) == 1  # its memory is new, its links are there


def test_it_hangs_and_is_started_again(store):
    actor = store.actor("counter", "KeyValue.Increment", store.increment())
    assert store.call(actor) == 1
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(store.box.process.pid)], capture_output=True, text=True)
    os.kill(int(children.stdout.split()[0]), signal.SIGSTOP)
    stopped = store.events.events("wasmbus.evt.default", "provider_stopped", 15)["data"]
    assert "health checks" in stopped["reason"]
    wait_for(lambda: store.box.inventory()["providers"][0]["status"] == "running", 10)
    assert store.call(actor) == 1


def test_it_shuts_down_when_asked(store):
    store.box.wash("ctl", "stop", "provider", store.box.host_id(), store.key, "default", KEYVALUE)
    assert store.events.events("wasmbus.evt.default", "provider_stopped", 5)["data"]["reason"] == "normal"
    log = store.box.log()
    assert "] shutdown" in log and "panicked" not in log


# --- archives ---

def read_by_the_crate(path):
    return subprocess.run([BUILT / "compat-archive", "read", path], capture_output=True, text=True, check=True).stdout.split("\n")


@pytest.mark.parametrize("options", [[], ["--compress"]])
def test_2022_reads_our_archives(box, options):
    (box.folder / "one").write_bytes(os.urandom(70_000))
    box.wash("par", "create", "-c", KEYVALUE, "-v", "Compat", "-n", "x", "-a", "x86_64-linux", "-b", box.folder / "one",
             "--destination", "a.par.gz" if options else "a.par", *options)
    path = box.folder / ("a.par.gz" if options else "a.par")
    (box.folder / "two").write_bytes(b"2")
    box.wash("par", "insert", path, "-a", "aarch64-macos", "-b", box.folder / "two")
    key = box.wash_json("par", "inspect", path)["service"]
    assert read_by_the_crate(path)[:3] == [f"{key} {KEYVALUE} Compat", "aarch64-macos 1", "x86_64-linux 70000"]


@pytest.mark.parametrize("name", ["b.par", "b.par.gz"])
def test_we_read_archives_of_2022(box, name):
    program = box.folder / "program"
    program.write_text("#!/bin/sh\necho here; exit 4\n")
    subprocess.run([BUILT / "compat-archive", "write", box.folder / name, program], check=True)
    shown = box.wash_json("par", "inspect", box.folder / name)
    assert shown["name"] == "By the crate" and shown["revision"] == "3" and shown["version"] == "0.1.0"
    assert shown["targets"] == [f"{platform.machine()}-linux"]
    box.start_host()
    run = box.wash("ctl", "start", "provider", f"file://{box.folder}/{name}", "--auction-timeout-ms", "500", check=False)
    assert "exited with status 4: here" in run.stdout + run.stderr
