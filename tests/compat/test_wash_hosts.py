"""2022's wash drives our host, ours beside it: every `ctl` command and `call`. Run by `make compat`."""
import json
import pathlib
import sys

import guests
import pytest
from sandbox import ECHO_BODY, ECHO_REF, HTTP_SERVER, HTTP_SERVER_REF, free_port, http, wait_for
from washes import UPTIME, Hosts

HERE = pathlib.Path(__file__).resolve().parent
CONTRACT = "wasmcloud:httpserver"
REQUEST = '{"method":"GET","path":"/","body":"","queryString":"","header":{}}'
SOON = ("--auction-timeout-ms", "300")
NOBODY = {kind: kind + "A" * 55 for kind in "MNV"}


@pytest.fixture(params=["embedded-text", "embedded-json", "nats-text", "nats-json"])
def pair(request, made):
    bus, form = request.param.split("-")
    return made(Hosts, form, bus).pair


def instances(box, count):
    return sum(len(a["instances"]) for a in box.inventory()["actors"]) == count


def start_echo(pair):
    pair.same("ctl", "start", "actor", ECHO_REF, "--host-id", "$host")
    pair.name("echo", lambda box: box.actor_key(ECHO_REF))


def sign(pair, name, wat, seed, *options):
    pair.module(name, wat)
    pair.same("claims", "sign", f"$home/{name}.wasm", "-n", "Guest", "-q", "-s", seed, "-i", account(pair), *options)


def account(pair):
    if not hasattr(pair, "account"):
        pair.account = pair.new.box.wash_json("keys", "gen", "account")["seed"]
    return pair.account


def module_seed(pair):
    return pair.new.box.wash_json("keys", "gen", "module")["seed"]


def shows_the_same(pair):
    pair.same("ctl", "get", "inventory", "$host", any_order=True)
    pair.same("ctl", "get", "claims", any_order=True)
    pair.same("ctl", "link", "query", any_order=True)


# --- ctl ---

def test_an_empty_host(pair):
    pair.same("ctl", "get", "hosts", "-t", "500", varies=UPTIME)
    shows_the_same(pair)


def test_actors_are_started(pair):
    pair.same("ctl", "start", "actor", ECHO_REF, *SOON, code=0)
    pair.same("ctl", "start", "actor", ECHO_REF, "--host-id", "$host", "--count", "2", code=0)
    pair.same("ctl", "start", "actor", ECHO_REF, *SOON, "--skip-wait", "-c", "hostcore.os=linux", code=0)
    pair.settled(lambda box: instances(box, 4))
    sign(pair, "good", guests.GOOD, module_seed(pair))
    pair.same("ctl", "start", "actor", "file://$home/good_s.wasm", *SOON, code=0)
    shows_the_same(pair)


def test_actors_that_cannot_start(pair):
    pair.same("ctl", "start", "actor", ECHO_REF, *SOON, "-c", "hostcore.os=plan9", code=1)
    pair.same("ctl", "start", "actor", ECHO_REF, *SOON, "-c", "nonsense", code=1)
    pair.same("ctl", "start", "actor", "file://$home/absent.wasm", "--host-id", "$host", code=1)
    pair.same("ctl", "start", "actor", "localhost:9/none:1", "--host-id", "$host", code=1)
    pair.module("unsigned", guests.GOOD)
    pair.same("ctl", "start", "actor", "file://$home/unsigned.wasm", "--host-id", "$host", code=1)
    pair.same("ctl", "start", "actor", "$home/unsigned.wasm", "--host-id", "$host", differs="path for a reference")
    pair.same("ctl", "start", "actor", ECHO_REF, "--host-id", NOBODY["N"], differs="damaged key")


def test_providers_are_started(pair):
    pair.same("ctl", "start", "provider", HTTP_SERVER_REF, *SOON, code=0)
    pair.same("ctl", "start", "provider", HTTP_SERVER_REF, *SOON, code=1)
    pair.same("ctl", "start", "provider", HTTP_SERVER_REF, "--host-id", "$host", code=1)
    pair.file("config.json", '{"default_port": 8081}')
    pair.same("ctl", "start", "provider", HTTP_SERVER_REF, *SOON, "-l", "second", "--config-json", "$home/config.json", code=0)
    pair.same("ctl", "start", "provider", HTTP_SERVER_REF, *SOON, "-l", "third", "--skip-wait", code=0)
    pair.settled(lambda box: len(box.inventory()["providers"]) == 3)
    pair.file("broken.json", "{")
    pair.same("ctl", "start", "provider", HTTP_SERVER_REF, *SOON, "-l", "x", "--config-json", "$home/broken.json", code=1)
    pair.same("ctl", "start", "provider", HTTP_SERVER_REF, *SOON, "-l", "x", "--config-json", "$home/absent.json",
              differs="what file is missing")
    pair.same("ctl", "start", "provider", "localhost:9/none:1", "--host-id", "$host", code=1)
    shows_the_same(pair)


def test_a_provider_archive_is_made_and_started(pair):
    pair.file("store", f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(HERE.parent / "e2e")!r})
from provider import Provider
Provider().run()
""")
    seed = pair.new.box.wash_json("keys", "gen", "service")["seed"]
    pair.same("par", "create", "-c", "test:store", "-v", "Test", "-n", "Store", "-a", "x86_64-linux", "-b", "$home/store",
              "-i", account(pair), "-s", seed, "--destination", "store.par.gz", "--compress", code=0)
    key = pair.same("par", "inspect", "$home/store.par.gz")
    archive = "file://$home/store.par.gz"
    pair.same("ctl", "start", "provider", archive, *SOON, code=0)
    pair.name("store", lambda box: box.inventory()["providers"][0]["id"])
    shows_the_same(pair)
    start_echo(pair)
    pair.same("ctl", "link", "put", "$echo", "$store", "test:store", "URI=x://y?a=b", code=0)
    pair.same("ctl", "link", "query")
    pair.same("ctl", "stop", "provider", "$host", "$store", "default", "test:store", code=0)
    assert key and all(side.box.inventory()["providers"] == [] for side in pair.sides)


def test_links(pair):
    start_echo(pair)
    pair.same("ctl", "start", "provider", HTTP_SERVER_REF, "--host-id", "$host")
    ports = {side: free_port() for side in pair.sides}
    for side in pair.sides:
        side.names["port"] = str(ports[side])
    pair.same("ctl", "link", "put", "$echo", HTTP_SERVER, CONTRACT, "ADDRESS=127.0.0.1:$port", code=0)
    for side in pair.sides:
        assert http(ports[side]).body == ECHO_BODY
    pair.same("ctl", "link", "query")
    # Named, of a provider that does not run, with values that hold '='.
    pair.same("ctl", "link", "put", "$echo", HTTP_SERVER, CONTRACT, "-l", "other", "PORT=1", "KEY=a==", code=0)
    pair.same("ctl", "link", "query", any_order=True, differs="links that are not active")
    pair.same("ctl", "link", "put", "$echo", HTTP_SERVER, CONTRACT, "-l", "third", "nonsense", code=1)
    pair.same("ctl", "link", "put", "$echo", HTTP_SERVER, HTTP_SERVER, code=1)
    pair.same("ctl", "link", "put", HTTP_SERVER, HTTP_SERVER, CONTRACT, code=2)
    pair.same("ctl", "link", "put", "$echo", "VABC", CONTRACT, code=2)
    pair.same("ctl", "link", "del", "$echo", HTTP_SERVER, code=1)
    pair.same("ctl", "link", "del", "$echo", CONTRACT, "--link-name", "other", code=0)
    pair.same("ctl", "link", "query")
    pair.same("ctl", "link", "put", "$echo", HTTP_SERVER, CONTRACT, "ADDRESS=127.0.0.1:$port", "PROT=1",
              differs="link with a warning")
    pair.same("ctl", "link", "del", "$echo", CONTRACT, code=0)
    pair.same("ctl", "link", "del", "$echo", CONTRACT, differs="no such link")
    pair.same("ctl", "link", "query")


def test_scaling_stopping_and_updating(pair):
    start_echo(pair)
    pair.same("ctl", "scale", "actor", "$host", "$echo", ECHO_REF, "--count", "4", "-a", "team=web", code=0)
    pair.settled(lambda box: instances(box, 4))
    shows_the_same(pair)
    pair.same("ctl", "scale", "actor", "$host", "$echo", ECHO_REF, "-c", "2", "--annotations", "nonsense", code=1)
    pair.same("ctl", "stop", "actor", "$host", "$echo", code=0)
    pair.same("ctl", "stop", "actor", "$host", "$echo", "--count", "2", "--skip-wait", code=0)
    pair.settled(lambda box: instances(box, 1))
    pair.same("ctl", "stop", "actor", "$host", "$echo", code=0)
    pair.same("ctl", "stop", "actor", "$host", "$echo", "-t", "500", code=1)
    shows_the_same(pair)
    seed = module_seed(pair)
    sign(pair, "v1", guests.GOOD, seed, "-r", "1", "-v", "0.1.0")
    sign(pair, "v2", guests.counter(), seed, "-r", "2", "-v", "0.2.0")
    pair.same("ctl", "start", "actor", "file://$home/v1_s.wasm", "--host-id", "$host", code=0)
    pair.name("guest", lambda box: box.inventory()["actors"][0]["id"])
    pair.same("ctl", "update", "actor", "$host", "$guest", "file://$home/v2_s.wasm", code=0)
    shows_the_same(pair)
    pair.same("ctl", "update", "actor", "$host", "$guest", "file://$home/v1_s.wasm", code=1)
    pair.same("ctl", "start", "actor", "file://$home/v1_s.wasm", "--host-id", "$host", code=1)
    pair.same("ctl", "update", "actor", "$host", "$echo", ECHO_REF, code=1)


def test_stopping_providers(pair):
    stop = ("ctl", "stop", "provider", "$host", HTTP_SERVER, "default", CONTRACT)
    pair.same(*stop, "-t", "500", code=1)
    for options in ((), ("--skip-wait",)):
        pair.same("ctl", "start", "provider", HTTP_SERVER_REF, "--host-id", "$host")
        pair.same(*stop, *options, code=0)
        pair.settled(lambda box: not box.inventory()["providers"])
    pair.same("ctl", "stop", "provider", "$host", HTTP_SERVER, "default", HTTP_SERVER, code=1)


def test_manifests_are_applied(pair):
    start_echo(pair)
    pair.same("ctl", "stop", "actor", "$host", "$echo")
    echo = pair.new.names["echo"]
    for side in pair.sides:
        side.names["port"] = str(free_port())
        (side.box.folder / "app.yaml").write_text(f"""actors: ["{ECHO_REF}", "localhost:9/none:1"]
capabilities: [{{image_ref: "{HTTP_SERVER_REF}", link_name: "default"}}]
links:
  - {{actor: "${{ACTOR:{echo}}}", contract_id: "{CONTRACT}", provider_id: {HTTP_SERVER},
     values: {{ADDRESS: "127.0.0.1:{side.names['port']}"}}}}
""")
    pair.same("ctl", "apply", "$host", "$home/app.yaml", "--expand-env", code=0)
    for side in pair.sides:
        wait_for(lambda: answers(int(side.names["port"])), 5, "echo answers")
    shows_the_same(pair)
    pair.same("ctl", "apply", "$host", "$home/app.yaml", "-e", code=0)  # the provider runs already
    pair.file("app.json", json.dumps({"actors": [ECHO_REF]}))
    pair.same("ctl", "apply", "$host", "$home/app.json", code=0)
    pair.same("ctl", "apply", "$host", "$home/absent.yaml", differs="what file is missing")
    pair.file("broken.yaml", "actors: 7\n")
    pair.same("ctl", "apply", "$host", "$home/broken.yaml", differs="broken manifest")


def answers(port):
    try:
        return http(port).status == 200
    except OSError:
        return False


def test_a_host_that_is_not_there(pair):
    missing = pair.new.box.wash_json("keys", "gen", "server")["public_key"]
    echo = pair.new.box.wash_json("keys", "gen", "module")["public_key"]
    for words in (("get", "inventory", missing), ("start", "actor", ECHO_REF, "--host-id", missing),
                  ("start", "provider", HTTP_SERVER_REF, "--host-id", missing), ("stop", "actor", missing, echo),
                  ("stop", "provider", missing, HTTP_SERVER, "default", CONTRACT), ("stop", "host", missing),
                  ("scale", "actor", missing, echo, ECHO_REF), ("update", "actor", missing, echo, ECHO_REF)):
        pair.same("ctl", *words, code=1)
    pair.file("app.yaml", f"actors: ['{ECHO_REF}']\n")
    pair.same("ctl", "apply", missing, "$home/app.yaml", code=0)


def test_the_host_is_stopped(pair):
    start_echo(pair)
    pair.same("ctl", "stop", "host", "$host", "--host-timeout", "1000", code=0)
    for side in pair.sides:
        assert side.box.process.wait(20) == 0
    if pair.bus == "nats":
        pair.same("ctl", "get", "hosts", "-t", "500", code=0)
        for words in (("get", "claims"), ("link", "query"), ("link", "put", "$echo", HTTP_SERVER, CONTRACT),
                      ("link", "del", "$echo", CONTRACT)):
            pair.same("ctl", *words, code=1)
        pair.same("ctl", "start", "actor", ECHO_REF, *SOON, code=1)
        pair.same("ctl", "start", "provider", HTTP_SERVER_REF, *SOON, code=1)
    else:
        pair.same("ctl", "get", "hosts", differs="nothing listens", code=1)


def test_command_lines_that_are_wrong(pair):
    for words in (("ctl",), ("ctl", "get"), ("ctl", "get", "inventory"), ("ctl", "get", "inventory", "NABC"),
                  ("ctl", "get", "inventory", HTTP_SERVER), ("ctl", "link", "put", "$host"), ("ctl", "start", "actor"),
                  ("ctl", "stop", "provider", "$host", HTTP_SERVER), ("ctl", "scale", "actor", "$host"), ("nonsense",),
                  ("ctl", "get", "hosts", "--nonsense"), ("call", HTTP_SERVER, "x"), ("call",)):
        pair.same(*words, code=2)


# --- call ---

def test_calls(pair):
    start_echo(pair)
    call = ("call", "$echo", "HttpServer.HandleRequest")
    answer = pair.same(*call, REQUEST, code=0)[1]
    if pair.form == "json":
        assert bytes(answer.json["response"]["body"]) == ECHO_BODY
    for binary in "bs2":
        pair.same(*call, REQUEST, "--bin", binary, code=0)
    pair.same(*call, REQUEST, "--bin", "x", code=1)
    pair.file("request.json", REQUEST)
    pair.same(*call, "-d", "$home/request.json", code=0)
    pair.same(*call, REQUEST, "-d", "$home/request.json", code=1)
    pair.same(*call, "-d", "$home/absent.json", differs="what file is missing")
    pair.same(*call, REQUEST, "--save", "$home/saved", code=0, differs="saved answers")
    saved = [(side.box.folder / "saved").read_bytes() for side in pair.sides]
    assert saved[0] == saved[1] and ECHO_BODY in saved[0]
    pair.same(*call, differs="payload that is not JSON")
    pair.same(*call, "nonsense", differs="payload that is not JSON")


def test_calls_that_are_refused(pair):
    start_echo(pair)
    stranger = pair.new.box.wash_json("keys", "gen", "cluster")["seed"]
    pair.same("call", "$echo", "HttpServer.HandleRequest", REQUEST, "-c", stranger, differs="call that fails")
    pair.same("call", "$echo", "No.Such", "{}", differs="call that fails")
    pair.same("call", "$echo", "HttpServer.HandleRequest", "{}", differs="call that fails")
    nobody = pair.new.box.wash_json("keys", "gen", "module")["public_key"]
    pair.same("call", nobody, "HttpServer.HandleRequest", REQUEST, differs="call of an actor that does not run")
    sign(pair, "no", guests.SAYS_NO, module_seed(pair))
    pair.same("ctl", "start", "actor", "file://$home/no_s.wasm", "--host-id", "$host")
    pair.name("no", lambda box: box.actor_key(f"file://{box.folder}/no_s.wasm"))
    pair.same("call", "$no", "Test.Go", "null", differs="call that fails")


def test_large_calls(pair):
    start_echo(pair)
    over_nats = "large call over NATS" if pair.bus == "nats" else "large call"
    for size, differs in ((500_000, None), (3_000_000, over_nats)):
        request = {**json.loads(REQUEST), "path": "/" + "x" * size}
        pair.file("request.json", json.dumps(request))
        new = pair.same("call", "$echo", "HttpServer.HandleRequest", "-d", "$home/request.json", "-t", "10000", differs=differs)[1]
        if new.code == 0 and pair.form == "json":
            assert json.loads(bytes(new.json["response"]["body"]))["path"] == request["path"]


# --- contexts ---

def test_both_follow_the_host_that_runs_here(pair):
    """Without options or variables: by ~/.wash/host_config.json, which the host writes."""
    if pair.bus == "nats":
        pytest.skip("the same with either bus")
    start_echo(pair)
    for side in pair.sides:
        for name in [n for n in side.box.env if n.startswith("WASMCLOUD_") or n == "NATS_PORT"]:
            del side.box.env[name]
    pair.same("ctl", "get", "hosts", "-t", "500", varies=UPTIME, code=0)
    pair.same("call", "$echo", "HttpServer.HandleRequest", REQUEST, code=0)
    pair.same("ctx", "list", code=0)
    pair.same("ctl", "get", "inventory", "$host", "--context", "$home/.wash/contexts/host_config.json", any_order=True, code=0)
    pair.same("ctx", "new", "elsewhere", code=0)
    pair.same("ctx", "default", "elsewhere", code=0)
    pair.same("ctl", "get", "claims", "-p", "$bus", code=0)
