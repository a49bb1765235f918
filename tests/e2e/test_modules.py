"""Modules that must not start: each refusal says what is wrong."""
import base64
import json
import re
import shutil
import time

import guests
from sandbox import free_port, http, wait_for
from tokens import with_claims


def refused(host, path, *words):
    run = host.start_actor(f"file://{path}", check=False)
    assert run.returncode == 1, run.stdout
    for word in words:
        assert word in run.stderr, run.stderr
    assert host.inventory()["actors"] == []
    return run.stderr


def test_unsigned(host):
    path = host.folder / "plain.wasm"
    good = host.build_actor("good", guests.GOOD)
    shutil.copy(host.folder / "good.wasm", path)
    assert good.exists()
    said = refused(host, path, "No claims found in source module")
    # What is said to do helps.
    sign = re.search(r"wash (claims sign \S+ --name \S+ -q)", said).group(1)
    host.wash(*sign.split())
    host.start_actor(re.search(r"then start (file://\S+_s\.wasm)", said).group(1))
    inspected = host.wash("claims", "inspect", path, check=False).stderr
    assert f"No capabilities discovered in : {path}" in inspected and f"wash {sign}" in inspected


def test_not_wasm_and_empty_and_missing(host):
    path = host.folder / "text.wasm"
    path.write_text("hello")
    refused(host, path, "not a WebAssembly")
    path.write_bytes(b"")
    refused(host, path, "not a WebAssembly")
    refused(host, host.folder / "nowhere.wasm", "nowhere.wasm")


def test_tampered(host):
    path = host.build_actor("good", guests.GOOD)
    data = bytearray(path.read_bytes())
    at = data.find(b"statusCode")
    data[at] ^= 1
    path.write_bytes(data)
    refused(host, path, "Failed to extract claims from module")


def test_forged_signature(host):
    path = host.build_actor("good", guests.GOOD)
    data = path.read_bytes()
    head, _, rest = data.partition(b"eyJ0eXAiOiJqd3Qi")
    token = b"eyJ0eXAiOiJqd3Qi" + rest
    header, payload, signature = token.split(b".")
    claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    claims["wascap"]["caps"] = ["wasmcloud:httpservex"]  # same length, another capability
    forged = base64.urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).rstrip(b"=")
    assert len(forged) == len(payload)
    path.write_bytes(head + header + b"." + forged + b"." + signature)
    refused(host, path, "Invalid signature on module token")


def test_not_yet_valid(host):
    refused(host, host.build_actor("early", guests.GOOD, "-b", "1"), "Claims token cannot be used yet")


def ends(host, seconds_from_now):
    """A module whose claims end so, or ended so long ago; clocks may differ by 30 s."""
    seed = host.wash_json("keys", "gen", "account")["seed"]
    path = host.build_actor("old", guests.GOOD, "-i", seed)
    path.write_bytes(with_claims(path.read_bytes(), seed, exp=int(time.time()) + seconds_from_now))
    return path


def test_expired(host):
    refused(host, ends(host, -32), "Claims token expired")


def test_claims_that_end_while_it_runs(host):
    path = ends(host, -28)
    host.start_actor(f"file://{path}")
    call = ("call", host.actor_key(f"file://{path}"), "Test.Ping", "{}")

    def refusal():
        run = host.wash(*call, check=False)
        return run.stderr if run.returncode else ""
    said = wait_for(refusal, 10, "it is not called any more")
    assert "Claims token expired" in said and "sign it anew" in said


def test_unknown_imports_are_named(host):
    refused(host, host.build_actor("mystery", guests.UNKNOWN_IMPORT), "env", "mystery")


def test_missing_guest_call_is_named(host):
    refused(host, host.build_actor("mute", guests.NO_GUEST_CALL), "__guest_call")


def test_unknown_reference_says_where_it_looked(host):
    run = host.start_actor("wasmcloud.azurecr.io/ecko:0.3.4", check=False)
    assert run.returncode == 1
    assert "wasmcloud.azurecr.io/ecko:0.3.4" in run.stderr
    assert "wasmcloud.azurecr.io/echo:0.3.4" in run.stderr  # did you mean


def test_latest_is_refused(host):
    run = host.start_actor("wasmcloud.azurecr.io/echo:latest", check=False)
    assert "Fetching images tagged 'latest' is currently prohibited in this host" in run.stderr


def test_unknown_provider_says_which_there_are(host):
    run = host.start_provider("wasmcloud.azurecr.io/sqldb_postgres:0.3.1", check=False)
    assert run.returncode == 1
    assert "wasmcloud.azurecr.io/httpserver" in run.stderr


def test_an_actor_without_the_claim_is_not_called(host):
    host.start_provider()
    path = host.build_actor("unprivileged", guests.GOOD, contract="-l")
    host.start_actor(f"file://{path}")
    key = host.actor_key(f"file://{path}")
    port = free_port()
    host.put_link(key, f"ADDRESS=127.0.0.1:{port}")
    assert http(port).status == 500
    assert "missing the capability claim" in host.log()


def test_the_api_starts_an_actor_from_bytes(host):
    path = host.build_actor("good", guests.GOOD)
    answer = http(host.dashboard_port, "/api/v1/actors?count=2", data=path.read_bytes(),
                  headers={"content-type": "application/wasm"})
    assert answer.status == 200, answer.body
    key = json.loads(answer.body)["actor_id"]
    assert len(host.inventory()["actors"][0]["instances"]) == 2
    assert host.inventory()["actors"][0]["id"] == key
    answer = http(host.dashboard_port, "/api/v1/actors", data=b"junk", headers={"content-type": "application/wasm"})
    assert answer.status == 400 and b"not a WebAssembly" in answer.body
    # What a form on somebody's web page could send is refused.
    assert http(host.dashboard_port, "/api/v1/actors", data=path.read_bytes(),
                headers={"content-type": "text/plain"}).status == 415


def test_a_module_signed_twice_carries_one_token(host):
    path = host.build_actor("good", guests.GOOD)
    again = host.folder / "again.wasm"
    host.wash("claims", "sign", path, "-d", again, "-n", "good", "-q", "-r", "2")
    assert again.read_bytes().count(b"jwteyJ") == 1
    host.start_actor(f"file://{again}")
