"""Providers in processes of their own: archives, the protocol of 2022, and what becomes of providers that misbehave.

The providers are Python scripts (provider.py), packed with `wash par create`, each with one bad habit.
"""
import json
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import time

import guests
import pytest
from sandbox import wait_for
from msgpack import unpack
from nats_client import NatsClient

HERE = pathlib.Path(__file__).resolve().parent
CONTRACT = "test:words"
EVT = "wasmbus.evt.default"
# What an answer may take on a machine that does other things as well. That it did not come from a wait which ended, its
# text says; this is for what would never come.
SOON = 10

SCRIPT = """#!/usr/bin/python3
import sys
sys.path.insert(0, {here!r})
sys.dont_write_bytecode = True
from provider import *
{body}
"""
WELL = "Provider().run()"


class Foreign:
    """A host, an actor that calls the contract, and what providers have recorded."""

    def __init__(self, box):
        self.box = box
        self.record_path = box.folder / "record"
        box.start_host(PROVIDER_RECORD=str(self.record_path))

    def archive(self, name, body, *options, compress=True):
        script = self.box.folder / name
        script.write_text(SCRIPT.format(here=str(HERE), body=body))
        ending = ".par.gz" if compress else ".par"
        self.box.wash("par", "create", "-c", CONTRACT, "-v", "Test", "-n", f"Test {name}", "-a",
                      f"{platform.machine()}-linux", "-b", script, "--destination", f"{name}{ending}",
                      *(["--compress"] if compress else []), *options)
        return f"file://{self.box.folder}/{name}{ending}"

    def key(self, archive):
        return self.box.wash_json("par", "inspect", archive.removeprefix("file://"))["service"]

    def start(self, name, body, check=True, options=(), **kwargs):
        archive = self.archive(name, body, **kwargs)
        run = self.box.wash("ctl", "start", "provider", archive, "--auction-timeout-ms", "500", *options, check=check)
        return self.key(archive), run

    def stop(self, key, link_name="default", check=True):
        return self.box.wash("ctl", "stop", "provider", self.box.host_id(), key, link_name, CONTRACT, check=check)

    def actor(self, operation="Words.Say", payload=b"hello", name="caller"):
        path = self.box.build_actor(name, guests.caller(CONTRACT, operation, payload), contract=f"--cap={CONTRACT}")
        self.box.start_actor(f"file://{path}")
        return self.box.actor_key(f"file://{path}")

    def link(self, actor, key, *values, link_name="default", **kwargs):
        return self.box.wash("ctl", "link", "put", actor, key, CONTRACT, "-l", link_name, *values, **kwargs)

    def call(self, actor):
        """(answer or None, error text, seconds) of the actor's call to the provider."""
        began = time.monotonic()
        run = self.box.wash("call", actor, "Test.Go", "{}", "-o", "json", check=False)
        took = time.monotonic() - began
        return (json.loads(run.stdout)["response"] if run.returncode == 0 else None), run.stdout + run.stderr, took

    def record(self, what=None):
        if not self.record_path.exists():
            return []
        lines = [json.loads(line) for line in self.record_path.read_text().splitlines()]
        return [line for line in lines if what in (None, line["what"])]

    def provider(self, key):
        return next((p for p in self.box.inventory()["providers"] if p["id"] == key), None)

    def status(self, key):
        return self.provider(key)["status"]

    def link_status(self, actor):
        link = next(l for l in self.box.links() if l["actor_id"] == actor)
        return link["status"], link["reason"]

    def events(self):
        client = NatsClient(self.box.bus_port)
        client.subscribe(EVT)
        client.ping()
        return client


@pytest.fixture
def foreign(box):
    return Foreign(box)


def is_gone(pid):
    """Neither running nor waiting for somebody to take its status."""
    return not os.path.exists(f"/proc/{pid}")


def children_of(pid):
    return subprocess.run(["ps", "-o", "pid=,stat=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split("\n")


# --- a provider that behaves ---

def test_an_actor_calls_a_provider_from_an_archive(foreign):
    key, run = foreign.start("good", WELL)
    assert f"started on host {foreign.box.host_id()}" in run.stdout
    actor = foreign.actor()
    foreign.link(actor, key, "COLOUR=blue")
    answer, text, _ = foreign.call(actor)
    assert answer == f"Words.Say of {actor[:4]} with 5 bytes", text
    assert foreign.record("put")[0]["values"] == {"COLOUR": "blue"}
    provider = foreign.provider(key)
    assert provider["status"] == "running" and provider["contract_id"] == CONTRACT
    assert provider["name"] == "Test good" and provider["image_ref"].endswith("good.par.gz")
    assert [l["status"] for l in provider["links"]] == ["active"]
    assert foreign.link_status(actor) == ("active", "")


def test_the_process_gets_what_2022_gives_it(foreign):
    config = foreign.box.folder / "config.json"
    config.write_text('{"a": 1}')
    key, _ = foreign.start("good", WELL, options=["-l", "other", "--config-json", config])
    started = foreign.record("start")[0]
    host = started["host"]
    me = foreign.box.wash_json("ctl", "get", "hosts", "-t", "500")["hosts"][0]
    assert host["host_id"] == me["id"] and host["provider_key"] == key
    assert host["link_name"] == "other" and host["lattice_rpc_prefix"] == "default"
    assert host["lattice_rpc_url"] == f"127.0.0.1:{foreign.box.bus_port}"
    assert host["lattice_rpc_user_jwt"] == "" and host["lattice_rpc_user_seed"] == ""
    assert host["env_values"] == {} and host["link_definitions"] == []
    assert json.loads(host["config_json"]) == {"a": 1}
    assert host["default_rpc_timeout_ms"] == 2000 and host["cluster_issuers"] == me["cluster_issuers"].split(",")
    assert host["invocation_seed"].startswith("SC") and len(host["instance_id"]) == 36
    assert host["structured_logging"] is False and host["enable_structured_logging"] is False
    assert started["args"] == []
    # And nothing of the host's that is none of its business.
    pid = started["pid"]
    assert sorted(os.listdir(f"/proc/{pid}/fd"))[:3] == ["0", "1", "2"]
    targets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    assert all(t.startswith(("pipe:", "socket:")) for t in targets), targets
    assert len([t for t in targets if t.startswith("pipe:")]) == 3
    assert os.getpgid(pid) == pid
    environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    assert any(e.startswith("PROVIDER_RECORD=") for e in environment)


def test_secrets_of_the_host_stay_there(box):
    seed = box.wash_json("keys", "gen", "server")["seed"]
    box.env["WASMCLOUD_HOST_SEED"] = seed
    foreign = Foreign(box)
    foreign.start("good", WELL)
    pid = foreign.record("start")[0]["pid"]
    assert seed not in pathlib.Path(f"/proc/{pid}/environ").read_text()
    assert foreign.record("start")[0]["host"]["invocation_seed"] not in box.log()


def test_events_tell_what_becomes_of_it(foreign):
    events = foreign.events()
    key, _ = foreign.start("good", WELL)
    started = events.events(EVT, "provider_started", 10)["data"]
    assert started["public_key"] == key and started["image_ref"].startswith("file://")
    assert started["contract_id"] == CONTRACT and started["link_name"] == "default"
    assert started["claims"]["name"] == "Test good" and started["claims"]["issuer"].startswith("A")
    passed = events.events(EVT, "health_check_passed", 10)["data"]
    assert passed == {"public_key": key, "link_name": "default"}
    foreign.stop(key)
    stopped = events.events(EVT, "provider_stopped", 10)["data"]
    assert stopped["reason"] == "normal" and stopped["instance_id"] == started["instance_id"]
    events.close()


def test_stopping_lets_it_shut_down_and_forgets_it(foreign):
    key, _ = foreign.start("good", WELL)
    pid = foreign.record("start")[0]["pid"]
    run = foreign.stop(key)
    assert f"Provider {key} stopped successfully" in run.stdout
    assert foreign.record("shutdown") and is_gone(pid)
    assert foreign.box.inventory()["providers"] == []
    assert "No provider is running" in (lambda r: r.stdout + r.stderr)(foreign.stop(key, check=False))
    # And it can be started again.
    foreign.start("good", WELL)
    assert foreign.status(key) == "running"


def test_it_runs_once_for_each_link_name(foreign):
    key, _ = foreign.start("good", WELL)
    _, again = foreign.start("good", WELL, check=False)
    assert again.returncode == 1
    host = foreign.box.host_id()
    asked = foreign.box.wash("ctl", "start", "provider", f"file://{foreign.box.folder}/good.par.gz", "--host-id", host,
                             check=False)
    assert "Provider with that link name is already running on this host" in asked.stdout + asked.stderr
    copy = foreign.box.folder / "copy.par.gz"
    shutil.copy(foreign.box.folder / "good.par.gz", copy)
    same = foreign.box.wash("ctl", "start", "provider", f"file://{copy}", "--host-id", host, check=False)
    assert "Provider is already running on this host" in same.stdout + same.stderr
    foreign.start("good", WELL, options=["-l", "other"])
    assert {p["link_name"] for p in foreign.box.inventory()["providers"]} == {"default", "other"}
    # Calls of a link go to the process of that link name.
    actor = foreign.actor()
    foreign.link(actor, key, "WHO=default")
    assert foreign.call(actor)[0]
    assert [r["values"]["WHO"] for r in foreign.record("put")] == ["default"]


def test_two_revisions_of_one_provider_are_two_programs(foreign):
    # 2022 kept programs by revision: a new archive of the same revision ran the old program.
    key, _ = foreign.start("good", WELL)
    foreign.stop(key)
    second, _ = foreign.start("good", "Provider.handle = lambda *a: pack('second')\n" + WELL)
    assert second == key
    actor = foreign.actor()
    foreign.link(actor, key)
    assert foreign.call(actor)[0] == "second"


def test_from_an_oci_layout_and_uncompressed(foreign):
    archive = foreign.archive("good", WELL, compress=False)
    layout = foreign.box.folder / "layout"
    tool = pathlib.Path(os.environ.get("TRELLIS_BUILD", HERE.parents[1] / "build/release")) / "actors/layout_add"
    subprocess.run([tool, layout, "provider", archive.removeprefix("file://"), "example.com/words:1.0"], check=True)
    foreign.box.stop_host()
    foreign.box.start_host(TRELLIS_ARTIFACTS=str(layout), PROVIDER_RECORD=str(foreign.record_path))
    foreign.box.start_provider("example.com/words:1.0")
    assert foreign.provider(foreign.key(archive))["image_ref"] == "example.com/words:1.0"
    # An archive that pretends to be a built-in one's is taken only when asked for.
    subprocess.run([tool, layout, "provider", archive.removeprefix("file://"),
                    "wasmcloud.azurecr.io/httpserver:0.16.3"], check=True)
    foreign.box.start_provider()
    assert {p["name"] for p in foreign.box.inventory()["providers"]} == {"Test good", "HTTP Server"}
    foreign.box.stop_host()
    foreign.box.start_host(TRELLIS_ARTIFACTS=str(layout), TRELLIS_EXTERNAL_PROVIDERS="httpserver",
                           PROVIDER_RECORD=str(foreign.record_path))
    foreign.box.start_provider()
    assert [p["name"] for p in foreign.box.inventory()["providers"]] == ["Test good"]


# --- archives that must not be run ---

def refused(foreign, path):
    run = foreign.box.wash("ctl", "start", "provider", f"file://{path}", "--host-id", foreign.box.host_id(), check=False)
    assert run.returncode == 1
    assert foreign.box.inventory()["providers"] == []
    return run.stdout + run.stderr


def test_archives_that_cannot_be_run_say_why(foreign):
    box = foreign.box
    assert "was not found" in refused(foreign, "/no/such.par.gz") or "No such file" in refused(foreign, "/no/such.par.gz")
    (box.folder / "text").write_text("hello")
    assert "not a provider archive" in refused(foreign, box.folder / "text")
    wasm = box.build_actor("module", guests.GOOD)
    assert "WebAssembly module" in refused(foreign, wasm)
    good = pathlib.Path(foreign.archive("good", WELL, compress=False).removeprefix("file://"))
    changed = box.folder / "changed.par"
    changed.write_bytes(good.read_bytes().replace(b"Provider().run()", b"Provider().rum()"))
    assert "File hash and verify hash do not match" in refused(foreign, changed)
    box.wash("par", "create", "-c", CONTRACT, "-v", "Test", "-n", "Else", "-a", "mips-plan9", "-b", box.folder / "good",
             "--destination", "else.par")
    assert "No suitable target found in provider archive" in refused(foreign, box.folder / "else.par")
    (box.folder / "garbage").write_bytes(b"\x7fELF and nothing more")
    box.wash("par", "create", "-c", CONTRACT, "-v", "Test", "-n", "Garbage", "-a", f"{platform.machine()}-linux", "-b",
             box.folder / "garbage", "--destination", "garbage.par")
    assert "no program for this machine" in refused(foreign, box.folder / "garbage.par")
    assert not foreign.record("start")


# --- providers that misbehave ---

def test_one_that_exits_at_once_is_tried_again_and_its_callers_are_told(foreign):
    events = foreign.events()
    key, run = foreign.start("boom", "print('no database here', file=sys.stderr)\nsys.exit(3)", check=False)
    assert run.returncode == 1
    assert "exited with status 3: no database here" in run.stdout + run.stderr
    failed = events.events(EVT, "provider_start_failed", 10)["data"]
    assert "exited with status 3" in failed["error"] and failed["link_name"] == "default"
    actor = foreign.actor()
    put = foreign.link(actor, key)
    # Down or being started again: either way it says what happened to it.
    assert foreign.provider(key)["status"] in ("down", "starting")
    assert "no database here" in foreign.provider(key)["reason"]
    status, reason = foreign.link_status(actor)
    assert status == "pending" and "exited with status 3" in reason
    answer, text, took = foreign.call(actor)
    assert answer is None and "exited with status 3" in text, text
    assert took < SOON
    assert "no database here" in foreign.box.wash("ctl", "get", "inventory", foreign.box.host_id()).stdout
    assert "no database here" in foreign.box.log()
    # It is tried again, less and less often, and leaves nothing behind.
    time_of_tries = lambda: foreign.box.log().count("runs as process")
    wait_for(lambda: time_of_tries() >= 4, 15, "it is tried again")
    assert not [c for c in children_of(foreign.box.process.pid) if "Z" in c]
    foreign.stop(key)
    assert foreign.box.inventory()["providers"] == [] and put


def test_one_that_dies_is_started_again_with_its_links(foreign):
    events = foreign.events()
    key, _ = foreign.start("good", f"print('all is well', flush=True)\n{WELL}")
    first = events.events(EVT, "provider_started", 10)["data"]
    actor = foreign.actor()
    foreign.link(actor, key, "COLOUR=blue")
    assert foreign.call(actor)[0]
    asked = len(foreign.record("health"))
    wait_for(lambda: len(foreign.record("health")) >= asked + 2, 10, "it has answered since it has the link")
    pid = foreign.record("start")[0]["pid"]
    os.kill(pid, signal.SIGKILL)
    stopped = events.events(EVT, "provider_stopped", 10)["data"]
    assert "killed by signal 9 (Killed); its last line was: all is well;" in stopped["reason"]
    assert stopped["instance_id"] == first["instance_id"]
    again = events.events(EVT, "provider_started", 10)["data"]
    assert again["instance_id"] != first["instance_id"] and again["public_key"] == key
    second = foreign.record("start")[1]
    assert second["pid"] != pid and is_gone(pid)
    assert [l["values"] for l in second["host"]["link_definitions"]] == [{"COLOUR": "blue"}]
    answer, text, _ = foreign.call(actor)
    assert answer, text
    assert foreign.link_status(actor) == ("active", "")
    events.close()


def test_one_that_dies_right_after_a_link_gets_it_again_all_the_same(foreign):
    key, _ = foreign.start("good", WELL)
    actor = foreign.actor()
    foreign.link(actor, key, "COLOUR=blue")
    assert foreign.call(actor)[0]
    os.kill(foreign.record("start")[0]["pid"], signal.SIGKILL)
    wait_for(lambda: len(foreign.record("start")) == 2 and foreign.status(key) == "running", 10, "it is back")
    assert [r["values"] for r in foreign.record("put")] == [{"COLOUR": "blue"}] * 2
    assert foreign.call(actor)[0]


def test_one_that_hangs_is_found_out_killed_and_started_again(foreign):
    events = foreign.events()
    key, _ = foreign.start("good", WELL)
    actor = foreign.actor()
    foreign.link(actor, key)
    assert foreign.call(actor)[0]
    pid = foreign.record("start")[0]["pid"]
    began = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    answer, _, took = foreign.call(actor)
    assert answer is None and took < SOON
    failed = events.events(EVT, "health_check_failed", 10)["data"]
    assert failed["public_key"] == key
    stopped = events.events(EVT, "provider_stopped", 15)["data"]
    assert "did not answer 3 health checks" in stopped["reason"]
    assert time.monotonic() - began < 10 + SOON  # three checks, each with its time to be answered
    events.events(EVT, "provider_started", 10)
    assert is_gone(pid)
    assert foreign.call(actor)[0]
    events.close()


def test_one_that_never_speaks_is_shown_as_starting_and_can_be_stopped(foreign):
    archive = foreign.archive("mute", "import time\nprint('thinking', flush=True)\ntime.sleep(1000)")
    foreign.box.wash("ctl", "start", "provider", archive, "--auction-timeout-ms", "500", "--skip-wait")
    key = foreign.key(archive)
    wait_for(lambda: foreign.provider(key), 5, "it is known")
    wait_for(lambda: "thinking" in foreign.box.log(), 5, "it runs")
    assert foreign.status(key) == "starting"
    actor = foreign.actor()
    foreign.link(actor, key)
    answer, text, took = foreign.call(actor)
    assert answer is None and "is starting" in text and took < SOON
    child = [int(c.split()[0]) for c in children_of(foreign.box.process.pid) if c.strip()]
    assert len(child) == 1
    foreign.stop(key)
    wait_for(lambda: is_gone(child[0]), 5, "it is gone")


def test_one_that_talks_nonsense_harms_only_its_callers(foreign):
    key, _ = foreign.start("odd", """
class Odd(Provider):
    def health(self):
        return b"\\xc1\\xff nonsense"
    def answer(self, invocation):
        return b"\\xde\\xad\\xbe\\xef"
sys.stdout.buffer.write(b"\\xff\\x00 first\\r[error] the host is on fire\\x1b[2J\\n")
sys.stdout.flush()
Odd().run()""")
    assert foreign.status(key) == "running"  # any answer is a sign of life
    actor = foreign.actor()
    foreign.link(actor, key)
    answer, text, took = foreign.call(actor)
    assert answer is None and took < SOON, text
    log = foreign.box.log()
    assert "\\xff\\x00 first\\x0d[error] the host is on fire\\x1b[2J" in log
    assert not any(line.startswith("[error] the host") for line in log.splitlines())
    assert foreign.status(key) == "running"


def test_one_that_says_it_is_not_well_is_shown_so(foreign):
    events = foreign.events()
    key, _ = foreign.start("ill", """
class Ill(Provider):
    asked = 0
    def health(self):
        Ill.asked += 1
        return pack({"healthy": Ill.asked < 2, "message": "the database is slow"})
Ill().run()""")
    events.events(EVT, "health_check_passed", 10)
    events.events(EVT, "health_check_failed", 10)
    provider = foreign.provider(key)
    assert provider["status"] == "unhealthy" and provider["reason"] == "the database is slow"
    assert "is unhealthy: the database is slow" in foreign.box.wash("ctl", "get", "inventory", foreign.box.host_id()).stdout
    assert len(foreign.record("start")) == 1  # it speaks: it is not killed
    events.close()


def test_one_that_fills_its_output_does_not_fill_the_log_or_slow_the_host(foreign):
    key, _ = foreign.start("chatty", """
import threading
def chatter():
    while True:
        os.write(1, b"[error] bla bla bla\\n" * 1000)
class Chatty(Provider):
    def before_subscribing(self):
        threading.Thread(target=chatter, daemon=True).start()
Chatty().run()""")
    actor = foreign.actor()
    foreign.link(actor, key)
    wait_for(lambda: "more lines within a second are not shown" in foreign.box.log(), 10, "lines are dropped")
    size = len(foreign.box.log())
    began = time.monotonic()
    answer, text, took = foreign.call(actor)
    assert answer and took < SOON, text
    wait_for(lambda: time.monotonic() - began > 2, 5)
    assert len(foreign.box.log()) - size < 10 * 500 * 100  # lines a second, of that length
    assert foreign.status(key) == "running"


def test_one_that_does_not_shut_down_is_killed(foreign):
    key, _ = foreign.start("stubborn", """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Stubborn(Provider):
    def serve(self, subject, reply, data):
        if subject.endswith(".shutdown"):
            self.record("asked to shut down")
            time.sleep(1000)
        return super().serve(subject, reply, data)
Stubborn().run()""")
    pid = foreign.record("start")[0]["pid"]
    foreign.stop(key, check=False)
    wait_for(lambda: is_gone(pid), 10, "it is gone")
    wait_for(lambda: foreign.provider(key) is None, 5, "it is forgotten")


# --- links ---

def test_links_that_are_put_while_it_starts_are_not_lost(foreign):
    gate = foreign.box.folder / "gate"
    archive = foreign.archive("slow", f"""
import time
class Slow(Provider):
    def before_subscribing(self):
        self.record("waiting")
        while not os.path.exists({str(gate)!r}):
            time.sleep(0.01)
Slow().run()""")
    key = foreign.key(archive)
    early, late = foreign.actor(name="early"), foreign.actor(name="late")
    foreign.link(early, key, "N=1")
    foreign.box.wash("ctl", "start", "provider", archive, "--auction-timeout-ms", "500", "--skip-wait")
    wait_for(lambda: foreign.record("waiting"), 10, "it starts")
    foreign.link(late, key, "N=2")
    foreign.link(early, key, "N=3")  # changed, after it was given the old one
    assert foreign.link_status(late)[0] == "pending"
    gate.touch()
    wait_for(lambda: foreign.status(key) == "running", 10, "it runs")
    assert foreign.call(early)[0] and foreign.call(late)[0]
    assert foreign.link_status(late) == ("active", "")
    puts = [(r["actor"], r["values"]["N"]) for r in foreign.record("put")]
    assert puts == [(early, "1"), (early, "3"), (late, "2")] or puts == [(early, "1"), (late, "2"), (early, "3")]


def test_a_changed_link_is_taken_back_and_put_anew(foreign):
    key, _ = foreign.start("good", WELL)
    actor = foreign.actor()
    foreign.link(actor, key, "N=1")
    foreign.link(actor, key, "N=2")
    foreign.link(actor, key, "N=2")  # again the same: told again, and ignored there
    foreign.box.wash("ctl", "link", "del", actor, CONTRACT)
    wait_for(lambda: len(foreign.record("del")) == 2, 5, "it is told of everything")
    seen = [(r["what"], r.get("values", {}).get("N")) for r in foreign.record() if r["what"] in ("put", "del")]
    assert seen == [("put", "1"), ("del", None), ("put", "2"), ("del", None)]
    answer, text, _ = foreign.call(actor)
    assert answer is None and "Call alias not found" in text


SIDE_BY_SIDE = """
import threading

class SideBySide(Provider):  # as the SDKs of 2022: a task for each subject
    def serve(self, subject, reply, data):
        if subject.endswith(".linkdefs.del"):
            threading.Timer(0.005, super().serve, (subject, reply, data)).start()
            return True
        return super().serve(subject, reply, data)

SideBySide().run()"""


def test_a_changed_link_reaches_one_that_takes_links_back_slowly(foreign):
    key, _ = foreign.start("slow", SIDE_BY_SIDE)
    actor = foreign.actor()
    for n in range(3):
        foreign.link(actor, key, f"N={n}")
    foreign.box.wash("ctl", "link", "del", actor, CONTRACT)
    foreign.link(actor, key, "N=3")
    wait_for(lambda: len(foreign.record("put")) == 4, 5, "it is told of everything")
    seen = [(r["what"], r.get("values", {}).get("N")) for r in foreign.record() if r["what"] in ("put", "del", "duplicate")]
    assert seen == [("put", "0"), *(step for n in (1, 2, 3) for step in (("del", None), ("put", str(n))))]
    assert foreign.call(actor)[0]


def test_a_link_with_another_contract_is_not_told(foreign):
    key, _ = foreign.start("good", WELL)
    actor = foreign.actor()
    foreign.link(actor, key, "N=1")
    wrong = foreign.box.wash("ctl", "link", "put", actor, key, "test:wrods", "N=2")
    assert f"offers {CONTRACT}, not test:wrods" in wrong.stdout + wrong.stderr
    foreign.box.wash("ctl", "link", "del", actor, "test:wrods")
    assert foreign.call(actor)[0]  # the good one was not taken back with it
    assert [r["what"] for r in foreign.record() if r["what"] in ("put", "del")] == ["put"]


@pytest.mark.parametrize("end", ["os._exit(9)", "import time; time.sleep(1000)"], ids=["exits", "hangs"])
def test_a_link_it_cannot_bear_does_not_take_the_others_down(foreign, end):
    key, _ = foreign.start("frail", f"""
class Frail(Provider):
    def put_link(self, link):
        if "poison" in link["values"]:
            {end}
        return True
Frail().run()""")
    good, bad = foreign.actor(name="good_actor"), foreign.actor(name="bad_actor")
    foreign.link(good, key, "N=1")
    foreign.link(bad, key, "poison=1")
    wait_for(lambda: foreign.link_status(bad)[0] == "failed", 90, "the bad link is found out")
    wait_for(lambda: foreign.status(key) == "running", 30, "the provider is up")
    assert "when it was told of" in foreign.link_status(bad)[1]
    assert foreign.link_status(good) == ("active", "")
    assert foreign.call(good)[0]
    # Mended, it is told again.
    foreign.link(bad, key, "N=2")
    assert foreign.call(bad)[0] and foreign.link_status(bad) == ("active", "")


# --- nothing is left behind ---

def test_nothing_outlives_a_host_that_is_killed(foreign):
    pids = []
    for name in ("one", "two"):
        foreign.start(name, WELL)
        pids.append(foreign.record("start")[-1]["pid"])
    foreign.box.process.kill()
    foreign.box.process.wait()
    for pid in pids:
        wait_for(lambda: is_gone(pid), 5, "the provider is gone")


def test_nothing_outlives_a_host_that_stops(foreign):
    foreign.start("good", WELL)
    foreign.start("helped", "import subprocess\nsubprocess.Popen(['sleep', '1000'])\n" + WELL)
    pids = [r["pid"] for r in foreign.record("start")]
    helpers = [int(c.split()[0]) for pid in pids for c in children_of(pid) if c.strip()]
    assert len(helpers) == 1
    assert foreign.box.stop_host() == 0
    assert len(foreign.record("shutdown")) == 2
    for pid in pids + helpers:
        wait_for(lambda: is_gone(pid), 5, "it is gone")


def test_a_program_that_was_changed_is_not_run(foreign):
    key, _ = foreign.start("good", WELL)
    programs = [p for p in (foreign.box.folder / ".cache/trellis/providers").rglob("*") if p.is_file()]
    assert len(programs) == 1 and programs[0].stat().st_mode & 0o777 == 0o500
    programs[0].chmod(0o700)
    programs[0].write_text("#!/bin/sh\ntouch ~/harm\n")
    os.kill(foreign.record("start")[0]["pid"], signal.SIGKILL)
    wait_for(lambda: len(foreign.record("start")) == 2, 10, "it is unpacked anew and started")
    wait_for(lambda: foreign.status(key) == "running", 10)
    assert "no longer the program" in foreign.box.log()
    assert not (foreign.box.folder / "harm").exists()
