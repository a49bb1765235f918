"""Who a host is to NATS: credentials of its connections for calls, for control and for providers, right and wrong."""
import json
import socket
import threading

import pytest
from sandbox import http
from archives import pack, provider
from nats_users import WAYS, Users, guarded_lattice
from servers import KEY_VALUE, STORE, behind_http, link

KVCOUNTER_REF = "wasmcloud.azurecr.io/kvcounter:0.4.0"
CALLS, CONTROL, PROVIDERS = "WASMCLOUD_RPC_", "WASMCLOUD_CTL_", "WASMCLOUD_PROV_RPC_"
ALL = {CALLS: "caller", CONTROL: "commander", PROVIDERS: "provider"}


@pytest.fixture(params=WAYS)
def users(request, box):
    return Users(box, request.param, *ALL.values())


def environment(users, **but):
    """Each connection its own user's credentials; `but` names other users."""
    made = {}
    for prefix, name in ALL.items():
        made.update(users.credentials(but.get(name, name), prefix))
    # wash has names of its own for these two.
    made.update({f"WASH_{each}_CREDS": made[f"WASMCLOUD_{each}_CREDSFILE"]
                 for each in ("RPC", "CTL") if f"WASMCLOUD_{each}_CREDSFILE" in made})
    return made


def refused(made, **env):
    """What a host says that does not start."""
    box = made.sandbox(**env)
    box.start_host(wait=False)
    assert box.process.wait(10) != 0
    box.process = None
    return box.read_log()


def tells_no_secret(users, text):
    return not any(key["seed"] in text for key in users.keys.values())


# --- right ones ---

def test_each_connection_has_its_own(users):
    with guarded_lattice(users) as made:
        box = made.start(**environment(users))
        box.start_provider(pack(box, "keyvalue"))
        assert made.connected() == {f"trellis {box.id}": "caller", f"trellis {box.id} control": "commander",
                                    "trellis-provider keyvalue default": "provider"}
        key, port = behind_http(box, KVCOUNTER_REF)
        assert "Warning" not in link(box, key, STORE, KEY_VALUE)
        assert json.loads(http(port, "/api/counter").body) == {"counter": 1}
        request = {"method": "GET", "path": "/api/counter", "body": "", "queryString": "", "header": {}}
        called = box.wash_json("call", key, "HttpServer.HandleRequest", json.dumps(request))
        assert bytes(called["response"]["body"]) == b'{"counter":2}'
        assert tells_no_secret(users, box.read_log())


def test_those_for_calls_are_for_all_connections_that_have_none(users):
    with guarded_lattice(users) as made:
        box = made.start(**users.credentials("caller", CALLS))
        box.start_provider(pack(box, "keyvalue"))
        assert made.connected() == {f"trellis {box.id}": "caller", "trellis-provider keyvalue default": "caller"}


# A user, and two nonces with what it signs them with; the first signature begins with a zero byte.
SEED = "SUALHE3SWLEG37PMYIECTEQLOA2PUP4NOMCN6G45DF3YBHBAYTQIF3DGSA"
SIGNATURES = {
    "nonce-000000385": "AAT5kH8-ei2BRwD4JQbRTuIwz0ucjfcoKm_ZbtvUyhXNnmbx04hYsvMCpzzouemGmtIsUX8r1OwBuM0xE8V8Dg",
    "nonce-000000000": "uu-ZNnB6EgqNvsQggvRhrNercihfMfWT_PyF460S5tReC_ZKIGQRo0b6YAG4ZZ_u8D-836hcCjTXj2h67jnIAQ"}


class AsksForSignature:
    """As a NATS server does: a nonce with each connection, the first of SIGNATURES until somebody has signed one."""

    def __init__(self):
        self.socket, self.nonces, self.let_in = socket.create_server(("127.0.0.1", 0)), list(SIGNATURES), False
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        try:
            while not self.let_in:
                with self.socket.accept()[0] as client, client.makefile("rb") as lines:
                    client.sendall(b"INFO " + json.dumps({
                        "server_id": "N", "version": "2.9.10", "proto": 1, "headers": True, "auth_required": True,
                        "max_payload": 1048576, "nonce": self.nonces[0]}).encode() + b" \r\n")
                    said = lines.readline()
                    if not said.startswith(b"CONNECT "):
                        continue  # somebody who looked whether this is a NATS server
                    nonce = self.nonces[0] if len(self.nonces) == 1 else self.nonces.pop(0)
                    self.let_in = json.loads(said[8:]).get("sig") == SIGNATURES[nonce]
                    client.sendall(b"PONG\r\n" if self.let_in else b"-ERR 'Authorization Violation'\r\n")
        except OSError:
            pass  # the test is over

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


def test_wash_is_let_in_whatever_its_signature_begins_with(box, made):
    server = made(AsksForSignature)
    run = box.wash("ctl", "get", "hosts", "--ctl-port", server.port, "--ctl-seed", SEED, check=False)
    assert server.let_in, run.stderr


# --- wrong ones ---

@pytest.mark.parametrize("whose", ["caller", "commander"])
def test_the_host_does_not_start_with_those_of_a_stranger(users, whose):
    with guarded_lattice(users) as made:
        said = refused(made, **environment(users, **{whose: "stranger"}))
        assert f"the NATS server at 127.0.0.1:{made.port} does not take these credentials" in said
        assert tells_no_secret(users, said)


def test_a_provider_with_those_of_a_stranger_says_so_and_the_host_goes_on(users):
    with guarded_lattice(users) as made:
        box = made.start(**environment(users, provider="stranger"))
        started = box.start_provider(pack(box, "keyvalue"), check=False)
        assert started.returncode == 1
        for said in (started.stderr, provider(box, STORE)["reason"]):
            assert f"cannot join the lattice at 127.0.0.1:{made.port}" in said and "credentials" in said
        assert provider(box, STORE)["status"] in ("down", "starting")
        assert "provider" not in made.connected().values()
        assert tells_no_secret(users, started.stderr + box.read_log())
        box.start_provider()  # within the host: it needs none


def test_wash_with_those_of_a_stranger_is_refused(users):
    with guarded_lattice(users) as made:
        box = made.start(**environment(users))
        key = box.wash_json("keys", "gen", "module")["public_key"]
        box.env.update(environment(users, caller="stranger", commander="stranger"))
        for command in (("ctl", "get", "hosts"), ("call", key, "Any.Operation", "{}")):
            run = box.wash(*command, check=False)
            assert run.returncode == 1 and "Authorization Violation" in run.stderr
            assert f"127.0.0.1:{made.port}" in run.stderr and tells_no_secret(users, run.stderr)


@pytest.mark.parametrize("prefix", ALL)
def test_what_cannot_be_read_is_named(box, prefix):
    nowhere, empty, other = box.folder / "nowhere", box.folder / "empty", box.folder / "other"
    empty.touch()
    other.write_text("-----BEGIN NATS USER JWT-----\nx.y.z\n------END NATS USER JWT------\n")
    for variable, value, said in (
            ("SEED", nowhere, "cannot be read"), ("SEED", empty, "is empty"), ("JWT", nowhere, "cannot be read"),
            ("CREDSFILE", nowhere, "cannot be read"), ("CREDSFILE", other, "USER NKEY SEED"),
            ("JWT", "x.y.z", f"{prefix}SEED is not")):
        before = len(box.read_log())
        box.start_host(wait=False, TRELLIS_BUS="nats", **{prefix + variable: str(value)})
        assert box.process.wait(10) == 2
        log = box.read_log()[before:]
        assert prefix + variable in log and said in log, log


@pytest.mark.parametrize("prefix", ALL)
def test_a_seed_that_is_none_or_not_a_users_is_named(box, prefix):
    users = Users(box, "seed", *ALL.values())
    with guarded_lattice(users) as made:
        for wrong in ("nonsense", users.keys["account"]["seed"]):
            said = refused(made, **{**environment(users), f"{prefix}SEED": wrong})
            assert f"{prefix}SEED" in said, said
            assert wrong not in said
