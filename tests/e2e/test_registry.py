"""Artifacts to and from real registries: Debian's docker-registry in the clear, with TLS, with passwords, with tokens."""
import base64
import json
import stat

import guests
import pytest
from sandbox import ECHO_BODY, ECHO_REF, HTTP_SERVER_REF, free_port, http
from nats_client import NatsClient
from registries import (ECHO_FILE, INDEX, MANIFEST, PASSWORD, USER, Authority, Registry, TokenServer, digest,
                        manifest_of, provider_archive)


@pytest.fixture
def registry(box, made):
    return made(Registry, box.folder / "registry")


def push(box, registry, name="echo:0.3.4", file=ECHO_FILE, *options, **kwargs):
    return box.wash("reg", "push", f"{registry.host}/{name}", file, *options, **kwargs)


def settings(box, text):
    """The file of TRELLIS_REGISTRIES."""
    path = box.folder / "registries.toml"
    path.write_text(text)
    box.env["TRELLIS_REGISTRIES"] = str(path)


def docker_config(box, config):
    folder = box.folder / ".docker"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))


def auth_of(registry):
    return {"auths": {registry.host: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}


# --- wash reg ---

def test_push_ping_and_pull(box, registry):
    reference = f"{registry.host}/team/echo:0.3.4"
    pushed = box.wash("reg", "push", reference, ECHO_FILE)
    assert pushed.stdout == f"\n\U0001F6BF Successfully validated and pushed to {reference}\n"
    assert box.wash("reg", "ping", reference).stdout == "\nPong!\n"
    assert box.wash("reg", "ping", registry.host).stdout == "\nPong!\n"
    pulled = box.wash("reg", "pull", reference)
    assert pulled.stdout == "\n\n\U0001F6BF Successfully pulled and validated echo.wasm\n"
    assert (box.folder / "echo.wasm").read_bytes() == ECHO_FILE.read_bytes()

    # What lies there is what tools of 2022 look for.
    body, its_digest = registry.get("team/echo/manifests/0.3.4")
    manifest = json.loads(body)
    assert manifest["schemaVersion"] == 2
    assert manifest["config"] == {"mediaType": "application/vnd.wasmcloud.actor.archive.config", "size": 2,
                                  "digest": digest(b"{}")}
    [layer] = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.module.wasm.content.layer.v1+wasm"
    assert registry.get(f"team/echo/blobs/{layer['digest']}")[0] == ECHO_FILE.read_bytes()

    again = box.wash_json("reg", "push", reference, ECHO_FILE)
    assert again == {"url": reference, "digest": its_digest, "success": True}
    assert box.wash_json("reg", "pull", reference, "--destination", box.folder / "y.bin") == \
        {"file": str(box.folder / "y.bin"), "digest": its_digest, "success": True}
    assert box.wash_json("reg", "ping", reference) == {"result": "Pong!", "success": True}


def test_push_takes_a_config_and_annotations(box, registry):
    (box.folder / "config.json").write_text('{"made":"by hand"}')
    push(box, registry, "echo:1", ECHO_FILE, "-c", "config.json", "-a", "org.opencontainers.image.title=Echo=1", "-a", "b=c")
    manifest = json.loads(registry.get("echo/manifests/1")[0])
    assert manifest["annotations"] == {"org.opencontainers.image.title": "Echo=1", "b": "c"}
    assert registry.get(f"echo/blobs/{manifest['config']['digest']}")[0] == b'{"made":"by hand"}'


@pytest.mark.parametrize("gzip", [True, False])
def test_provider_archives_are_known_by_what_is_in_them(box, registry, gzip):
    archive = box.folder / "no-ending"
    archive.write_bytes(provider_archive(box, gzip))
    push(box, registry, "provider:1.0", archive)
    manifest = json.loads(registry.get("provider/manifests/1.0")[0])
    assert manifest["layers"][0]["mediaType"] == "application/vnd.wasmcloud.provider.archive.layer.v1+par"
    assert manifest["config"]["mediaType"] == "application/vnd.wasmcloud.provider.archive.config"
    pulled = box.wash_json("reg", "pull", f"{registry.host}/provider:1.0")
    assert pulled["file"] == "provider.par.gz"
    assert (box.folder / "provider.par.gz").read_bytes() == archive.read_bytes()


def test_other_files_are_not_pushed_and_not_pulled(box, registry):
    (box.folder / "readme.wasm").write_text("hello")
    run = push(box, registry, "echo:1", "readme.wasm", check=False)
    assert run.returncode == 1 and "Unsupported artifact type" in run.stderr
    box.build_actor("good", guests.GOOD)
    run = push(box, registry, "echo:1", "good.wasm", check=False)
    assert "Unsupported artifact type" in run.stderr and "wash claims sign" in run.stderr
    run = push(box, registry, "echo:1", "nowhere.wasm", check=False)
    assert "nowhere.wasm" in run.stderr
    registry.put_blob("html", b"<html>")
    registry.put_blob("html", b"{}")
    registry.put("html/manifests/1", manifest_of(b"<html>"), MANIFEST)
    run = box.wash("reg", "pull", f"{registry.host}/html:1", check=False)
    assert run.returncode == 1 and "Unsupported artifact type" in run.stderr
    assert not (box.folder / "html.wasm").exists()


def test_latest_needs_a_flag(box, registry):
    for name in ("echo:latest", "echo"):
        run = push(box, registry, name, check=False)
        assert run.stderr == "\nPushing artifacts with tag 'latest' is prohibited. " \
                             "This can be overriden with the flag --allow-latest\n"
        push(box, registry, name, ECHO_FILE, "--allow-latest")
        run = box.wash("reg", "pull", f"{registry.host}/{name}", check=False)
        assert "Pulling artifacts with tag 'latest' is prohibited" in run.stderr
        box.wash("reg", "pull", f"{registry.host}/{name}", "--allow-latest")


def test_digests_are_compared(box, registry):
    its_digest = json.loads(push(box, registry, "echo:1", ECHO_FILE, "-o", "json").stdout)["digest"]
    reference = f"{registry.host}/echo:1"
    box.wash("reg", "pull", reference, "-d", its_digest)
    box.wash("reg", "pull", reference, "-d", its_digest.removeprefix("sha256:"))
    box.wash("reg", "pull", f"{registry.host}/echo@{its_digest}")
    run = box.wash("reg", "pull", reference, "-d", "0" * 64, check=False)
    assert run.returncode == 1 and run.stderr.startswith("\nImage digest did not match provided digest, aborting")
    assert its_digest in run.stderr
    run = box.wash("reg", "pull", f"{registry.host}/echo@sha256:{'0' * 64}", check=False)
    assert "has no" in run.stderr


def test_references_without_a_registry_and_unknown_ones(box, registry):
    for command in ("pull", "ping"):
        run = box.wash("reg", command, "team/echo:1", check=False)
        assert run.returncode == 1 and "names no registry" in run.stderr
    run = box.wash("reg", "pull", f"{registry.host}/nothing:1", "-o", "json", check=False)
    assert f"{registry.host} has no" in json.loads(run.stderr)["error"]
    port = free_port()
    run = box.wash("reg", "ping", f"localhost:{port}/echo:1", check=False)
    assert run.returncode == 1 and f"localhost:{port}" in run.stderr and "cannot be reached" in run.stderr


def test_claims_of_what_lies_in_a_registry(box, registry):
    push(box, registry)
    reference = f"{registry.host}/echo:0.3.4"
    assert box.wash_json("claims", "inspect", reference)["version"] == "0.3.4"
    registry.stop()
    assert box.wash_json("claims", "inspect", reference)["version"] == "0.3.4"  # from the cache
    run = box.wash("claims", "inspect", reference, "--no-cache", check=False)
    assert run.returncode == 1 and "cannot be reached" in run.stderr
    drained = box.wash_json("drain", "oci")["drained"]
    assert str(box.folder / ".cache" / "trellis" / "artifacts") in drained
    assert box.wash("claims", "inspect", reference, check=False).returncode == 1


# --- hosts ---

def test_a_host_starts_what_was_pushed_and_shows_its_digest(host, registry):
    its_digest = json.loads(push(host, registry, "hello:1", ECHO_FILE, "-o", "json").stdout)["digest"]
    reference = f"{registry.host}/hello:1"
    host.start_actor(reference)
    [actor] = host.inventory()["actors"]
    assert (actor["image_ref"], actor["digest"]) == (reference, its_digest)
    seen = host.wash_json("ctl", "get", "inventory", host.host_id())["inventory"]["actors"][0]
    assert seen["digest"] == its_digest
    assert its_digest in host.log()
    host.wash("ctl", "stop", "actor", host.host_id(), actor["id"])
    host.start_actor(f"{registry.host}/hello@{its_digest}")
    assert host.inventory()["actors"][0]["digest"] == its_digest


def test_the_articles_lines_work_from_a_mirror(box, registry):
    """The same references, from a registry that has copies: its echo is another build than the installed one."""
    other = box.build_actor("echo", guests.GOOD)
    pushed = json.loads(push(box, registry, "echo:0.3.4", other, "-o", "json").stdout)["digest"]
    settings(box, f'[registry."wasmcloud.azurecr.io"]\nmirrors = ["{registry.host}"]\n')
    host = box.start_host(TRELLIS_ARTIFACTS_FIRST="registry")
    host.start_provider(HTTP_SERVER_REF)
    host.start_actor(ECHO_REF)
    [actor] = host.inventory()["actors"]
    assert (actor["image_ref"], actor["digest"]) == (ECHO_REF, pushed)
    port = free_port()
    host.put_link(actor["id"], f"ADDRESS=127.0.0.1:{port}")
    assert http(port).status == 200
    host.stop_host()
    # By default what is installed comes first.
    host.start_host()
    host.start_actor(ECHO_REF)
    assert host.inventory()["actors"][0]["digest"] not in ("", pushed)


def test_the_installed_layout_helps_when_the_registry_comes_first_and_is_down(box):
    settings(box, f'[registry."wasmcloud.azurecr.io"]\nmirrors = ["localhost:{free_port()}"]\nca_file = "/nowhere.pem"\n')
    host = box.start_host(TRELLIS_ARTIFACTS_FIRST="registry")
    port = free_port()
    host.echo_on(port)
    assert http(port).body == ECHO_BODY
    assert "taken from a layout instead" in host.log()


def test_todays_media_types_and_indexes(host, registry):
    wasm = ECHO_FILE.read_bytes()
    registry.put_blob("echo", wasm)
    registry.put_blob("echo", b"{}")
    inner = manifest_of(wasm, "application/wasm")
    inner_digest = registry.put("echo/manifests/single", inner, MANIFEST)
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": inner_digest, "size": len(inner),
         "platform": {"os": "wasip1", "architecture": "wasm"}}]}).encode()
    index_digest = registry.put("echo/manifests/multi", index, INDEX)
    host.start_actor(f"{registry.host}/echo:single")
    [actor] = host.inventory()["actors"]
    assert actor["digest"] == inner_digest
    host.wash("ctl", "stop", "actor", host.host_id(), actor["id"])
    host.start_actor(f"{registry.host}/echo:multi")
    assert host.inventory()["actors"][0]["digest"] == index_digest
    host.stop_host()
    registry.stop()
    host.start_host()
    host.start_actor(f"{registry.host}/echo@{index_digest}")  # index and manifest are both kept


def test_a_tag_that_moved_is_noticed(host, registry):
    old = host.build_actor("hello", guests.GOOD, "-r", "1", "-v", "0.1.0")
    old_digest = json.loads(push(host, registry, "hello:1", old, "-o", "json").stdout)["digest"]
    reference = f"{registry.host}/hello:1"
    host.start_actor(reference)
    key = host.actor_key(reference)
    new = host.build_actor("hello", guests.GOOD, "-r", "2", "-v", "0.2.0")
    new_digest = json.loads(push(host, registry, "hello:1", new, "-o", "json").stdout)["digest"]
    assert new_digest != old_digest

    run = host.start_actor(reference, check=False)
    assert run.returncode == 1
    assert old_digest in run.stderr and new_digest in run.stderr and "live update" in run.stderr
    assert f"{reference} has moved" in host.log()
    assert host.inventory()["actors"][0]["digest"] == old_digest  # what runs is what is shown
    host.wash("ctl", "update", "actor", host.host_id(), key, reference)
    assert host.inventory()["actors"][0]["digest"] == new_digest


def test_a_registry_that_is_down_does_not_stop_a_restart(host, registry):
    its_digest = json.loads(push(host, registry, "hello:1", ECHO_FILE, "-o", "json").stdout)["digest"]
    push(host, registry, "hello:latest", ECHO_FILE, "--allow-latest")
    host.start_actor(f"{registry.host}/hello:1")
    host.stop_host()
    registry.stop()
    host.start_host(WASMCLOUD_OCI_ALLOW_LATEST="true")
    host.start_actor(f"{registry.host}/hello:1")
    assert "as it was last pulled" in host.log()
    key = host.actor_key(f"{registry.host}/hello:1")
    host.wash("ctl", "stop", "actor", host.host_id(), key)
    before = host.log()
    host.start_actor(f"{registry.host}/hello@{its_digest}")  # a pin asks nobody
    assert "cannot be reached" not in host.log()[len(before):]
    for unknown in ("hello:2", "hello:latest"):
        run = host.start_actor(f"{registry.host}/{unknown}", check=False)
        assert run.returncode == 1
        assert "Failed to fetch OCI bytes" in run.stderr and "cannot be reached" in run.stderr
    registry.start()
    host.wash("ctl", "stop", "actor", host.host_id(), key)
    host.start_actor(f"{registry.host}/hello:latest")


def test_a_damaged_cache_is_repaired(host, registry):
    push(host, registry, "hello:1")
    reference = f"{registry.host}/hello:1"
    host.start_actor(reference)
    host.wash("ctl", "stop", "actor", host.host_id(), host.actor_key(reference))
    blobs = list((host.folder / ".cache/trellis/artifacts/blobs/sha256").iterdir())
    assert len(blobs) == 2
    for blob in blobs:
        data = bytearray(blob.read_bytes())
        data[len(data) // 2] ^= 1
        blob.write_bytes(data)
    host.start_actor(reference)
    assert "damaged in the artifact cache" in host.log()
    for blob in blobs:
        assert digest(blob.read_bytes()).endswith(blob.name)


# --- TLS ---

def test_tls_with_an_authority_of_ones_own(box, made):
    authority = Authority(box.folder / "ca")
    registry = made(Registry, box.folder / "registry", tls=authority)
    reference = f"{registry.host}/echo:0.3.4"
    run = box.wash("reg", "push", reference, ECHO_FILE, check=False)
    assert run.returncode == 1 and "certificate" in run.stderr and "ca_file" in run.stderr
    settings(box, f'[registry."{registry.host}"]\nca_file = "ca/ca.pem"\n')
    box.wash("reg", "push", reference, ECHO_FILE)
    box.wash("reg", "ping", registry.host)
    host = box.start_host()
    host.start_actor(reference)
    # The same server under a name its certificate does not have.
    settings(box, f'[registry."127.0.0.2:{registry.port}"]\nca_file = "ca/ca.pem"\n')
    assert box.wash("reg", "ping", f"127.0.0.2:{registry.port}/echo:0.3.4", check=False).returncode == 1


def test_tls_where_there_is_none_and_none_where_there_is_tls(box, registry, made):
    push(box, registry, "echo:1", ECHO_FILE)
    settings(box, f'[registry."{registry.host}"]\nca_file = "/etc/ssl/certs/ca-certificates.crt"\n')
    run = box.wash("reg", "pull", f"{registry.host}/echo:1", check=False)
    assert run.returncode == 1 and "WASMCLOUD_OCI_ALLOWED_INSECURE" in run.stderr
    box.wash("reg", "pull", f"{registry.host}/echo:1", "--insecure")
    box.env["WASMCLOUD_OCI_ALLOWED_INSECURE"] = f"other:1, {registry.host}"
    box.wash("reg", "pull", f"{registry.host}/echo:1")


def test_a_mistake_in_the_file_of_registries_stops_the_host_with_its_line(box):
    settings(box, '[registry."a.io"]\nmirror = "b.io"\n')
    run = box.wash("reg", "ping", "a.io/x:1", check=False)
    assert run.returncode == 1 and "line 2" in run.stderr and "mirrors" in run.stderr
    host = box.start_host(wait=False)
    assert host.process.wait(20) == 2
    assert "TRELLIS_REGISTRIES" in host.log() and "line 2" in host.log()


# --- who asks ---

@pytest.fixture
def locked(box, made):
    """A registry with a password, and echo:1 in it."""
    registry = made(Registry, box.folder / "locked", htpasswd=True)
    box.wash("reg", "push", f"{registry.host}/echo:1", ECHO_FILE, "-u", USER, "-p", PASSWORD)
    return registry


def test_passwords_of_wash(box, locked):
    reference = f"{locked.host}/echo:1"
    run = box.wash("reg", "pull", reference, check=False)
    assert run.returncode == 1 and "wants to know who asks" in run.stderr and f"docker login {locked.host}" in run.stderr
    run = box.wash("reg", "pull", reference, "-u", USER, "-p", "wrong", check=False)
    assert run.returncode == 1 and "refused the credential from --user and --password" in run.stderr
    run = box.wash("reg", "pull", reference, "-u", USER, check=False)
    assert run.returncode == 1 and "belong together" in run.stderr
    box.env.update(WASH_REG_USER=USER, WASH_REG_PASSWORD=PASSWORD)
    box.wash("reg", "pull", reference)
    assert PASSWORD not in box.wash("reg", "pull", "--help").stdout


def test_passwords_of_the_environment(box, locked):
    host = box.start_host(OCI_REGISTRY=locked.host, OCI_REGISTRY_USER=USER, OCI_REGISTRY_PASSWORD=PASSWORD)
    host.start_actor(f"{locked.host}/echo:1")
    assert PASSWORD not in host.log()


def test_a_wrong_password_of_the_environment(box, locked):
    host = box.start_host(OCI_REGISTRY=locked.host, OCI_REGISTRY_USER=USER, OCI_REGISTRY_PASSWORD="wrong-one")
    run = host.start_actor(f"{locked.host}/echo:1", check=False)
    assert "refused the credential from OCI_REGISTRY_USER" in run.stderr
    assert "wrong-one" not in run.stderr + host.log()


def test_logins_of_docker(box, locked):
    host = box.start_host()
    assert host.start_actor(f"{locked.host}/echo:1", check=False).returncode == 1
    docker_config(box, auth_of(locked))  # a login helps at once
    host.start_actor(f"{locked.host}/echo:1")


@pytest.mark.parametrize("member", ["credHelpers", "credsStore"])
def test_credential_helpers_of_docker(box, locked, member):
    programs = box.folder / "programs"
    programs.mkdir()
    helper = programs / "docker-credential-test"
    helper.write_text(f"""#!/bin/sh
read -r registry
[ "$1 $registry" = "get {locked.host}" ] || {{ echo "asked for $1 $registry"; exit 1; }}
printf '{{"Username":"{USER}","Secret":"{PASSWORD}"}}'
""")
    helper.chmod(helper.stat().st_mode | stat.S_IEXEC)
    box.env["PATH"] = f"{programs}:{box.env['PATH']}"
    docker_config(box, {member: {locked.host: "test"} if member == "credHelpers" else "test"})
    box.wash("reg", "pull", f"{locked.host}/echo:1")
    host = box.start_host()
    host.start_actor(f"{locked.host}/echo:1")
    helper.write_text("#!/bin/sh\necho keychain is locked; exit 1\n")
    host.wash("drain", "oci")
    run = host.wash("reg", "pull", f"{locked.host}/echo:1", check=False)
    assert "docker-credential-test failed: keychain is locked" in run.stderr


def test_credentials_from_the_lattice(host, locked):
    reference = f"{locked.host}/echo:1"
    assert host.start_actor(reference, check=False).returncode == 1
    lattice = NatsClient(host.bus_port)

    def put(registries):
        lattice.publish("wasmbus.ctl.default.registries.put", json.dumps(registries).encode())
        lattice.ping()
    lattice.publish("wasmbus.ctl.default.registries.put", b'{"' + PASSWORD.encode())
    put({locked.host: {"username": USER, "password": PASSWORD},  # no registryType: passed over
         "other": {"registryType": "bindle", "token": PASSWORD}})
    assert host.start_actor(reference, check=False).returncode == 1
    put({f"https://{locked.host}/": {"username": USER, "password": "wrong-one", "registryType": "oci"}})
    run = host.start_actor(reference, check=False)
    assert "refused the credential from the lattice (registries.put)" in run.stderr
    put({locked.host: {"username": USER, "password": PASSWORD, "token": None, "registryType": "oci"}})
    host.start_actor(reference)
    for secret in (PASSWORD, "wrong-one"):
        assert secret not in host.log()
        assert secret not in json.dumps(host.inventory()) + http(host.dashboard_port, "/api/v1/host").body.decode()
    assert "registryType" in host.log()
    # In memory only.
    host.stop_host()
    host.wash("drain", "oci")
    host.start_host()
    assert host.start_actor(reference, check=False).returncode == 1
    assert not any(PASSWORD.encode() in p.read_bytes() for p in host.folder.rglob("*")
                   if p.is_file() and "locked" not in p.parts)


def test_tokens(box, made):
    authority = Authority(box.folder / "ca")
    tokens = made(TokenServer, authority)
    registry = made(Registry, box.folder / "registry", token=tokens)
    for name in ("public", "private"):
        box.wash("reg", "push", f"{registry.host}/{name}:1", ECHO_FILE, "-u", USER, "-p", PASSWORD)
    run = push(box, registry, "public:2", check=False)
    assert run.returncode == 1 and "wants to know who asks" in run.stderr
    box.wash("reg", "pull", f"{registry.host}/public:1")  # in nobody's name
    run = box.wash("reg", "pull", f"{registry.host}/private:1", check=False)
    assert run.returncode == 1 and "wants to know who asks" in run.stderr
    run = box.wash("reg", "pull", f"{registry.host}/private:1", "-u", USER, "-p", "wrong", check=False)
    assert run.returncode == 1 and "the token server" in run.stderr and "refused" in run.stderr
    docker_config(box, auth_of(registry))
    host = box.start_host()
    host.start_actor(f"{registry.host}/private:1")
    assert all("scope" in path for _, path, _ in tokens.asked)
