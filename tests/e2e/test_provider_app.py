"""Our own providers in processes of their own: packed by `trellis-provider`, run by a host, and by nobody at all."""
import base64
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys
import urllib.parse

import guests
import pytest
from sandbox import BUILD, ECHO_BODY, ECHO_REF, HTTP_SERVER, HTTP_SERVER_REF, free_port, http, wait_for
from archives import PROGRAM, pack, provider, run
from lattices import lattice, nats_command
from msgpack import pack as pack_message
from nats_client import NatsClient
from registries import Registry
from servers import (CLIENT, HTTP_CLIENT, KEY_VALUE, MESSAGING, NATS, REDIS, STORE, STORE_REF, Process, behind_http, link,
                     redis_server, status, takes_connections, web_server)

KVCOUNTER_REF = "wasmcloud.azurecr.io/kvcounter:0.4.0"
CHAT_REF = "examples.trellis/chat:0.1.0"
PREVIEW_REF = "examples.trellis/preview:0.1.0"


def processes_of(box):
    """Of the providers that the host runs, by process id."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(box.process.pid)], capture_output=True, text=True).stdout
    return [int(pid) for pid in listed.split()]


def has_ended(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def stop(box, key, contract):
    box.wash("ctl", "stop", "provider", box.host_id(), key, "default", contract)


def counter(port):
    return json.loads(http(port, "/api/counter").body)


# --- what people type ---

def test_list_and_pack_say_which_providers_there_are(box):
    listed = run(box, "list")
    assert listed.returncode == 0
    names = {line.split()[0]: line.split()[1:] for line in listed.stdout.splitlines()[1:]}
    assert names["httpserver"] == ["wasmcloud:httpserver", HTTP_SERVER]
    assert names["keyvalue"] == [KEY_VALUE, STORE] and names["kvredis"] == [KEY_VALUE, REDIS]
    assert names["nats_messaging"] == [MESSAGING, NATS] and len(names) == 6
    unknown = run(box, "pack", "httpsever")
    assert unknown.returncode == 1 and "did you mean 'httpserver'?" in unknown.stderr
    assert "pack" in run(box, "--help").stdout and "--issuer" in run(box, "pack", "--help").stdout
    assert run(box, "pakc").returncode == 2 and run(box, "pack").returncode == 2


def test_an_archive_is_signed_by_ones_own_account_and_keeps_the_providers_key(box):
    packed = run(box, "pack", "kvredis")
    assert packed.returncode == 0 and "No keypair found in" in packed.stderr
    shown = box.wash_json("par", "inspect", box.folder / "kvredis.par.gz")
    assert shown["service"] == REDIS and shown["capability_contract_id"] == KEY_VALUE
    assert (box.folder / "kvredis.par.gz").read_bytes().startswith(b"\x1f\x8b")
    assert (box.folder / ".wash/keys/tester_account.nk").exists()
    # Other keys, when they are asked for, and no new ones when they are not wanted.
    account = box.wash_json("keys", "gen", "account")
    service = box.wash_json("keys", "gen", "service")
    (box.folder / "service.nk").write_text(service["seed"])
    other = pack(box, "kvredis", "-i", account["seed"], "-s", "service.nk", "--disable-keygen")
    shown = box.wash_json("par", "inspect", other.removeprefix("file://"))
    assert shown["service"] == service["public_key"] and shown["issuer"] == account["public_key"]
    refused = run(box, "pack", "kvredis", "--disable-keygen", "--directory", "elsewhere")
    assert refused.returncode == 1 and "No keypair found in elsewhere/tester_account.nk" in refused.stderr
    assert not (box.folder / "elsewhere").exists()


# --- run by a host ---

def test_http_goes_through_a_process_of_its_own(host):
    reference = pack(host, "httpserver", ending=".par.gz")
    host.start_provider(reference)
    host.start_actor(ECHO_REF)
    key, port = host.actor_key(ECHO_REF), free_port()
    said = host.put_link(key, f"ADDRESS=127.0.0.1:{port}")
    assert "Warning" not in said.stdout + said.stderr
    answer = http(port)
    assert answer.status == 200 and answer.body == ECHO_BODY
    body = os.urandom(300_000)
    assert json.loads(http(port, "/x?y=1", data=body).body)["body"] == list(body)
    shown = provider(host, HTTP_SERVER)
    assert shown["image_ref"] == reference and shown["status"] == "running" and shown["name"] == "HTTP Server"
    # A link that cannot work says so, and harms nobody.
    other = host.build_actor("other", guests.GOOD)
    host.start_actor(f"file://{other}")
    late = host.actor_key(f"file://{other}")
    said = host.put_link(late, f"ADDRESS=127.0.0.1:{port}")
    assert "ddress already in use" in said.stdout + said.stderr
    # Links put later, changed, taken back.
    second = free_port()
    host.put_link(late, f"ADDRESS=127.0.0.1:{second}")
    assert http(second).body == b"ok" and http(port).body == ECHO_BODY
    host.delete_link(late)
    wait_for(lambda: not takes_connections(second), 5, "the port is free")
    # Stopped, it leaves nothing.
    [process] = processes_of(host)
    stop(host, HTTP_SERVER, "wasmcloud:httpserver")
    assert has_ended(process) and not takes_connections(port)
    assert "killed" not in host.log()


def test_asked_for_in_place_of_the_built_in_one(box):
    archive = pack(box, "httpserver").removeprefix("file://")
    subprocess.run([BUILD / "actors/layout_add", box.folder / "layout", "provider", archive, HTTP_SERVER_REF], check=True)
    box.start_host(TRELLIS_ARTIFACTS=str(box.folder / "layout"), TRELLIS_EXTERNAL_PROVIDERS="httpserver")
    box.start_provider()
    assert len(processes_of(box)) == 1
    actor = box.build_actor("good", guests.GOOD)
    box.start_actor(f"file://{actor}")
    port = free_port()
    box.put_link(box.actor_key(f"file://{actor}"), f"ADDRESS=127.0.0.1:{port}")
    assert http(port).body == b"ok"


def test_the_store_keeps_what_it_kept_within_the_host(host):
    key, port = behind_http(host, KVCOUNTER_REF)
    host.start_provider(STORE_REF)
    link(host, key, STORE, KEY_VALUE)
    assert [counter(port), counter(port)] == [{"counter": 1}, {"counter": 2}]
    stop(host, STORE, KEY_VALUE)
    host.start_provider(pack(host, "keyvalue"))
    assert counter(port) == {"counter": 3}
    # One that dies comes back with its links and what it had said was kept.
    [process] = processes_of(host)
    os.kill(process, signal.SIGKILL)
    # Another process: until the host has seen the end of the first, it shows that one as running.
    wait_for(lambda: set(processes_of(host)) - {process} and provider(host, STORE)["status"] == "running", 20, "it is back")
    assert counter(port) == {"counter": 4}
    wrong = link(host, key, STORE, KEY_VALUE, "STORE=../../etc")
    assert "STORE '../../etc' is not a name" in wrong
    link(host, key, STORE, KEY_VALUE, "STORE=other")
    assert counter(port) == {"counter": 1}


def test_messages_over_the_bus_of_the_lattice(host):
    host.start_provider(STORE_REF)
    host.start_provider(pack(host, "nats_messaging"))
    key, port = behind_http(host, CHAT_REF)
    link(host, key, STORE, KEY_VALUE)
    assert "Warning" not in link(host, key, NATS, MESSAGING, "SUBSCRIPTION=chat.*")
    assert http(port, "/api/rooms/here", data=b"hi").status == 202
    wait_for(lambda: json.loads(http(port, "/api/rooms/here").body) == ["hi"], 10, "the actor hears what it said")


def test_an_actor_fetches_pages_through_a_client_of_its_own_process(host):
    host.start_provider(pack(host, "httpclient"))
    assert len(processes_of(host)) == 1
    key, port = behind_http(host, PREVIEW_REF)

    def preview(url):
        return json.loads(http(port, "/?url=" + urllib.parse.quote(url, safe="")).body)

    other = free_port()
    pages = {"/page": (200, {"content-type": "text/html"}, "<title>A page – élan</title>".encode() + b" " * 300_000),
             "/moved": (302, {"location": "/page"}, b""),
             "/away": (302, {"location": f"http://127.0.0.1:{other}/"}, b"")}
    with web_server(pages) as web:
        base = f"http://127.0.0.1:{web.port}"
        assert "Call alias not found: wasmcloud:httpclient" in preview(base + "/page")["error"]
        assert "Warning" not in link(host, key, CLIENT, HTTP_CLIENT)  # every public host, and only those
        assert "this machine's own address" in preview(base + "/page")["error"]
        assert "is a URL" in link(host, key, CLIENT, HTTP_CLIENT, "allow=http://x/")
        assert "Warning" not in link(host, key, CLIENT, HTTP_CLIENT, f"allow=127.0.0.1:{web.port}")
        assert preview(base + "/page") == {"url": base + "/page", "status": 200, "title": "A page – élan"}
        assert preview(base + "/moved")["title"] == "A page – élan"
        assert preview(base + "/none")["status"] == 404
        assert f"127.0.0.1 (port {other}) is not allowed" in preview(base + "/away")["error"]
        assert web.asked == ["/page", "/moved", "/page", "/none", "/away"]
    assert "sending request: Failed to connect" in preview(base + "/page")["error"], "the server has gone"


def test_redis_may_come_later(host):
    host.start_provider(pack(host, "kvredis"))
    key, port = behind_http(host, KVCOUNTER_REF)
    with redis_server() as redis:
        redis.stop()
        said = link(host, key, REDIS, KEY_VALUE, f"URL={redis.url}")
        shown = wait_for(lambda: (lambda s: s if s["status"] == "failed" else None)(status(host, key, KEY_VALUE)), 10,
                         "the link is shown as failed")
        assert "Connection refused" in shown["reason"], said
        assert "redis error: cannot connect" in counter(port)["error"]
        redis.start()
        wait_for(lambda: counter(port).get("counter"), 10, "the counter counts")
        wait_for(lambda: status(host, key, KEY_VALUE)["status"] == "active", 20, "the link is active")


def test_nothing_outlives_a_host_that_is_killed(box):
    box.start_host()
    for name in ("httpserver", "keyvalue"):
        box.start_provider(pack(box, name))
    processes = processes_of(box)
    assert len(processes) == 2
    box.process.kill()
    box.process.wait()
    for process in processes:
        wait_for(lambda: has_ended(process), 5, "the provider is gone")


# --- run by nobody, or by a host of another make ---

KEYS = {"keyvalue": STORE, "httpserver": HTTP_SERVER, "nats_messaging": NATS}


class Hosted:
    """What a host of 2022 does with a provider: one line on stdin, everything else over the bus."""

    def __init__(self, box, name, program=PROGRAM, command=None, port=None, **more):
        port = port or box.bus_port
        self.cluster = box.wash_json("keys", "gen", "cluster")
        self.data = {
            "host_id": "N" + "A" * 55, "lattice_rpc_prefix": "elsewhere", "link_name": "default",
            "lattice_rpc_user_jwt": "", "lattice_rpc_user_seed": "", "lattice_rpc_url": f"127.0.0.1:{port}",
            "lattice_rpc_tls": 0, "env_values": {}, "instance_id": "i", "link_definitions": [], "config_json": None,
            "provider_key": KEYS.get(name, name),
            "default_rpc_timeout_ms": 2000, "cluster_issuers": [self.cluster["public_key"]],
            "invocation_seed": self.cluster["seed"], "js_domain": None, "structured_logging": False, **more}
        self.process = subprocess.Popen(command or [program], env=box.env, cwd=box.folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.process.stdin.write(base64.b64encode(json.dumps(self.data).encode()) + b"\n")
        self.process.stdin.flush()
        self.nats = NatsClient(port)

    def ask(self, tail, data=b""):
        me = f"wasmbus.rpc.elsewhere.{self.data['provider_key']}.{self.data['link_name']}"
        return self.nats.request(f"{me}.{tail}", data)

    def is_well(self):
        assert self.process.poll() is None, self.process.stderr.read()
        try:
            return self.ask("health")
        except (TimeoutError, LookupError):
            return None

    def end(self):
        """(exit status, last line on stderr)"""
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors.decode().splitlines()[-1]


def test_the_order_to_stop_ends_it_in_good_order(host):
    hosted = Hosted(host, "keyvalue")
    wait_for(hosted.is_well, 10, "it serves")
    assert hosted.ask("shutdown", json.dumps({"host_id": hosted.data["host_id"]}).encode()) == b"shutting down"
    assert hosted.end()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(host, number):
    hosted = Hosted(host, "httpserver")
    wait_for(hosted.is_well, 10, "it serves")
    hosted.process.send_signal(number)
    assert hosted.end()[0] == 0


def test_it_ends_with_a_host_that_cannot_say_so(host):
    """A host that has the kernel do nothing for it: its process and its stream end, and the provider does."""
    starter = ("import subprocess, sys, time; p = subprocess.Popen([sys.argv[1]], stdin=0); print(p.pid, flush=True); "
               "time.sleep(1000)")
    hosted = Hosted(host, "keyvalue", command=[sys.executable, "-c", starter, str(PROGRAM)])
    pid = int(hosted.process.stdout.readline())
    wait_for(hosted.is_well, 10, "it serves")
    hosted.process.kill()
    hosted.process.wait()
    assert hosted.ask("health"), "the stream is still open: this was not the host, only its helper"
    hosted.process.stdin.close()
    wait_for(lambda: has_ended(pid), 10, "the provider is gone")


def test_the_credentials_of_the_lattice_are_its_own_and_its_links(box):
    user, port = box.wash_json("keys", "gen", "user"), free_port()
    config = box.folder / "nats.conf"
    # Who has no key may ask, but not serve.
    config.write_text(f"""
        authorization {{ users: [
          {{ nkey: {user['public_key']} }},
          {{ user: guest, password: guest, permissions: {{ publish: ["wasmbus.rpc.>"], subscribe: ["_INBOX.>"] }} }} ] }}
        no_auth_user: guest""")
    server = Process(nats_command(port, "-c", str(config)), port)
    try:
        hosted = Hosted(box, "nats_messaging", port=port, lattice_rpc_user_seed=user["seed"])
        wait_for(hosted.is_well, 10, "it serves")
        put = {"actor_id": "M" + "A" * 55, "provider_id": NATS, "link_name": "default", "contract_id": MESSAGING,
               "values": {"SUBSCRIPTION": "only.with.a.key"}}
        assert json.loads(hosted.ask("linkdefs.put", pack_message(put))) == {"accepted": True, "error": "",
                                                                              "may_pass": False}
        hosted.process.terminate()
        assert hosted.end()[0] == 0
        code, line = Hosted(box, "keyvalue", port=port, lattice_rpc_user_seed="SU" + "A" * 56).end()
        assert code == 1 and "cannot join the lattice" in line and "AAAA" not in line
    finally:
        server.stop()


def test_what_is_wrong_is_one_line_at_the_end(host):
    wrong = Hosted(host, "V" + "A" * 55)
    code, line = wrong.end()
    assert code == 1 and line.startswith("trellis-provider: this program does not say which provider it is")
    assert "httpserver" in line and "pack" in line
    code, line = Hosted(host, "keyvalue", invocation_seed="SCNONSENSE").end()
    assert code == 1 and "'invocation_seed'" in line and "NONSENSE" not in line
    code, line = Hosted(host, "keyvalue", lattice_rpc_url="127.0.0.1:port").end()
    assert code == 1 and "lattice_rpc_url" in line
    code, line = Hosted(host, "keyvalue", lattice_rpc_url="127.0.0.1:1").end()
    assert code == 1 and "cannot join the lattice at 127.0.0.1:1" in line and "refused" in line
    for written, said in ((b"", "this program is started by a host"), (b"what?\n", "is not base64"),
                          (base64.b64encode(b"[]") + b"\n", "is not a JSON object"),
                          (base64.b64encode(b"{}") + b"\n", "it has no '")):
        ended = subprocess.run([PROGRAM], input=written, env=host.env, capture_output=True, timeout=20)
        lines = ended.stderr.decode().splitlines()
        assert ended.returncode == 1 and len(lines) == 1 and said in lines[0], lines


def test_a_packed_program_knows_itself_and_a_damaged_one_says_so(host):
    whole = PROGRAM.read_bytes()

    def with_end(end):
        path = host.folder / f"program{len(list(host.folder.glob('program*')))}"
        path.write_bytes(whole + end)
        path.chmod(0o700)
        return path
    # Its own name counts, whatever key it has.
    key = host.wash_json("keys", "gen", "service")["public_key"]
    hosted = Hosted(host, key, program=with_end(b"\n[trellis-provider: keyvalue]\n"))
    wait_for(hosted.is_well, 10, "it serves")
    hosted.process.terminate()
    assert hosted.end()[0] == 0
    for end, said in ((b"\n[trellis-provider: keyval", "is damaged; pack it anew"),
                      (b"\n[trellis-provider: keyvalue]\nmore", "is damaged; pack it anew"),
                      (b"\n[trellis-provider: blobs3]\n", "was packed as provider 'blobs3'")):
        code, line = Hosted(host, "keyvalue", program=with_end(end)).end()
        assert code == 1 and said in line, line
    # Packed again, it is the other one and only that.
    again = with_end(b"\n[trellis-provider: keyvalue]\n")
    assert run(host, "pack", "kvredis", "--destination", "again.par", program=again).returncode == 0
    content = (host.folder / "again.par").read_bytes()
    assert content.count(b"\n[trellis-provider: kvredis]\n") == 1
    assert content.count(b"\n[trellis-provider: keyvalue]\n") == 0


def test_in_a_terminal_it_says_what_it_is_for(box):
    ours, theirs = pty.openpty()
    ended = subprocess.run([PROGRAM], stdin=theirs, env=box.env, capture_output=True, text=True, timeout=20)
    os.close(ours)
    os.close(theirs)
    assert ended.returncode == 1
    assert "a host starts it" in ended.stderr and "trellis-provider --help" in ended.stderr


# --- from a registry ---

def pushed(host, registry, name, **options):
    """The archive of a built-in provider in the registry: its reference and its digest."""
    reference = f"{registry.host}/team/{name}:1"
    archive = pack(host, name, **options).removeprefix("file://")
    return reference, host.wash_json("reg", "push", reference, archive)["digest"]


def test_a_packed_provider_comes_from_a_registry_and_then_from_what_is_kept(host, made):
    registry = made(Registry, host.folder / "registry")
    reference, its_digest = pushed(host, registry, "keyvalue", ending=".par.gz")
    host.start_provider(reference)
    shown = provider(host, STORE)
    assert (shown["image_ref"], shown["status"], len(processes_of(host))) == (reference, "running", 1)
    key, port = behind_http(host, KVCOUNTER_REF)
    assert "Warning" not in link(host, key, STORE, KEY_VALUE)
    assert counter(port) == {"counter": 1}

    stop(host, STORE, KEY_VALUE)
    registry.stop()
    pinned = f"{reference}@{its_digest}"
    host.start_provider(pinned)  # a pin asks nobody
    assert provider(host, STORE)["image_ref"] == pinned and counter(port) == {"counter": 2}
    stop(host, STORE, KEY_VALUE)
    other = f"{reference}@sha256:{'0' * 64}"
    refused = host.start_provider(other, check=False)
    assert refused.returncode == 1 and "cannot be reached" in refused.stderr and registry.host in refused.stderr
    assert provider(host, STORE) is None


def test_what_runs_from_a_registry_shows_its_digest(host, made):
    reference, its_digest = pushed(host, made(Registry, host.folder / "registry"), "keyvalue")
    host.start_provider(reference)
    assert provider(host, STORE).get("digest") == its_digest
    [seen] = host.wash_json("ctl", "get", "inventory", host.host_id())["inventory"]["providers"]
    assert seen.get("digest") == its_digest


@pytest.mark.parametrize("jetstream", [True, False])
def test_values_larger_than_a_message_go_through_the_object_store(jetstream):
    value = "v" * 2_000_000
    with lattice(jetstream=jetstream) as made:
        host = made.start()
        host.start_provider(pack(host, "keyvalue"))

        def call(name, operation, payload):
            path = host.build_actor(name, guests.caller(KEY_VALUE, operation, pack_message(payload), pages=80,
                                                        answer=guests.LENGTH_OF_ANSWER), contract="-k")
            host.start_actor(f"file://{path}")
            key = host.actor_key(f"file://{path}")
            link(host, key, STORE, KEY_VALUE, "STORE=shared")
            return host.wash("call", key, "Test.Go", "{}", "-o", "json", check=False)
        put = call("putter", "KeyValue.Set", {"key": "large", "value": value, "expires": 0})
        if jetstream:
            assert put.returncode == 0, put.stderr
            got = call("getter", "KeyValue.Get", "large")
            assert json.loads(got.stdout)["response"] > len(value), "an actor of another key has the store, too"
        else:
            assert put.returncode == 1 and "start nats-server with -js" in put.stdout + put.stderr
