"""The chart, as helm renders it: no cluster needed. test_chart_values.py has the values and what refuses them."""
import base64
import binascii
import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest
import yaml

from charts import CHART, KUBERNETES, ROOT, SEED, nested, project_version
from restricted import containers, violations

FULL = "wasmcloud-test-wasmcloud-host"
ARTICLE = {"wasmcloud.enableApplierSupport": True, "wasmcloud.customLabels": {"wasmcloud.dev/route-to": "true"}}
LEAF = {"nats.leafnode.enabled": True, "nats.leafnode.credentials": "leaf-credentials"}
EXTERNAL = {"nats.enabled": False, "wasmcloud.config.rpcNatsHost": "nats.example.com"}
LINK = {"actor": "MA", "provider_id": "VA", "contract_id": "wasmcloud:httpserver", "values": {"ADDRESS": "0.0.0.0:8080"}}
# Everything that can be switched on at once.
ALL_ON = {
    **ARTICLE, "replicaCount": 3, "nats.replicas": 3, "nats.persistence.enabled": True,
    "podLabels": {"team": "a"}, "commonLabels": {"cost": 7}, "podAnnotations": {"a/b": True},
    "manifest.actors": ["registry.example.com/a:1", {"image_ref": "registry.example.com/b:1", "count": 2}],
    "manifest.capabilities": [{"image_ref": "wasmcloud.azurecr.io/httpserver:0.16.3"}],
    "manifest.links": [LINK, {**LINK, "actor": "MB", "values": {"PASSWORD": {"file": "/etc/x"}, "MS": 3600000}}],
    "http.service.ports": [{"port": 80, "targetPort": 8080}, {"name": "other", "port": 8081}],
    "wasmcloud.config.caBundle": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
    "wasmcloud.config.existingSecrets.dockerConfig": "logins", "wasmcloud.config.existingSecrets.natsTls": "nats-tls",
    "wasmcloud.config.existingSecrets.natsCreds": "nats-creds", "wasmcloud.config.natsTls.clientCertificate": True,
    "ingress.enabled": True, "ingress.hosts": [{"host": "a.example.com", "paths": [{"path": "/"}]}],
    "httpRoute.enabled": True, "httpRoute.parentRefs": [{"name": "public"}], "httpRoute.hostnames": ["b.example.com"],
    "metrics.serviceMonitor.enabled": True, "metrics.podMonitor.enabled": True, "metrics.podMonitor.interval": "30s",
    "metrics.dashboard.enabled": True,
    "networkPolicy.enabled": True, "networkPolicy.egress.enabled": True,
    "extraEnv": [{"name": "A", "value": "b"}], "envFrom": [{"configMapRef": {"name": "c"}}],
    "extraVolumes": [{"name": "x", "emptyDir": {}}], "extraVolumeMounts": [{"name": "x", "mountPath": "/x"}],
    "imagePullSecrets": ["one", {"name": "two"}], "global.image.pullSecrets": ["two"],
    "nodeSelector": {"disk": "ssd"}, "tolerations": [{"operator": "Exists"}], "priorityClassName": "high",
    "affinity": {"nodeAffinity": {}}, "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["x"]}], "dnsConfig": {"options": []},
}
SETS = {
    "defaults": {}, "article": ARTICLE, "three": {"replicaCount": 3}, "everything": ALL_ON,
    "nats-3": {"nats.replicas": 3}, "sidecar": {"nats.mode": "sidecar"}, "leaf": LEAF,
    "leaf-3": {**LEAF, "replicaCount": 3}, "external": EXTERNAL, "embedded": {"nats.mode": "embedded"},
    "embedded-volume": {"nats.mode": "embedded", "persistence.enabled": True},
    "hpa": {"autoscaling.enabled": True}, "no-service": {"useService": False, "serviceAccount.create": False},
}


@pytest.mark.parametrize("name", SETS)
def test_renders_objects_that_servers_take(helm, name):
    objects = helm.render(SETS[name])
    seen = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(seen) == len(set(seen))
    for each in objects:
        assert len(each["metadata"]["name"]) <= 63
        for where in (each["metadata"], each["spec"]["template"]["metadata"] if each["kind"] == "Deployment" else {}):
            for key, value in {**where.get("labels", {}), **where.get("annotations", {})}.items():
                assert isinstance(value, str), f"{each['kind']}: {key} is {value!r}"
    for pod, spec, _ in objects.pods():
        volumes = [volume["name"] for volume in spec["volumes"]]
        for made in objects.of("StatefulSet", pod):
            volumes += [claim["metadata"]["name"] for claim in made["spec"].get("volumeClaimTemplates", [])]
        assert len(volumes) == len(set(volumes))
        for container in containers(spec):
            names = [entry["name"] for entry in container.get("env", [])]
            assert len(names) == len(set(names)), "server-side apply refuses a variable that stands twice"
            assert all(isinstance(entry.get("value", ""), str) for entry in container.get("env", []))
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)


@pytest.mark.parametrize("name", SETS)
def test_every_pod_is_restricted_and_has_resources(helm, name):
    for pod, spec, _ in helm.render(SETS[name]).pods():
        assert violations(spec) == [], pod
        for container in containers(spec):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert "memory" in container["resources"]["limits"] and "cpu" not in container["resources"]["limits"]
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert spec["enableServiceLinks"] is False


def test_violations_are_found():
    # What the tests above lean on can fail.
    good = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]}}
    spec = {"containers": [{"name": "c", "securityContext": good}]}
    assert violations(spec) == []
    for key in good:
        bad = copy.deepcopy(spec)
        del bad["containers"][0]["securityContext"][key]
        assert len(violations(bad)) == 1


@pytest.mark.parametrize("values", [{}, ARTICLE], ids=["defaults", "article"])
def test_lint_is_strict(helm, values):
    helm.run("lint", "--strict", CHART, "-f", "-", stdin=json.dumps(nested(values)))


def test_names_and_labels_are_those_of_2022(helm):
    objects = helm.render({**ARTICLE, "wasmcloud.config.rpcSeed": "SU" + "A" * 56})
    for kind in ("Deployment", "ServiceAccount", "Secret"):
        objects.one(kind, FULL)
    deployment = objects.one("Deployment", FULL)
    selector = {"app.kubernetes.io/name": "wasmcloud-host", "app.kubernetes.io/instance": "wasmcloud-test"}
    assert deployment["spec"]["selector"]["matchLabels"] == selector
    assert deployment["spec"]["template"]["metadata"]["labels"] == {**selector, "wasmcloud.dev/route-to": "true"}
    service = objects.one("Service", FULL)
    assert service["spec"]["selector"] == selector
    assert [(port["name"], port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [
        ("washboard", 4000, "washboard"), ("client", 8080, "client")]
    host = objects.host()
    assert {port["name"]: port["containerPort"] for port in host["ports"]} == {"washboard": 4000, "client": 4222}
    assert objects.pod()["containers"][0]["name"] == "wasmcloud-host"


def test_a_release_that_bears_the_charts_name_is_not_named_twice(helm):
    helm.render(release="wasmcloud-host").one("Deployment", "wasmcloud-host")
    helm.render({"nameOverride": "x"}, release="r").one("Deployment", "r-x")
    helm.render({"fullnameOverride": "mine"}, release="r").one("Deployment", "mine")


@pytest.mark.parametrize("releases", [("a", "b"), ("long-" * 10 + "aaa", "long-" * 10 + "bbb")], ids=["short", "long"])
def test_two_releases_in_a_namespace_share_nothing(helm, releases):
    one, two = ({(each["kind"], each["metadata"]["name"]) for each in helm.render(ALL_ON, release=release)}
                for release in releases)
    assert not one & two
    assert len(one) == len(two)


def test_services_select_no_pods_but_their_own(helm):
    objects = helm.render(ALL_ON)
    pods = {name: labels for name, _, labels in objects.pods()}
    for service in objects.of("Service"):
        chosen = {name for name, labels in pods.items() if service["spec"]["selector"].items() <= labels.items()}
        name = service["metadata"]["name"]
        assert chosen == ({f"{FULL}-nats"} if "-nats" in name else {FULL}), name
    assert "wasmcloud.dev/route-to" in pods[FULL] and "wasmcloud.dev/route-to" not in pods[f"{FULL}-nats"]


def test_the_role_is_least_and_only_for_the_applier(helm):
    assert not helm.render().of("Role") and not helm.render().of("RoleBinding")
    assert helm.render().pod()["automountServiceAccountToken"] is False
    objects = helm.render({**ARTICLE, "rbac.extraRules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]})
    assert objects.pod()["automountServiceAccountToken"] is True
    assert objects.env()["TRELLIS_KUBERNETES_OWNER"] == f"apps/v1/Deployment/{FULL}"
    services, owner, extra = objects.one("Role")["rules"]
    assert services == {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "create", "patch", "delete"]}
    assert owner == {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": [FULL], "verbs": ["get"]}
    assert extra["resources"] == ["configmaps"]
    binding = objects.one("RoleBinding")
    assert binding["roleRef"]["name"] == objects.one("Role")["metadata"]["name"]
    assert binding["subjects"][0]["name"] == objects.pod()["serviceAccountName"] == FULL
    for name, spec, _ in objects.pods():
        assert spec["automountServiceAccountToken"] is (name == FULL)


def test_the_applier_has_an_account_of_its_own_also_where_none_is_to_be_made(helm):
    none = helm.render({"serviceAccount.create": False})
    assert none.pod()["serviceAccountName"] == "default" and not none.of("ServiceAccount")
    objects = helm.render({**ARTICLE, "serviceAccount.create": False})
    objects.one("ServiceAccount", FULL)
    assert objects.one("RoleBinding")["subjects"][0]["name"] == objects.pod()["serviceAccountName"] == FULL


def test_what_hosts_connect_to_includes_where_a_leaf_leads(helm):
    closed = {"networkPolicy.enabled": True, "networkPolicy.egress.enabled": True}

    def ports(values):
        rules = helm.render({**closed, **values}).one("NetworkPolicy", FULL)["spec"]["egress"]
        return [port["port"] for rule in rules for port in rule["ports"]]
    assert ports({}) == [53, 53, 4222]
    assert ports({"nats.mode": "sidecar"}) == [53, 53]
    assert ports(LEAF) == [53, 53, 7422]
    assert ports({**LEAF, "nats.leafnode.clusterURL": "tls://hub.example.com:7000"}) == [53, 53, 7000]


def test_secrets_are_never_plain(helm):
    user = "SU" + "B" * 56
    secret = {"rpcJWT": "jwt-rpc", "rpcSeed": user, "providerRpcJWT": "jwt-prov", "providerRpcSeed": user,
              "ctlJWT": "jwt-ctl", "ctlSeed": user, "hostSeed": "SN" + "C" * 56, "registry.password": "hunter2"}
    values = {f"wasmcloud.config.{key}": value for key, value in secret.items()}
    objects = helm.render({**values, **LEAF, "nats.mode": "sidecar"})
    kept = objects.secret(FULL)
    assert kept == {**{key.replace("registry.password", "registryPassword"): value for key, value in secret.items()},
                    "clusterSeed": SEED}
    assert objects.secret(f"{FULL}-nats") == {"nats.creds": "leaf-credentials"}
    shown = yaml.dump([each for each in objects if each["kind"] != "Secret"])
    for value in (*secret.values(), SEED, "leaf-credentials"):
        assert value not in shown and base64.b64encode(value.encode()).decode() not in shown
    env = objects.env()
    assert env["WASMCLOUD_CLUSTER_SEED"] == (FULL, "clusterSeed")
    assert env["WASMCLOUD_PROV_RPC_JWT"] == (FULL, "providerRpcJWT")
    assert env["OCI_REGISTRY_PASSWORD"] == (FULL, "registryPassword")


def test_secrets_that_exist_are_used_and_not_made(helm):
    objects = helm.render({f"wasmcloud.config.existingSecrets.{key}": f"my-{key.lower()}" for key in (
        "cluster", "host", "nats", "natsCreds", "natsTls", "registry", "dockerConfig")})
    assert not objects.of("Secret")
    env = objects.env()
    assert env["WASMCLOUD_CLUSTER_SEED"] == ("my-cluster", "clusterSeed")
    assert env["WASMCLOUD_HOST_SEED"] == ("my-host", "hostSeed")
    assert env["WASMCLOUD_CTL_SEED"] == ("my-nats", "ctlSeed")
    assert env["OCI_REGISTRY_USER"] == ("my-registry", "username")
    assert env["DOCKER_CONFIG"] == "/etc/trellis/docker"
    sources = next(each for each in objects.pod()["volumes"] if each["name"] == "config")["projected"]["sources"]
    assert {each["secret"]["name"] for each in sources} == {"my-natscreds", "my-natstls", "my-dockerconfig"}


CHANGES = {
    "manifest": ("manifest.actors", ["registry.example.com/a:2"], "checksum/config"),
    "registries": ("wasmcloud.config.registries", "[registry.\"x\"]\nplain_http = true\n", "checksum/config"),
    "authority": ("wasmcloud.config.caBundle", "-----BEGIN CERTIFICATE-----\n", "checksum/config"),
    "password": ("wasmcloud.config.registry.password", "other", "checksum/secret"),
    "seed": ("wasmcloud.config.clusterSeed", SEED.replace("Q", "R"), "checksum/secret"),
    "password beside a seed of theirs": ("wasmcloud.config.registry.password", "third", "checksum/secret"),
    "leaf credentials": ("nats.leafnode.credentials", "other", "checksum/secret"),
    "leaf": ("nats.leafnode.clusterURL", "nats-leaf://other", "checksum/nats"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_configuration_replaces_the_pods(helm, what):
    path, value, annotation = CHANGES[what]
    base = LEAF if path.startswith("nats.") else {}
    if "theirs" in what:
        base = {"wasmcloud.config.existingSecrets.cluster": "seed", "wasmcloud.config.registry.password": "other"}
    before, after = helm.render(base).annotations(), helm.render({**base, path: value}).annotations()
    assert before.get(annotation) != after[annotation]


def test_nothing_changed_replaces_no_pods(helm):
    one, two = (helm.render({**ALL_ON, "wasmcloud.config.apiRemote": False, "test.enabled": flag}) for flag in (True, False))
    assert one.one("Deployment") == two.one("Deployment")
    assert one.one("StatefulSet") == two.one("StatefulSet")


def test_nats_is_restarted_when_its_configuration_changes(helm):
    def of(values):
        return helm.render(values).one("StatefulSet")["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
    assert of({}) == of({"replicaCount": 3})
    assert of({}) != of({"nats.extraConfig": "max_payload: 2MB"})


@pytest.mark.parametrize("values, mode", [
    ({}, "statefulset"), ({"nats.enabled": False, "wasmcloud.config.rpcNatsHost": "n"}, "external"),
    ({"wasmcloud.config.rpcNatsHost": "n"}, "external"), (LEAF, "sidecar"), ({"nats.mode": "embedded"}, "embedded"),
    ({**LEAF, "nats.mode": "statefulset"}, "statefulset")], ids=lambda each: each if isinstance(each, str) else "")
def test_which_nats(helm, values, mode):
    objects = helm.render(values)
    env = objects.env()
    at = {"statefulset": f"{FULL}-nats", "external": "n", "sidecar": "127.0.0.1", "embedded": "0.0.0.0"}[mode]
    for of in ("RPC", "PROV_RPC", "CTL"):
        assert (env[f"WASMCLOUD_{of}_HOST"], env[f"WASMCLOUD_{of}_PORT"]) == (at, "4222")
    assert env["TRELLIS_BUS"] == ("embedded" if mode == "embedded" else "nats")
    assert env.get("TRELLIS_NATS_RELAY") == ("0.0.0.0:4222" if mode in ("statefulset", "external") else None)
    assert bool(objects.of("StatefulSet")) == (mode == "statefulset")
    assert [each["name"] for each in objects.pod().get("initContainers", [])] == (["nats"] if mode == "sidecar" else [])


def test_a_relay_for_the_pod_alone_leaves_nothing_that_leads_to_it(helm):
    own = helm.render({"wasmcloud.config.natsRelayHost": "127.0.0.1"})
    assert own.env()["TRELLIS_NATS_RELAY"] == "127.0.0.1:4222"
    assert [port["name"] for port in own.one("Service", FULL)["spec"]["ports"]] == ["washboard"]
    asks = {each["name"]: each.get("value") for each in own.one("Pod")["spec"]["containers"][0]["env"]}
    assert asks["WASMCLOUD_CTL_HOST"] == f"{FULL}-nats", "helm test asks NATS itself"
    # Where NATS is in the pod nothing is relayed, and the value changes nothing.
    beside = helm.render({"wasmcloud.config.natsRelayHost": "127.0.0.1", "nats.mode": "sidecar"})
    assert [port["name"] for port in beside.one("Service", FULL)["spec"]["ports"]] == ["washboard", "client"]


def test_addresses_of_2022_hold_where_nats_is_elsewhere(helm):
    config = {"rpcNatsHost": "r", "rpcNatsPort": 1, "providerNatsHost": "p", "providerNatsPort": "2",
              "controlNatsHost": "c", "controlNatsPort": 3}
    env = helm.render({**{f"wasmcloud.config.{key}": value for key, value in config.items()}, "nats.enabled": False}).env()
    assert [env[f"WASMCLOUD_{of}_{what}"] for of in ("RPC", "PROV_RPC", "CTL") for what in ("HOST", "PORT")] == [
        "r", "1", "p", "2", "c", "3"]


def test_a_sidecar_starts_before_the_host_and_ends_after_it(helm):
    nats, = helm.render(LEAF).pod()["initContainers"]
    assert nats["restartPolicy"] == "Always" and nats["startupProbe"]["tcpSocket"] == {"port": 4222}


def test_three_nats_servers_are_a_cluster(helm):
    objects = helm.render({"nats.replicas": 3})
    conf = objects.one("ConfigMap", f"{FULL}-nats")["data"]["nats.conf"]
    for ordinal in range(3):
        assert f"nats://{FULL}-nats-{ordinal}.{FULL}-nats-headless:6222" in conf
    assert objects.one("StatefulSet")["spec"]["replicas"] == 3
    assert objects.one("PodDisruptionBudget", f"{FULL}-nats")["spec"]["maxUnavailable"] == 1
    nats = objects.one("StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    assert nats["lifecycle"]["preStop"]["exec"]["command"][1] == "-sl=ldm=/run/nats/nats.pid"
    headless = objects.one("Service", f"{FULL}-nats-headless")["spec"]
    assert headless["clusterIP"] == "None" and headless["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("values, name", [({}, f"{FULL}-nats"), ({"nats.replicas": 3}, f"{FULL}-nats"),
                                          ({"nats.mode": "sidecar", "nats.jetstreamDomain": "leaf"}, FULL)],
                         ids=["one", "three", "sidecar"])
def test_the_nats_server_takes_its_configuration(helm, values, name, tmp_path):
    server = shutil.which("nats-server") or "/usr/sbin/nats-server"
    if not os.path.exists(server):
        pytest.skip("no nats-server here")
    conf = helm.render(values).one("ConfigMap", name)["data"]["nats.conf"]
    (tmp_path / "nats.conf").write_text(conf.replace("/data", str(tmp_path)))
    subprocess.run([server, "-t", "-c", tmp_path / "nats.conf"], check=True, capture_output=True, timeout=30,
                   env={"POD_NAME": "nats-0"})


def test_how_pods_are_replaced_and_end(helm):
    objects = helm.render()
    spec = objects.one("Deployment")["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 45
    env = objects.env()
    assert (env["TRELLIS_DRAIN_DELAY_MS"], env["TRELLIS_DRAIN_TIMEOUT_MS"]) == ("5000", "35000")
    for values in ({"wasmcloud.config.hostSeed": "SN" + "A" * 56}, {"nats.mode": "embedded", "persistence.enabled": True}):
        assert helm.render(values).one("Deployment")["spec"]["strategy"] == {"type": "Recreate"}


def test_probes(helm):
    host = helm.render({"probes.startup.failureThreshold": 9, "probes.liveness.enabled": False}).host()
    assert host["startupProbe"]["httpGet"] == {"path": "/api/livez", "port": "washboard"}
    assert host["startupProbe"]["failureThreshold"] == 9
    assert host["readinessProbe"]["httpGet"] == {"path": "/api/readyz", "port": "washboard"}
    assert "livenessProbe" not in host


def test_replicas_are_the_autoscalers_when_there_is_one(helm):
    objects = helm.render({"autoscaling.enabled": True, "autoscaling.metrics": [{"type": "Pods"}]})
    assert "replicas" not in objects.one("Deployment")["spec"]
    hpa = objects.one("HorizontalPodAutoscaler")["spec"]
    assert (hpa["minReplicas"], hpa["maxReplicas"], len(hpa["metrics"])) == (2, 5, 2)
    objects.one("PodDisruptionBudget", FULL)
    assert not helm.render().of("PodDisruptionBudget") and not helm.render().of("HorizontalPodAutoscaler")
    assert helm.render({"replicaCount": 0}).one("Deployment")["spec"]["replicas"] == 0


def test_a_variable_of_theirs_replaces_ours(helm):
    objects = helm.render({"extraEnv": [{"name": "TRELLIS_DRAIN_DELAY_MS", "value": "1"}]})
    assert objects.env()["TRELLIS_DRAIN_DELAY_MS"] == "1"
    assert [each["name"] for each in objects.host()["env"]].count("TRELLIS_DRAIN_DELAY_MS") == 1


def test_the_manifest_reaches_the_host_as_it_is(helm):
    objects = helm.render(ALL_ON)
    data = objects.one("ConfigMap", f"{FULL}-config")["data"]
    manifest = yaml.safe_load(data["manifest.yaml"])
    assert manifest["links"][1]["values"] == {"PASSWORD": {"file": "/etc/x"}, "MS": 3600000}
    assert manifest["actors"][1] == {"image_ref": "registry.example.com/b:1", "count": 2}
    assert "3600000" in data["manifest.yaml"], "not 3.6e+06: values of links are text"
    assert data["registries.toml"] == '[registry."*"]\nca_file = "/etc/trellis/ca.crt"\n'
    assert objects.env()["TRELLIS_MANIFEST"] == "/etc/trellis/manifest.yaml"


def test_ways_in_lead_to_the_http_service(helm):
    objects = helm.render(ALL_ON)
    service = objects.one("Service", f"{FULL}-http")["spec"]
    assert [(port["name"], port["port"], port["targetPort"]) for port in service["ports"]] == [
        ("http-80", 80, 8080), ("other", 8081, 8081)]
    backend = objects.one("Ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": f"{FULL}-http", "port": {"number": 80}}
    assert objects.one("HTTPRoute")["spec"]["rules"] == [{"backendRefs": [{"name": f"{FULL}-http", "port": 80}]}]
    own = helm.render({"ingress.enabled": True, "ingress.hosts": [{"paths": [{"service": "m", "port": 8080}]}]})
    assert own.one("Ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] == "m"


def test_the_dashboard_asks_for_metrics_that_there_are(helm):
    board = json.loads(helm.render(ALL_ON).one("ConfigMap", f"{FULL}-dashboard")["data"][f"{FULL}.json"])
    asked = {name for panel in board["panels"] for target in panel["targets"]
             for name in re.findall(r"\b(?:trellis|process)_\w+", target["expr"])}
    assert len(asked) > 10
    source = ROOT / "src" / "host" / "metrics_text.cc"
    if not source.exists():
        pytest.skip("this host has no /metrics")
    known = set(re.findall(r'"((?:trellis|process)_\w+)"', source.read_text()))
    assert {re.sub("_bucket$", "", name) for name in asked} <= known


def test_each_release_has_a_dashboard_of_its_own(helm):
    boards = []
    for release, namespace in (("a", "x"), ("b", "x"), ("a", "y")):
        objects = helm.render({"metrics.dashboard.enabled": True}, release=release, namespace=namespace)
        boards.append(json.loads(objects.one("ConfigMap", f"{release}-wasmcloud-host-dashboard")["data"][f"{release}-wasmcloud-host.json"]))
    for key in ("uid", "title"):
        assert len({board[key] for board in boards}) == 3, key
    assert all(re.fullmatch(r"[-\w]{1,40}", board["uid"]) for board in boards)


def test_images(helm):
    assert helm.render().host()["image"] == f"docker.io/trellis/trellis-host:{project_version()}"
    of_2022 = {"wasmcloud.image.repository": "wasmcloud/wasmcloud_host"}
    assert helm.render(of_2022).host()["image"] == helm.render().host()["image"]
    assert helm.render({**of_2022, "wasmcloud.image.tag": "0.59.0"}).host()["image"] == "wasmcloud/wasmcloud_host:0.59.0"
    digest = "sha256:" + "0" * 64
    values = {"wasmcloud.image.digest": digest, "global.image.registry": "mirror.example.com:5000/x"}
    objects = helm.render(values)
    assert objects.host()["image"] == f"mirror.example.com:5000/x/trellis/trellis-host@{digest}"
    nats = objects.one("StatefulSet")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert nats.startswith("mirror.example.com:5000/x/nats:")
    assert helm.render(ALL_ON).pod()["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]


def test_the_seed_that_the_chart_makes(helm):
    seeds = {helm.render(release=f"r{i}", own_seed=True).secret(f"r{i}-wasmcloud-host")["clusterSeed"] for i in range(4)}
    assert len(seeds) == 4
    for seed in seeds:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
        assert len(seed) == 58 and raw[:2] == b"\x90\x80"
        assert binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")
    host = pathlib.Path(os.environ.get("TRELLIS_BUILD", ROOT / "build" / "release")) / "bin" / "trellis"
    if host.exists():
        for seed in seeds:
            environment = {"WASMCLOUD_CLUSTER_SEED": seed, "HOME": "/nonexistent"}
            subprocess.run([host, "--check-config"], env=environment, check=True, capture_output=True, timeout=30)


def test_the_host_takes_what_the_chart_tells_it(helm):
    host = pathlib.Path(os.environ.get("TRELLIS_BUILD", ROOT / "build" / "release")) / "bin" / "trellis"
    if not host.exists():
        pytest.skip("no trellis here: make programs")
    for values in ({}, ARTICLE, {"nats.mode": "embedded"}, {"nats.mode": "sidecar"}, EXTERNAL,
                   {"wasmcloud.config.rpcTimeout": 3600000, "wasmcloud.config.cores": 2,
                    "wasmcloud.config.logging.logLevel": "warn"}):
        environment = {name: value for name, value in helm.render(values).env().items() if isinstance(value, str)}
        done = subprocess.run([host, "--check-config"], env=environment, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr


def test_notes_name_what_there_is(helm):
    assert f"port-forward deployment/{FULL} 4000 4222" in helm.notes()
    notes = helm.notes({**ARTICLE, "wasmcloud.config.latticePrefix": "blue"})
    assert "SUBSCRIPTION=wasmbus.evt.blue" in notes and "route-to=true, and these have none" not in notes
    assert "have none" in helm.notes({"wasmcloud.enableApplierSupport": True})
    assert "get inventory" in helm.notes({"manifest.actors": ["a"]})
    assert "nodePort" in helm.notes({"service.type": "NodePort"})


def test_the_release_step_makes_a_repository(helm, tmp_path):
    done = subprocess.run([ROOT / "scripts" / "package-chart.sh", tmp_path, "http://charts.example.com"], timeout=60,
                          env={**os.environ, "TRELLIS_HELM": helm.program}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    entry, = yaml.safe_load((tmp_path / "index.yaml").read_text())["entries"]["wasmcloud-host"]
    assert entry["appVersion"] == project_version()
    assert entry["urls"] == [f"http://charts.example.com/wasmcloud-host-{entry['version']}.tgz"]
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == project_version()


def test_helm_installs_from_that_repository(helm, tmp_path):
    out, home = tmp_path / "out", tmp_path / "home"
    server = HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=out))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {**os.environ, "TRELLIS_HELM": helm.program, "HELM_CACHE_HOME": str(home), "HELM_CONFIG_HOME": str(home),
                   "HELM_DATA_HOME": str(home), "no_proxy": "127.0.0.1"}
    url = f"http://127.0.0.1:{server.server_port}"

    def run(*command):
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout
    try:
        run(ROOT / "scripts" / "package-chart.sh", out, url)
        run(helm.program, "repo", "add", "wasmcloud", url)
        shown = run(helm.program, "template", "wasmcloud-test", "wasmcloud/wasmcloud-host", "--kube-version", KUBERNETES)
        assert f"name: {FULL}\n" in shown
    finally:
        server.shutdown()
        server.server_close()
