"""2022's `wash reg` and ours at Debian's docker-registry; what one pushed pulled by the other. Run by `make compat`."""
import json

import pytest
from sandbox import ECHO_REF
from registries import ECHO_FILE, PASSWORD, USER, Registry, provider_archive
from washes import Homes

PLAIN = ("--insecure",)  # 2022 takes no registry on this machine for one that speaks plain HTTP


@pytest.fixture(params=["text", "json"])
def pair(request, made):
    pair = made(Homes, request.param).pair
    pair.registry = made(Registry, pair.new.box.folder / "registry")
    names(pair)
    pair.file("echo.wasm", ECHO_FILE.read_bytes())
    return pair


def names(pair):
    pair.old.names["repo"], pair.new.names["repo"] = f"{pair.registry.host}/old", f"{pair.registry.host}/new"


def manifest(pair, side, name, tag):
    """Without what says nothing: 2022's writes empty annotations, ours the media type, which registries of today ask for."""
    content = json.loads(pair.registry.get(f"{side}/{name}/manifests/{tag}")[0])
    assert content.pop("mediaType", "application/vnd.oci.image.manifest.v1+json") == "application/vnd.oci.image.manifest.v1+json"
    return {key: value for key, value in content.items() if value != {}}


def test_pushing_pulling_and_pinging(pair):
    pair.file("store.par.gz", provider_archive(pair.new.box))
    for name, file in (("echo:0.3.4", "echo.wasm"), ("store:1", "store.par.gz")):
        pair.same("reg", "push", f"$repo/{name}", f"$home/{file}", *PLAIN, code=0)
        pair.same("reg", "ping", f"$repo/{name}", *PLAIN, code=0)
        pair.same("reg", "pull", f"$repo/{name}", *PLAIN, code=0)
        pair.same("reg", "pull", f"$repo/{name}", "--destination", "$home/again", *PLAIN, code=0)
        for side in pair.sides:
            assert (side.box.folder / "again").read_bytes() == (side.box.folder / file).read_bytes()
        what, tag = name.split(":")
        assert manifest(pair, "old", what, tag) == manifest(pair, "new", what, tag)
    assert all((side.box.folder / "store.par.gz").exists() for side in pair.sides)


def test_each_pulls_what_the_other_pushed(pair):
    pair.same("reg", "push", "$repo/echo:1", "$home/echo.wasm", *PLAIN, code=0)
    pair.old.names["repo"], pair.new.names["repo"] = pair.new.names["repo"], pair.old.names["repo"]
    pair.same("reg", "pull", "$repo/echo:1", "--destination", "$home/pulled.wasm", *PLAIN, code=0)
    for side in pair.sides:
        assert (side.box.folder / "pulled.wasm").read_bytes() == ECHO_FILE.read_bytes()
    pair.same("claims", "inspect", "$repo/echo:1", *PLAIN, code=0)
    pair.same("claims", "inspect", "$repo/echo:1", "--no-cache", *PLAIN, code=0)


def test_options_of_a_push(pair):
    pair.file("config.json", '{"made":"by hand"}')
    pair.same("reg", "push", "$repo/echo:2", "$home/echo.wasm", "-c", "$home/config.json", "-a", "a=b", "-a", "c=d=e", *PLAIN,
              code=0)
    assert manifest(pair, "old", "echo", "2") == manifest(pair, "new", "echo", "2")
    pair.same("reg", "push", "$repo/echo:latest", "$home/echo.wasm", *PLAIN, code=1)
    pair.same("reg", "push", "$repo/echo:latest", "$home/echo.wasm", "--allow-latest", *PLAIN, code=0)
    pair.same("reg", "pull", "$repo/echo:latest", *PLAIN, code=1)
    pair.same("reg", "pull", "$repo/echo", *PLAIN, code=1)
    pair.same("reg", "pull", "$repo/echo", "--allow-latest", *PLAIN, code=0)


def test_digests(pair):
    pair.same("reg", "push", "$repo/echo:1", "$home/echo.wasm", *PLAIN, code=0)
    digests = [pair.registry.get(f"{side}/echo/manifests/1")[1] for side in ("old", "new")]
    for side, digest in zip(pair.sides, digests):
        side.names["digest"], side.names["hex"] = digest, digest.removeprefix("sha256:")
    pair.same("reg", "pull", "$repo/echo:1", "-d", "$digest", *PLAIN, code=0)
    pair.same("reg", "pull", "$repo/echo:1", "--digest", "$hex", *PLAIN, code=0)
    pair.same("reg", "pull", "$repo/echo:1", "--digest", "0" * 64, *PLAIN, code=1)


def test_what_is_not_there_or_no_artifact(pair):
    pair.file("garbage", b"garbage")
    pair.same("reg", "push", "$repo/x:1", "$home/garbage", *PLAIN, code=1)
    pair.same("reg", "push", "$repo/x:1", "$home/absent", *PLAIN, differs="what file is missing")
    pair.same("reg", "pull", "$repo/none:1", *PLAIN, differs="what a registry lacks")
    pair.same("reg", "ping", "$repo/none:1", *PLAIN, differs="what a registry lacks")
    pair.same("reg", "push", "$repo/x:1", code=2)


def test_a_password(pair, made):
    pair.registry = made(Registry, pair.new.box.folder / "closed", htpasswd=True)
    names(pair)
    login = ("-u", USER, "-p", PASSWORD)
    pair.same("reg", "push", "$repo/echo:1", "$home/echo.wasm", *PLAIN, *login, code=0)
    for side in pair.sides:
        side.box.env.update(WASH_REG_USER=USER, WASH_REG_PASSWORD=PASSWORD)
    pair.same("reg", "pull", "$repo/echo:1", *PLAIN, code=0)
    for side in pair.sides:
        side.box.env.update(WASH_REG_PASSWORD="wrong")
    pair.same("reg", "pull", "$repo/echo:1", *PLAIN, differs="wrong password")
