"""Registries that lie, break off, hang, talk too much or send us elsewhere: each costs one clear error and nothing else."""
import json
import signal
import time

import pytest
from sandbox import free_port, http, wait_for
from registries import ECHO_FILE, MANIFEST, PASSWORD, USER, Server, digest, manifest_of

WASM = ECHO_FILE.read_bytes() if ECHO_FILE.exists() else b""
DIGEST = digest(WASM)


class Misbehaving:
    """A registry with echo:1 in it whose answers a test replaces: manifest(handler), blob(handler)."""

    def __init__(self, manifest=None, blob=None):
        self.manifest = manifest or (lambda h: h.say(200, manifest_of(WASM), Content_Type=MANIFEST))
        self.blob = blob or (lambda h: h.say(200, WASM))
        self.server = Server(self._answer)

    def _answer(self, handler):
        if handler.path == "/v2/":
            return handler.say(200, b"{}")
        (self.manifest if "/manifests/" in handler.path else self.blob)(handler)

    @property
    def reference(self):
        return f"{self.server.host}/echo:1"

    def asked_for(self, part):
        return [path for _, path, _ in self.server.asked if part in path]

    def stop(self):
        self.server.stop()


def refused(box, bad, *words):
    """Neither wash nor a host takes what it gives, and both say so; the host goes on as if nothing had happened."""
    run = box.wash("reg", "pull", bad.reference, "--destination", "pulled", check=False)
    assert run.returncode == 1
    for word in words:
        assert word in run.stderr, run.stderr
    assert not (box.folder / "pulled").exists()
    started = box.start_actor(bad.reference, check=False)
    assert started.returncode == 1
    for word in words:
        assert word in started.stderr, started.stderr
    assert box.inventory()["actors"] == []
    cache = box.folder / ".cache/trellis/artifacts"
    assert not [p for p in cache.rglob("*") if p.is_file() and p.stat().st_size > 0 and "blobs" in p.parts]


def test_the_fake_itself_is_good(host, made):
    good = made(Misbehaving)
    host.wash("reg", "pull", good.reference)
    host.start_actor(good.reference)


def test_other_bytes_than_promised(host, made):
    changed = bytearray(WASM)
    changed[100] ^= 1
    refused(host, made(Misbehaving, blob=lambda h: h.say(200, bytes(changed))), "sent other bytes than", DIGEST)


@pytest.mark.parametrize("body, words", [(WASM[:-1], "bytes of"), (WASM + b"x", "sent more than"), (b"", "sent 0 bytes")])
def test_other_sizes_than_promised(host, made, body, words):
    refused(host, made(Misbehaving, blob=lambda h: h.say(200, body)), words, DIGEST)


def test_a_manifest_with_another_digest_than_it_says(host, made):
    refused(host, made(Misbehaving, manifest=lambda h: h.say(200, manifest_of(WASM),
                                                             Docker_Content_Digest="sha256:" + "0" * 64)),
            "does not have the digest", "0" * 64)


def test_a_size_nobody_has_memory_for_is_refused_before_anything_is_fetched(host, made):
    huge = json.loads(manifest_of(WASM))
    huge["layers"][0]["size"] = 1 << 50
    bad = made(Misbehaving, manifest=lambda h: h.say(200, json.dumps(huge).encode()))
    refused(host, bad, "the most that is accepted")
    assert bad.asked_for("/blobs/") == []


def endless(handler):
    handler.say(200, Content_Length="1000000000000", Content_Type=MANIFEST)
    while True:
        handler.wfile.write(b" " * 65536)


def test_answers_without_an_end(host, made):
    refused(host, made(Misbehaving, manifest=endless), "as the manifest of")
    refused(host, made(Misbehaving, blob=endless), "sent more than")


def break_off(handler):
    handler.say(200, Content_Length=str(len(WASM)))
    handler.wfile.write(WASM[:100])


def test_a_blob_that_breaks_off_is_tried_again(host, made):
    bad = made(Misbehaving, blob=break_off)
    refused(host, bad, "failed", "tried 4 times")
    assert len(bad.asked_for("/blobs/")) == 8  # by wash and by the host
    times = []

    def at_last(handler):
        times.append(1)
        return break_off(handler) if len(times) < 3 else handler.say(200, WASM)
    bad.blob = at_last
    host.start_actor(bad.reference)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_registry_that_is_overloaded(host, made, status):
    bad = made(Misbehaving, manifest=lambda h: h.say(status, b'{"errors":[{"code":"BUSY","message":"come \x1b[31mback"}]}'))
    refused(host, bad, f"answers {status}", "tried 4 times")
    assert "\x1b" not in host.log()
    asked = []
    bad.manifest = lambda h: (asked.append(1), h.say(status, Retry_After="1") if len(asked) == 1 else
                              h.say(200, manifest_of(WASM)))
    began = time.monotonic()
    host.start_actor(bad.reference)
    assert time.monotonic() - began > 1  # as long as it wanted


@pytest.mark.parametrize("where", ["manifest", "blob"])
def test_a_web_page(host, made, where):
    page = lambda h: h.say(200, b"<html>Please log in</html>", Content_Type="text/html")
    refused(host, made(Misbehaving, **{where: page}), "a web page")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"layers":[]}', "\x00\xff", '{"layers":[{"digest":"sha256:../../etc/passwd","size":1}]}',
                                  "[" * 100_000, '{"schemaVersion":1,"fsLayers":[]}',
                                  '{"layers":[],"manifests":[]}', '{"manifests":[{"digest":"x"}]}'])
def test_manifests_that_are_none(host, made, text):
    refused(host, made(Misbehaving, manifest=lambda h: h.say(200, text.encode("latin-1"))), "cannot be used")


def test_layers_that_are_no_modules(host, made):
    refused(host, made(Misbehaving, manifest=lambda h: h.say(200, manifest_of(WASM, "text/\x1b[31mplain"))),
            "neither an actor nor a provider archive", "text/?[31mplain")


def test_credentials_do_not_follow_a_redirect(box, made):
    storage = made(Server, lambda h: h.say(200, WASM))
    locked = lambda good: lambda h: good(h) if h.headers.get("Authorization") else \
        h.say(401, WWW_Authenticate='Basic realm="x"')
    bad = made(Misbehaving, manifest=locked(lambda h: h.say(200, manifest_of(WASM))),
               blob=locked(lambda h: h.say(307, Location=f"http://{storage.host}/signed?key=1")))
    box.wash("reg", "pull", bad.reference, "-u", USER, "-p", PASSWORD)
    [(_, path, headers)] = storage.asked
    assert path == "/signed?key=1" and "Authorization" not in headers and "Cookie" not in headers
    # And who is sent there is not asked for a password there.
    thief = made(Server, lambda h: h.say(401, WWW_Authenticate='Basic realm="x"'))
    bad.blob = locked(lambda h: h.say(302, Location=f"http://{thief.host}/"))
    run = box.wash("reg", "pull", bad.reference, "-u", USER, "-p", PASSWORD, check=False)
    assert run.returncode == 1 and "401" in run.stderr
    assert all("Authorization" not in headers for _, _, headers in thief.asked)


def test_redirects_that_lead_nowhere(host, made):
    bad = made(Misbehaving, blob=lambda h: h.say(302, Location=h.path))
    refused(host, bad, "redirects more than 5 times")
    bad.blob = lambda h: h.say(302, Location="file:///etc/passwd")
    refused(host, bad, "not an http or https URL")
    bad.blob = lambda h: h.say(302)
    refused(host, bad, "not an http or https URL")


@pytest.mark.parametrize("challenge", ["", "Negotiate", 'Bearer realm="', "Bearer", 'Bearer realm="file:///etc/passwd"',
                                       "Basic " + "x=1," * 5000])
def test_challenges_that_make_no_sense(box, made, challenge):
    bad = made(Misbehaving, manifest=lambda h: h.say(401, WWW_Authenticate=challenge))
    run = box.wash("reg", "pull", bad.reference, check=False)
    assert run.returncode == 1 and len(run.stderr) < 1000 and "\nCaused by" not in run.stderr
    assert any(words in run.stderr for words in ("who asks", "not an http or https URL")), run.stderr


def silent(bad):
    """Answers when the test is over."""
    return lambda handler: bad.server.over.wait(60)


def test_a_slow_registry_holds_up_neither_other_starts_nor_the_end(host, made):
    bad = made(Misbehaving)
    bad.manifest = silent(bad)
    host.start_actor(bad.reference, check=False)  # wash gives up after 5 s, the host does not
    assert bad.asked_for("/manifests/")
    began = time.monotonic()
    port = free_port()
    host.echo_on(port)
    assert time.monotonic() - began < 15 and http(port).status == 200
    began = time.monotonic()
    assert host.stop_host(signal.SIGTERM) == 0
    assert time.monotonic() - began < 10


def test_nobody_at_the_address(host):
    port = free_port()
    run = host.start_actor(f"localhost:{port}/echo:1", check=False)
    assert run.returncode == 1
    assert "Failed to fetch OCI bytes" in run.stderr and f"localhost:{port}" in run.stderr and "Looked in" not in run.stderr


def test_a_mirror_that_lies_is_passed_over(box, made):
    lying = made(Misbehaving, blob=lambda h: h.say(200, b"x" * len(WASM)))
    good = made(Misbehaving)
    path = box.folder / "registries.toml"
    path.write_text(f'[registry."{good.server.host}"]\nmirrors = ["{lying.server.host}/copies"]\n')
    host = box.start_host(TRELLIS_REGISTRIES=str(path))
    host.start_actor(good.reference)
    assert lying.asked_for("/v2/copies/echo/manifests/1")
    wait_for(lambda: "could not help" in host.log(), what="the log says that the mirror lied")


def test_a_cache_that_cannot_be_written(box, made):
    """The folder is a file; a full disk is tried in src/registry/source_test.cc."""
    good = made(Misbehaving)
    (box.folder / "taken").write_text("")
    host = box.start_host(TRELLIS_ARTIFACT_CACHE_DIR=str(box.folder / "taken"))
    host.start_actor(good.reference)
    assert "is not kept in the artifact cache" in host.log()
