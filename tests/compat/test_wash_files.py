"""Commands of 2022's wash that need no host, and ours beside it: claims, par, keys, ctx, drain; and what one made read by
the other. Run by `make compat`.
"""
import base64
import json
import os
import subprocess
import time

import guests
import pytest
from sandbox import ECHO_REF
from registries import ECHO_FILE
from washes import NEW_KEYS, Homes

FLAGS = ["-k", "-g", "-q", "--http_client", "-f", "-l", "-e"]


@pytest.fixture(params=["text", "json"])
def pair(request, made):
    pair = made(Homes, request.param).pair
    pair.keys = {kind: pair.new.box.wash_json("keys", "gen", kind) for kind in ("operator", "account", "module", "service")}
    return pair


def seeds(pair, issuer="account", subject="module"):
    return "-i", pair.keys[issuer]["seed"], "-s", pair.keys[subject]["seed"]


# --- claims ---

def test_signing(pair):
    pair.module("echo", guests.GOOD)
    both = ["claims", "sign", "$home/echo.wasm", "-n", "Echo", *seeds(pair)]
    pair.same(*both, code=0)
    pair.same(*both, *FLAGS, "-c", "acme:x", "--cap", "acme:y", "-t", "a", "--tag", "b", "-r", "4", "-v", "0.3.4", "-a",
              "team/echo_1", "-d", "$home/new/folder/echo.wasm", code=0)
    pair.same("claims", "sign", "echo.wasm", "-n", "Echo", *seeds(pair), "-q", code=0)
    pair.same(*both, "-p", "-q", "-k", code=1)
    pair.same(*both, "-a", "", code=1)
    pair.same(*both, "-a", "M" + "A" * 55, code=1)
    pair.same(*both, "-a", "no*", code=1)
    pair.same(*both, "-a", "Two Words", differs="aliases are put in order")
    pair.same(*both, "-z", differs="extras")
    pair.same(*both, "-c", "acme:x", "-c", "acme:x", differs="contracts named twice")
    pair.same("claims", "sign", "$home/absent.wasm", "-n", "Echo", code=1)
    pair.same("claims", "sign", "$home/echo.wasm", code=2)
    pair.same("claims", "sign", "$home/echo.wasm", "-n", "Echo", "--disable-keygen", code=1)
    pair.file("garbage.wasm", b"garbage")
    pair.same("claims", "sign", "$home/garbage.wasm", "-n", "x", *seeds(pair), differs="not a module")


def test_keys_are_made_for_what_is_signed(pair):
    pair.module("echo", guests.GOOD)
    pair.same("claims", "sign", "echo.wasm", "-n", "Echo", "-q", differs="notice of a new key")
    pair.same("claims", "sign", "echo.wasm", "-n", "Echo", "-q", code=0)  # with the keys that are there now
    pair.same("keys", "list", any_order=True, code=0)  # ours in order, 2022's as the folder has them
    made = [sorted(p.name for p in (side.box.folder / ".wash" / "keys").iterdir()) for side in pair.sides]
    assert made[0] == made[1] == ["echo_module.nk", "tester_account.nk"]
    modes = [[p.stat().st_mode & 0o777 for p in (side.box.folder / ".wash" / "keys").iterdir()] for side in pair.sides]
    assert modes == [[0o600] * 2] * 2


def token(answer):
    return answer.json["token"] if answer.out.lstrip().startswith("{") else answer.out.strip()


def claims_of(jwt):
    head, body, _ = (base64.urlsafe_b64decode(part + "==") for part in jwt.split("."))
    return json.loads(head), json.loads(body)


ANY_TOKEN = [(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "(token)")]


@pytest.mark.parametrize("words", [
    ["actor", "-n", "Echo", *FLAGS, "-c", "acme:x", "-t", "a", "-r", "4", "-v", "0.3.4", "-a", "echo"],
    ["operator", "-n", "Acme"],
    ["account", "-n", "Acme"],
    ["provider", "-n", "Store", "-c", "wasmcloud:keyvalue", "-v", "Acme", "-r", "2", "-e", "0.2.0"],
], ids=lambda words: words[0])
def test_tokens(pair, words):
    issuer, subject = {"actor": ("account", "module"), "operator": ("operator", None), "account": ("operator", "account"),
                       "provider": ("account", "service")}[words[0]]
    keys = ["-i", pair.keys[issuer]["seed"], *(["-s", pair.keys[subject]["seed"]] if subject else [])]
    if words[0] in ("operator", "account"):
        keys += ["-a", pair.keys[words[0]]["seed"]]  # another signer, as 2022 takes it: by its seed
    pair.same("claims", "token", *words, *keys, varies=ANY_TOKEN, code=0)
    heads, bodies = zip(*(claims_of(token(side.run("claims", "token", *words, *keys))) for side in pair.sides))
    assert heads[0] == heads[1]
    for body in bodies:
        assert abs(body.pop("iat") - time.time()) < 60 and body.pop("jti")
    assert bodies[0] == bodies[1]


def test_days_of_tokens(pair):
    days, three, one = ["-x", "3", "-b", "1"], 3 * 86400, 86400

    def from_now(side, *words):
        body = claims_of(token(side.run("claims", "token", *words, *days)))[1]
        return body["exp"] - body["iat"], body["nbf"] - body["iat"]
    provider = ["provider", "-n", "Store", "-c", "acme:x", "-v", "Acme", *seeds(pair, subject="service")]
    assert [from_now(side, *provider) for side in pair.sides] == [(three, one)] * 2
    actor = ["actor", "-n", "Echo", *seeds(pair)]
    assert [from_now(side, *actor) for side in pair.sides] == [(one, three), (three, one)]  # 2022's swaps them


def both_read(pair, path, content):
    pair.file(path, content)
    return pair.same("claims", "inspect", f"$home/{path}", code=0)


def test_each_reads_what_the_other_signed(pair):
    pair.module("echo", guests.GOOD)
    for i, options in enumerate(([], FLAGS, ["-c", "acme:x", "-t", "a", "-t", "b", "-a", "echo", "-r", "4", "-v", "0.3.4"],
                                 ["-x", "3"], ["-b", "2"], ["-p", "-k"])):
        for side in pair.sides:
            name = f"{i}{side is pair.new}.wasm"
            side.run("claims", "sign", "$home/echo.wasm", "-n", "Echo", "-d", f"$home/{name}", *seeds(pair), *options)
            both_read(pair, name, (side.box.folder / name).read_bytes())
            pair.same("claims", "inspect", name, "--jwt-only", code=0)


def test_modules_signed_by_each_have_the_same_content(pair):
    pair.module("echo", guests.GOOD)
    bodies = []
    for side in pair.sides:
        side.run("claims", "sign", "$home/echo.wasm", "-n", "Echo", "-q", *seeds(pair))
        body = claims_of(token(side.run("claims", "inspect", "$home/echo_s.wasm", "--jwt-only")))[1]
        assert body.pop("jti") and body.pop("iat")
        bodies.append(body)
    assert bodies[0] == bodies[1] and bodies[0]["wascap"]["hash"]


def test_modules_that_are_wrong(pair):
    pair.module("echo", guests.GOOD)
    pair.same("claims", "inspect", "$home/echo.wasm", code=1)
    for side in pair.sides:
        side.run("claims", "sign", "$home/echo.wasm", "-n", "Echo", *seeds(pair))
    changed = (pair.old.box.folder / "echo_s.wasm").read_bytes().replace(b"wasmbus", b"wasmbuz")
    pair.file("changed.wasm", changed)
    pair.same("claims", "inspect", "$home/changed.wasm", code=1)
    pair.same("claims", "inspect", "./absent.wasm", differs="module that is not there")


@pytest.mark.parametrize("link_flags", [[], ["-Wl,--compress-relocations"]])
def test_each_hashes_what_a_linker_wrote(pair, link_flags):
    """Linkers pad numbers; 2022 hashes a module as its own library writes it."""
    for side in pair.sides:
        subprocess.run(["clang++-19", "--target=wasm32-wasi", "-mcpu=mvp", "-nostartfiles", "-fuse-ld=lld", "-Wl,--no-entry",
                        "-Wl,--strip-debug", *link_flags, *ECHO_FILE.parent.glob("kvcounter.*.o"), "-o",
                        side.box.folder / "linked.wasm"], check=True)
    pair.same("claims", "sign", "$home/linked.wasm", "-n", "Echo", *seeds(pair), code=0)
    for side in pair.sides:
        both_read(pair, "signed.wasm", (side.box.folder / "linked_s.wasm").read_bytes())


# Not preview: it uses parts of the C++ library that were compiled with later instructions than 2022's wash reads.
@pytest.mark.parametrize("actor", ["echo", "kvcounter", "chat", "ping", "pong"])
def test_the_shipped_actors(pair, actor):
    both_read(pair, "actor.wasm", (ECHO_FILE.parent / f"{actor}_s.wasm").read_bytes())


# --- par ---

def create(pair, *more, binary="$home/one"):
    return pair.same("par", "create", "-c", "test:store", "-v", "Test", "-n", "Store", "-a", "x86_64-linux", "-b", binary,
                     *seeds(pair, subject="service"), *more, code=0)


def test_archives(pair):
    pair.file("one", os.urandom(70_000))
    pair.file("two", b"two")
    create(pair)
    create(pair, "-r", "3", "--version", "0.1.0", "--destination", "$home/b.par")
    create(pair, "--compress")
    create(pair, "--compress", "--destination", "$home/c.par.gz")
    for name in ("one.par", "b.par", "one.par.gz", "c.par.gz"):
        assert all((side.box.folder / name).exists() for side in pair.sides), name
        pair.same("par", "inspect", f"$home/{name}", code=0)
        for side in pair.sides:
            pair.file("read-by-both", (side.box.folder / name).read_bytes())
            pair.same("par", "inspect", "$home/read-by-both", code=0)
        pair.same("par", "insert", f"$home/{name}", "-a", "aarch64-macos", "-b", "$home/two",
                  *seeds(pair, subject="service"), code=0)
        pair.same("par", "inspect", f"$home/{name}", any_order=True, code=0)


def test_archives_each_extended_by_the_other(pair):
    pair.file("one", os.urandom(70_000))
    pair.file("two", b"two")
    create(pair, "--destination", "$home/a.par.gz", "--compress")
    old, new = ((side.box.folder / "a.par.gz").read_bytes() for side in pair.sides)
    (pair.old.box.folder / "a.par.gz").write_bytes(new)
    (pair.new.box.folder / "a.par.gz").write_bytes(old)
    pair.same("par", "insert", "a.par.gz", "-a", "aarch64-linux", "-b", "two", *seeds(pair, subject="service"), code=0)
    _, shown = pair.same("par", "inspect", "a.par.gz", any_order=True, code=0)
    assert "aarch64-linux" in shown.out and "x86_64-linux" in shown.out


def test_archives_that_are_wrong(pair):
    pair.file("one", b"one")
    pair.same("par", "create", "-c", "test:store", code=2)
    pair.same("par", "create", "-c", "test:store", "-v", "Test", "-n", "Store", "-a", "x86_64-linux", "-b", "$home/one",
              "--disable-keygen", code=1)
    pair.same("par", "create", "-c", "test:store", "-v", "Test", "-n", "Store", "-a", "x86_64-linux", "-b", "$home/absent",
              *seeds(pair, subject="service"), differs="what file is missing")
    pair.file("garbage.par", os.urandom(3000))
    pair.same("par", "inspect", "$home/garbage.par", differs="not an archive")
    pair.same("par", "inspect", "./absent.par", differs="module that is not there")
    pair.same("par", "insert", "$home/absent.par", "-a", "x86_64-linux", "-b", "$home/one", differs="what file is missing")


def test_an_insert_without_a_subject(pair):
    """2022 makes a new provider of it, named by the program that is inserted; ours leaves it the provider it is."""
    pair.file("one", b"one")
    create(pair, "--destination", "$home/a.par")
    pair.file("two", b"two")
    insert = ["par", "insert", "$home/a.par", "-a", "aarch64-linux", "-b", "$home/two", "-i", pair.keys["account"]["seed"]]
    pair.same(*insert, differs="an insert needs no key")
    pair.same("par", "inspect", "$home/a.par", any_order=True, differs="an insert keeps the provider")


# --- keys ---

def test_keys(pair):
    for kind in ("account", "User", "MODULE", "service", "server", "operator", "cluster"):
        pair.same("keys", "gen", kind, varies=NEW_KEYS, code=0)
    pair.same("keys", "gen", "pirate", varies=NEW_KEYS, differs="unknown kind of key")
    pair.same("keys", "gen", code=2)
    pair.same("keys", "list", code=1)
    pair.same("keys", "get", "x.nk", code=1)
    for side in pair.sides:
        (side.box.folder / "own").mkdir()
    pair.same("keys", "list", "-d", "$home/own", code=0)
    pair.file("own/x.nk", pair.keys["module"]["seed"] + "\n")
    pair.file("own/other", "nothing")
    pair.same("keys", "list", "--directory", "$home/own", code=0)
    pair.same("keys", "get", "x.nk", "-d", "$home/own", code=0)
    for side in pair.sides:
        side.box.env["WASH_KEYS"] = str(side.box.folder / "own")
    pair.same("keys", "get", "x.nk", code=0)


# --- ctx ---

def test_contexts(pair):
    pair.same("ctx", "list", code=0)
    pair.same("ctx", "new", "one", code=0)
    pair.same("ctx", "list", code=0)
    written = [json.loads((side.box.folder / ".wash/contexts/one.json").read_text()) for side in pair.sides]
    assert written[0] == written[1]
    pair.same("ctx", "default", "one", code=0)
    pair.same("ctx", "list", code=0)
    pair.same("ctx", "new", "a/b", code=0)
    pair.same("ctx", "edit", "one", "-e", "true", code=0)
    pair.same("ctx", "edit", "one", "-e", "false", differs="editor that fails")
    pair.same("ctx", "default", "none", code=1)
    pair.same("ctx", "del", "none", code=1)
    pair.same("ctx", "del", "one", code=0)
    pair.same("ctx", "new", code=2)
    for side in pair.sides:
        (side.box.folder / "own").mkdir()
    pair.same("ctx", "new", "two", "--directory", "$home/own", code=0)
    pair.same("ctx", "list", "--directory", "$home/own", code=0)


def test_contexts_of_each_are_used_by_the_other(pair):
    for side in pair.sides:
        side.run("ctx", "new", "one")
        side.run("ctx", "default", "one")
    files = [{name: (side.box.folder / ".wash/contexts" / name).read_bytes() for name in ("one.json", "index.json")}
             for side in pair.sides]
    for side, theirs in zip(pair.sides, reversed(files)):
        for name, content in theirs.items():
            (side.box.folder / ".wash/contexts" / name).write_bytes(content)
    pair.same("ctx", "list", code=0)


# --- drain ---

def test_draining(pair):
    for side in pair.sides:
        side.box.env["TRELLIS_CACHE_DIR"] = str(side.box.folder / "code")  # not the one the tests share
    for words in ("lib", "oci", "all"):
        for side in pair.sides:
            for folder in ("wasmcloudcache", "wasmcloud_ocicache"):
                (side.box.folder / folder / "x").mkdir(parents=True, exist_ok=True)
        pair.same("drain", words, code=0)
        assert words == "all" or any(not list((side.box.folder / "wasmcloudcache").iterdir()) == (words == "lib")
                                     for side in pair.sides)
    for side in pair.sides:
        (side.box.folder / "code").mkdir()
    pair.same("drain", "all", differs="more caches to drain")
    pair.same("drain", code=2)


def test_every_difference_is_shown_by_a_test():
    from differences import DIFFERENCES
    here = os.path.dirname(__file__)
    tests = "".join(open(os.path.join(here, name)).read() for name in os.listdir(here) if name.startswith("test_"))
    assert not [name for name in DIFFERENCES if f'"{name}"' not in tests]
