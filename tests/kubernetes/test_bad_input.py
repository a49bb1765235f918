"""Goal: what is wrong is said where a person looks, with what mends it: values, rights, addresses, names, credentials."""
import base64
import json
import sys

import pytest

from conftest import HOST_ADDRESS
from shell import ROOT, wait_for
from test_load import HTTP_SERVER
from test_walk import NATS, key_of

sys.path.append(str(ROOT / "tests" / "e2e"))
import registries  # noqa: E402


@pytest.mark.parametrize("values, words", [
    ({"wasmcloud": {"enableAplierSupport": True}}, "enableAplierSupport"),
    ({"replicaCount": "three"}, "replicaCount"),
    ({"nats": {"mode": "clustered"}}, "mode"),
    ({"replicaCount": 3, "nats": {"mode": "embedded"}}, "embedded"),
])
def test_wrong_values_are_refused_by_name(release, values, words):
    refused = release("wrong").install(values, wait=False, check=False)
    assert refused.code != 0 and words in refused.text


class Walked:
    """A release with the applier's actors and links; what its host says."""

    def __init__(self, shell, box):
        self.shell, self.box = shell, box
        self.service_applier = key_of(shell, "wasmcloud.azurecr.io/service_applier:0.3.0")
        self.echo = key_of(shell, "wasmcloud.azurecr.io/echo:0.3.4")
        self.service = self.echo.lower()

    def start(self):
        for reference in ("applier:0.3.0", "nats_messaging:0.14.5", "httpserver:0.16.3"):
            self.shell.run(f"wash ctl start provider wasmcloud.azurecr.io/{reference}", quiet=True)
        for reference in ("service_applier:0.3.0", "echo:0.3.4"):
            self.shell.run(f"wash ctl start actor wasmcloud.azurecr.io/{reference}", quiet=True)
        # One that is ending may still be there beside it.
        hosts = json.loads(self.shell.run("wash ctl get hosts -o json", quiet=True).out)["hosts"]
        providers = [provider for host in hosts for provider in json.loads(self.shell.run(
            f"wash ctl get inventory {host['id']} -o json", quiet=True).out)["inventory"]["providers"]]
        self.applier = next(each["id"] for each in providers if "applier" in (each.get("image_ref") or ""))
        self.shell.run(f"wash ctl link put {self.service_applier} {NATS} wasmcloud:messaging "
                       "SUBSCRIPTION=wasmbus.evt.default URI=nats://localhost:4222", quiet=True)

    def link_applier(self, *values):
        return self.shell.run(["wash", "ctl", "link", "put", self.service_applier, self.applier,
                               "cosmonic:kubernetes_applier", *values], check=False)

    def link_echo(self, address):
        return self.shell.run(["wash", "ctl", "link", "put", self.echo, HTTP_SERVER, "wasmcloud:httpserver",
                               f"ADDRESS={address}"], check=False)

    def log(self):
        return self.shell.kubectl(f"logs -l app.kubernetes.io/instance={self.box.name},app.kubernetes.io/name=wasmcloud-host "
                                  "--tail=-1", quiet=True).out

    def says(self, *words):
        wait_for(lambda: all(word in self.log() for word in words), 20, f"{words} in the host's log")
        for line in self.log().splitlines():
            if words[0] in line:
                print(line)
                return


@pytest.fixture
def walked(shell, release):
    def make(name, values):
        box = release(name)
        box.install({"wasmcloud": {"customLabels": {"wasmcloud.dev/route-to": "true"}, **values}})
        box.wait_until_ready()
        return Walked(shell, box)
    return make


def test_missing_rights_are_named_with_the_value_to_set(shell, walked):
    # The account may ask the API server, and may do nothing there.
    box = walked("no-rights", {"enableApplierSupport": False})
    shell.kubectl(f"patch deployment {box.box.deployment} --type=json -p "
                  '\'[{"op":"replace","path":"/spec/template/spec/automountServiceAccountToken","value":true}]\'')
    shell.kubectl(f"rollout status deployment/{box.box.deployment} --timeout=90s")
    box.box.wait_until_ready()
    with shell.lattice(box.box.deployment):
        box.start()
        said = box.link_applier().text
        assert "services" in said and "enableApplierSupport" in said
        box.link_echo("0.0.0.0:8080")
        box.says("cannot get resource", "services", "enableApplierSupport")
    assert box.service not in shell.kubectl("get svc").out


def test_a_pod_without_a_token_says_what_gives_it_one(shell, walked):
    box = walked("no-token", {"enableApplierSupport": False})
    with shell.lattice(box.box.deployment):
        box.start()
        assert "enableApplierSupport" in box.link_applier().text


def test_what_stands_in_the_way_of_a_service_is_said(shell, walked):
    box = walked("in-the-way", {"enableApplierSupport": True})
    shell.kubectl(f"create service clusterip {box.service} --tcp=1234")
    before = shell.json(f"get svc {box.service}")["spec"]
    with shell.lattice(box.box.deployment):
        box.start()
        # An API server that is away.
        kubeconfig = {"apiVersion": "v1", "kind": "Config", "current-context": "c",
                      "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                      "users": [{"name": "u", "user": {"token": "t"}}],
                      "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}
        encoded = base64.b64encode(json.dumps(kubeconfig).encode()).decode()
        assert "127.0.0.1:1" in box.link_applier(f"config_b64={encoded}").text
        box.link_applier()
        # A Service that somebody else made.
        box.link_echo("0.0.0.0:8080")
        box.says("was not made by", box.service)
        assert shell.json(f"get svc {box.service}")["spec"] == before
        shell.run(f"wash ctl link del {box.echo} wasmcloud:httpserver")
        # An address that is none.
        box.link_echo("everywhere:8080")
        box.says("Address value is malformed")
        assert shell.json(f"get svc {box.service}")["spec"] == before
        shell.run(f"wash ctl link del {box.echo} wasmcloud:httpserver")
    shell.kubectl(f"delete svc {box.service}")


@pytest.fixture
def registry(tmp_path):
    registry = registries.Registry(tmp_path, htpasswd=True, address=HOST_ADDRESS)
    yield registry
    registry.stop()


def test_a_registry_secret_that_is_wrong_is_said_by_the_start(shell, release, registry, own_cluster):
    login = {"url": registry.host, "username": registries.USER, "password": "wrong"}
    box = release("registry")
    box.install({"wasmcloud": {"config": {"registry": login, "ociAllowedInsecure": registry.host}}})
    box.wait_until_ready()
    with shell.lattice(box.deployment):
        refused = shell.run(f"wash ctl start actor {registry.host}/echo:1", check=False)
    assert "refused the credential" in refused.text, refused.text
