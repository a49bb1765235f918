"""The applier provider and the service_applier actor against a real Kubernetes API server."""
import base64
import itertools
import json

import guests
import pytest
from kubernetes_api import KubernetesApi, needs_kubernetes
from sandbox import ECHO_REF, HTTP_SERVER, HTTP_SERVER_REF, free_port, wait_for
from servers import MESSAGING, NATS, NATS_REF, link, status

pytestmark = needs_kubernetes

APPLIER_REF, APPLIER = "wasmcloud.azurecr.io/applier:0.3.0", "VABIBJH27SGGP2TYL33GYMXO6GVPTRP6YSWMW7KADDKIWNEKS6JWIUYX"
ACTOR_REF = "wasmcloud.azurecr.io/service_applier:0.3.0"
CONTRACT, HTTP = "cosmonic:kubernetes_applier", "wasmcloud:httpserver"
EVENTS = "SUBSCRIPTION=wasmbus.evt.default"
names = (f"test-{i}" for i in itertools.count())


@pytest.fixture(scope="module")
def api():
    server = KubernetesApi()
    yield server
    server.stop()


@pytest.fixture
def space(api):
    """A namespace of the test's own."""
    name = next(names)
    api.kubectl("create", "namespace", name)
    return name


@pytest.fixture
def cluster_host(box, api, space):
    """A host whose default kubeconfig leads to the test's namespace."""
    box.env["KUBECONFIG"] = str(api.kubeconfig(space, "admin-token", space))
    return box.start_host()


def start_applier(host):
    """The article's two providers and its actor, not linked yet; the actor's key."""
    for provider in (APPLIER_REF, NATS_REF):
        host.start_provider(provider)
    host.start_actor(ACTOR_REF)
    return host.actor_key(ACTOR_REF)


def link_applier(host, key, *values):
    said = link(host, key, NATS, MESSAGING, EVENTS, f"URI=nats://127.0.0.1:{host.bus_port}")
    return said + link(host, key, APPLIER, CONTRACT, *values)


def with_echo(host):
    host.start_provider()
    host.start_actor(ECHO_REF)
    return host.actor_key(ECHO_REF)


def heartbeat(host):
    host.wash("ctl", "get", "hosts", "-t", "200")


def ports(service):
    return [(p.get("name"), p["protocol"], p["port"], p["targetPort"]) for p in service["spec"]["ports"]]


def service(api, space, key):
    return api.get(space, "service", key.lower())


def appears(api, space, key):
    return wait_for(lambda: service(api, space, key), 20, "the Service is there")


def test_the_articles_links_make_a_service_and_take_it_away(cluster_host, api, space):
    host, port = cluster_host, free_port()
    applier = start_applier(host)
    assert "Warning" not in link_applier(host, applier)
    echo = with_echo(host)
    host.put_link(echo, f"ADDRESS=0.0.0.0:{port}")
    made = appears(api, space, echo)
    assert made["metadata"]["labels"] == {
        "wasmcloud.dev/actor-id": echo, "wasmcloud.dev/contract": "httpserver", "wasmcloud.dev/link-name": "default",
        "wasmcloud.dev/provider-id": HTTP_SERVER, "wasmcloud.dev/lattice": "default"}
    assert made["spec"]["selector"] == {"wasmcloud.dev/route-to": "true"}
    assert made["spec"]["type"] == "ClusterIP" and ports(made) == [(None, "TCP", port, port)]
    shown = api.kubectl("-n", space, "get", "svc").stdout
    assert echo.lower() in shown and f"{port}/TCP" in shown
    other = free_port()
    host.put_link(echo, f"ADDRESS=0.0.0.0:{other}")
    wait_for(lambda: ports(service(api, space, echo)) == [(None, "TCP", other, other)], what="the port is the new one")
    host.delete_link(echo)
    wait_for(lambda: service(api, space, echo) is None, 20, "the Service is gone")


def test_links_made_before_the_actor_ran_get_their_services(cluster_host, api, space):
    host, port = cluster_host, free_port()
    echo = with_echo(host)
    host.put_link(echo, f"PORT={port}")
    link_applier(host, start_applier(host))
    assert ports(appears(api, space, echo)) == [(None, "TCP", port, port)]


def test_what_was_deleted_or_edited_is_repaired(cluster_host, api, space):
    host, port = cluster_host, free_port()
    link_applier(host, start_applier(host))
    echo = with_echo(host)
    host.put_link(echo, f"PORT={port}")
    first = appears(api, space, echo)
    api.kubectl("-n", space, "delete", "service", echo.lower())
    heartbeat(host)
    assert appears(api, space, echo)["metadata"]["uid"] != first["metadata"]["uid"]
    patch = {"metadata": {"labels": {"wasmcloud.dev/link-name": "x", "mine": "y"}},
             "spec": {"selector": {"wasmcloud.dev/route-to": "false", "more": "z"},
                      "ports": [{"port": 1, "targetPort": 2, "protocol": "TCP"}]}}
    api.kubectl("-n", space, "patch", "service", echo.lower(), "--type=merge", "-p", json.dumps(patch))
    heartbeat(host)
    wait_for(lambda: ports(service(api, space, echo)) == [(None, "TCP", port, port)], 20, "the port is the link's again")
    repaired = service(api, space, echo)
    assert repaired["spec"]["selector"] == {"wasmcloud.dev/route-to": "true"}
    assert repaired["metadata"]["labels"]["wasmcloud.dev/link-name"] == "default"
    assert repaired["metadata"]["labels"]["mine"] == "y"  # which is not ours


def test_a_service_whose_link_went_unseen_goes_at_the_next_heartbeat(cluster_host, api, space):
    host, port = cluster_host, free_port()
    applier = start_applier(host)
    link_applier(host, applier)
    echo = with_echo(host)
    host.put_link(echo, f"PORT={port}")
    appears(api, space, echo)
    host.wash("ctl", "link", "del", applier, MESSAGING)
    host.delete_link(echo)
    assert service(api, space, echo)
    link(host, applier, NATS, MESSAGING, EVENTS)
    heartbeat(host)
    wait_for(lambda: service(api, space, echo) is None, 20, "the Service is gone")


def test_each_of_two_links_has_a_port(cluster_host, api, space):
    host, one, two = cluster_host, free_port(), free_port()
    link_applier(host, start_applier(host))
    echo = with_echo(host)
    host.wash("ctl", "start", "provider", HTTP_SERVER_REF, "--link-name", "admin", "--auction-timeout-ms", "1000")
    host.put_link(echo, f"PORT={one}")
    host.put_link(echo, f"PORT={two}", "--link-name", "admin")
    wait_for(lambda: service(api, space, echo) and len(ports(service(api, space, echo))) == 2, 20, "there are two ports")
    assert ports(service(api, space, echo)) == [("default", "TCP", one, one), ("admin", "TCP", two, two)]
    host.wash("ctl", "link", "del", echo, HTTP, "--link-name", "admin")
    wait_for(lambda: ports(service(api, space, echo)) == [(None, "TCP", one, one)], 20, "one port is left")


def test_a_foreign_service_is_left_alone_until_the_link_adopts_it(cluster_host, api, space):
    host, port = cluster_host, free_port()
    applier = start_applier(host)
    link_applier(host, applier)
    echo = with_echo(host)
    api.kubectl("-n", space, "create", "service", "clusterip", echo.lower(), f"--tcp={port}:{port}")
    before = service(api, space, echo)
    host.put_link(echo, f"PORT={port}")
    expected = f"a Service named {echo.lower()} is already in namespace {space} and was not made by this provider " \
               "(made by kubectl-create): rename or delete it, or set ADOPT=allow on the link"
    wait_for(lambda: f"Unable to apply kubernetes service: {expected}" in host.log(), what="the log says so")
    host.delete_link(echo)
    wait_for(lambda: "Unable to delete kubernetes service: a Service named" in host.log(), what="the log says so")
    assert service(api, space, echo)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    # With leave it is taken at the next heartbeat.
    link(host, applier, APPLIER, CONTRACT, "ADOPT=allow")
    other = free_port()
    host.put_link(echo, f"PORT={other}")
    heartbeat(host)
    wait_for(lambda: ports(service(api, space, echo)) == [(None, "TCP", other, other)], 20, "the port is the link's")
    adopted = service(api, space, echo)
    assert adopted["metadata"]["uid"] == before["metadata"]["uid"]
    assert adopted["metadata"]["labels"]["wasmcloud.dev/actor-id"] == echo
    assert adopted["spec"]["selector"] == {"wasmcloud.dev/route-to": "true"}
    host.delete_link(echo)
    wait_for(lambda: service(api, space, echo) is None, 20, "the Service is gone")


def test_missing_rights_are_named_when_linking_and_when_applying(box, api, space):
    box.start_host()
    applier = start_applier(box)
    config = api.kubeconfig(f"{space}-poor", api.account(space, "poor", "get"), space, packed=True)
    said = link_applier(box, applier, f"config_b64={config}")
    assert "Warning" in said and f"may not list services, create services, patch services, delete services in " \
        f"namespace '{space}'" in said and "wasmcloud.enableApplierSupport=true" in said
    echo = with_echo(box)
    box.put_link(echo, f"PORT={free_port()}")
    wait_for(lambda: f'cannot patch resource "services" in API group "" in the namespace "{space}"' in box.log(),
             what="the log says so")
    assert "wasmcloud.enableApplierSupport=true" in box.log()


def test_with_the_rights_of_the_chart_of_2022_services_are_applied(box, api, space):
    # It gives no `list`: everything is applied, nothing is ever deleted on a guess.
    box.start_host()
    token = api.account(space, "old", "get,create,update,delete,patch")
    applier = start_applier(box)
    echo = with_echo(box)
    box.put_link(echo, f"PORT={free_port()}")
    link_applier(box, applier, f"config_b64={api.kubeconfig('', token, space, packed=True)}")
    appears(api, space, echo)
    box.delete_link(echo)
    wait_for(lambda: service(api, space, echo) is None, 20, "the Service is gone")


def test_a_link_says_why_its_credentials_do_not_work(box, api, space):
    box.start_host()
    applier = start_applier(box)

    def says(**values):
        return link(box, applier, APPLIER, CONTRACT, *(f"{k}={v}" for k, v in values.items()))

    closed = free_port()
    away = says(config_file=api.kubeconfig("away", "x", space, url=f"https://127.0.0.1:{closed}"))
    assert "Unable to connect to the Kubernetes API server" in away and f"https://127.0.0.1:{closed}" in away
    assert status(box, applier, CONTRACT)["status"] == "failed"
    expired = says(config_b64=api.kubeconfig("", api.expired_token(), space, packed=True))
    assert "Unauthorized" in expired and "expired at" in expired and "create token" in expired
    wrong = says(config_b64=api.kubeconfig("", "nonsense", space, packed=True))
    assert "does not accept the token of config_b64" in wrong
    assert "No config given and unable to infer config" in says()
    assert "Invalid kubeconfig from file /nowhere" in says(config_file="/nowhere")
    assert "Invalid base64 config given" in says(config_b64="%")
    paths = base64.b64encode(b"{clusters: [{name: c, cluster: {certificate-authority: /etc/passwd}}]}").decode()
    assert "Offending entry: cluster c" in says(config_b64=paths)
    assert "Warning" not in says(config_b64=api.kubeconfig("", "admin-token", space, packed=True))
    assert status(box, applier, CONTRACT)["status"] == "active"


MANIFESTS = """
apiVersion: example.test/v1
kind: Ox
metadata: {name: first, labels: {a: "1"}}
spec: {legs: 4}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: oxen.example.test}
spec:
  group: example.test
  scope: Namespaced
  names: {plural: oxen, singular: ox, kind: Ox}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {legs: {type: integer}}}}}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: numbers}, data: {mode: "0644", yes: "true"}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: others, namespace: SPACE-other}}
"""


def calling(host, name, operation, payload):
    path = host.build_actor(name, guests.caller(CONTRACT, operation, payload), "-c", CONTRACT)
    host.start_actor(f"file://{path}")
    key = host.actor_key(f"file://{path}")
    link(host, key, APPLIER, CONTRACT)
    return lambda: json.loads(host.wash("call", key, "Any.Operation", "{}", "-o", "json", "-t", "10000").stdout)["response"]


def blob(text):
    data = text.encode()
    return b"\xc5" + len(data).to_bytes(2, "big") + data


def text(value):
    return bytes([0xa0 | len(value)]) + value.encode() if len(value) < 32 else bytes([0xd9, len(value)]) + value.encode()


def test_manifests_of_all_kinds_and_an_owner_that_takes_them_along(box, api, space):
    api.kubectl("create", "namespace", f"{space}-other")
    api.kubectl("-n", space, "create", "deployment", "release", "--image=none", "--replicas=0")
    box.env["KUBECONFIG"] = str(api.kubeconfig(space, "admin-token", space))
    box.start_host(TRELLIS_KUBERNETES_OWNER="apps/v1/Deployment/release", WASMCLOUD_RPC_TIMEOUT_MS="10000")
    box.start_provider(APPLIER_REF)
    apply = calling(box, "apply", "KubernetesApplier.Apply", blob(MANIFESTS.replace("SPACE", space)))
    assert apply() == {"succeeded": True}
    assert apply() == {"succeeded": True}  # again
    ox = api.get(space, "oxen", "first")
    assert ox["spec"] == {"legs": 4}
    numbers = api.get(space, "configmap", "numbers")
    assert numbers["data"] == {"mode": "0644", "yes": "true"}
    release = api.get(space, "deployment", "release")["metadata"]["uid"]
    for owned in (ox, numbers):
        assert [o["uid"] for o in owned["metadata"]["ownerReferences"]] == [release]
    others = api.get(f"{space}-other", "configmap", "others")
    assert "ownerReferences" not in others["metadata"]

    members = {"group": "example.test", "kind": "Ox", "name": "first", "version": "v1"}
    request = b"\x84" + b"".join(text(k) + text(v) for k, v in members.items())
    delete = calling(box, "delete", "KubernetesApplier.Delete", request)
    assert delete() == {"succeeded": True} and delete() == {"succeeded": True}
    assert api.get(space, "oxen", "first") is None
    api.kubectl("-n", space, "delete", "deployment", "release")
    wait_for(lambda: api.get(space, "configmap", "numbers") is None, 60, "what was the release's is collected")
    assert api.get(f"{space}-other", "configmap", "others")


def test_what_the_server_has_against_a_manifest_is_said(box, api, space):
    box.env["KUBECONFIG"] = str(api.kubeconfig(space, "admin-token", space))
    box.start_host()
    box.start_provider(APPLIER_REF)
    bad = "{apiVersion: v1, kind: Service, metadata: {name: UPPER}, spec: {ports: [{port: 0}]}}"
    answer = calling(box, "apply", "KubernetesApplier.Apply", blob(bad))()
    assert answer["succeeded"] is False
    assert 'Service "UPPER" is invalid' in answer["error"] and "spec.ports[0].port" in answer["error"]
