"""The chart's values: those of 2022, what is refused and how, and that the papers tell the truth about them."""
import json
import subprocess
import sys

import pytest

from charts import CHART, ROOT, Refused, defaults

# Every key of wasmCloud's chart of 2022, with a value that is not its default.
OF_2022 = {
    "replicaCount": 2,
    "wasmcloud": {
        "config": {
            "rpcNatsHost": "rpc.example.com", "rpcNatsPort": 4223, "providerNatsHost": "prov.example.com",
            "providerNatsPort": 4224, "controlNatsHost": "ctl.example.com", "controlNatsPort": 4225,
            "clusterIssuers": "CA,CB", "clusterSeed": "SC" + "A" * 56, "hostKey": "NA", "latticePrefix": "blue",
            "rpcJWT": "a", "providerRpcJWT": "b", "ctlJWT": "c", "rpcTimeout": 2500, "providerRpcTimeout": "2600",
            "providerShutdownDelay": 400, "hostSeed": "", "rpcSeed": "SU" + "A" * 56, "providerRpcSeed": "SU" + "B" * 56,
            "ctlSeed": "SU" + "C" * 56, "jetstreamDomain": "core", "controlTopicPrefix": "w.c",
            "logging": {"structuredLoggingEnabled": True, "logLevel": "debug"},
            "otel": {"exporter": "otlp", "endpoint": "http://otel:4318"}, "ociAllowedInsecure": "registry:5000",
            "ociAllowLatest": True, "registry": {"url": "registry.example.com", "username": "me", "password": "p"},
            "hostLabels": {"kubernetes": "true", "Zone": "eu", "n": 7},
        },
        "enableApplierSupport": True,
        "customLabels": {"wasmcloud.dev/route-to": "true"},
        "image": {"repository": "example.com/host", "pullPolicy": "Always", "tag": "0.59.0"},
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
    },
    "nats": {
        "enabled": False, "jetstreamDomain": "leaf",
        "leafnode": {"enabled": False, "clusterURL": "nats-leaf://x", "credentials": "creds"},
        "image": {"repository": "nats", "pullPolicy": "Always", "tag": "2.7-alpine"}, "resources": {"limits": {"cpu": "1"}},
    },
    "imagePullSecrets": [{"name": "pull"}], "nameOverride": "n", "fullnameOverride": "f",
    "serviceAccount": {"create": False, "annotations": {"a": "b"}, "name": "sa"},
    "podAnnotations": {"a": "b"}, "podSecurityContext": {"fsGroup": 2000}, "securityContext": {"runAsUser": 1000},
    "service": {"type": "NodePort", "washboardPort": 4001, "natsPort": 8081},
    "nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}], "affinity": {"nodeAffinity": {}},
    "useService": True,
}
ENV_OF_2022 = {
    "WASMCLOUD_RPC_HOST": "rpc.example.com", "WASMCLOUD_RPC_PORT": "4223", "WASMCLOUD_PROV_RPC_HOST": "prov.example.com",
    "WASMCLOUD_PROV_RPC_PORT": "4224", "WASMCLOUD_CTL_HOST": "ctl.example.com", "WASMCLOUD_CTL_PORT": "4225",
    "WASMCLOUD_CLUSTER_ISSUERS": "CA,CB", "WASMCLOUD_CLUSTER_SEED": ("f", "clusterSeed"), "WASMCLOUD_HOST_KEY": "NA",
    "WASMCLOUD_LATTICE_PREFIX": "blue", "WASMCLOUD_RPC_JWT": ("f", "rpcJWT"),
    "WASMCLOUD_PROV_RPC_JWT": ("f", "providerRpcJWT"), "WASMCLOUD_CTL_JWT": ("f", "ctlJWT"),
    "WASMCLOUD_RPC_TIMEOUT_MS": "2500", "WASMCLOUD_PROV_RPC_TIMEOUT_MS": "2600", "WASMCLOUD_PROV_SHUTDOWN_DELAY_MS": "400",
    "WASMCLOUD_RPC_SEED": ("f", "rpcSeed"), "WASMCLOUD_PROV_RPC_SEED": ("f", "providerRpcSeed"),
    "WASMCLOUD_CTL_SEED": ("f", "ctlSeed"), "WASMCLOUD_JS_DOMAIN": "core", "WASMCLOUD_CTL_TOPIC_PREFIX": "w.c", "WASMCLOUD_STRUCTURED_LOGGING_ENABLED": "true",
    "WASMCLOUD_STRUCTURED_LOG_LEVEL": "debug", "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318", "WASMCLOUD_OCI_ALLOWED_INSECURE": "registry:5000",
    "WASMCLOUD_OCI_ALLOW_LATEST": "true", "OCI_REGISTRY": "registry.example.com", "OCI_REGISTRY_USER": "me",
    "OCI_REGISTRY_PASSWORD": ("f", "registryPassword"), "HOST_kubernetes": "true", "HOST_Zone": "eu", "HOST_n": "7",
}


def paths(values, prefix=""):
    """Dotted names of all keys, free maps as one."""
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from paths(value, f"{prefix}{key}.")


def schema_paths(schema, prefix=""):
    for key, inner in schema.get("properties", {}).items():
        yield f"{prefix}{key}"
        yield from schema_paths(inner, f"{prefix}{key}.")


def test_all_values_of_2022_do_what_they_did(helm):
    objects = helm.render(OF_2022)
    env = objects.env()
    assert {name: env.get(name) for name in ENV_OF_2022} == ENV_OF_2022
    deployment = objects.one("Deployment", "f")
    assert deployment["spec"]["replicas"] == 2
    template = deployment["spec"]["template"]
    assert template["metadata"]["labels"] == {"app.kubernetes.io/name": "n", "app.kubernetes.io/instance": "wasmcloud-test",
                                              "wasmcloud.dev/route-to": "true"}
    assert template["metadata"]["annotations"]["a"] == "b"
    spec, host = template["spec"], objects.host()
    assert host["image"] == "example.com/host:0.59.0" and host["imagePullPolicy"] == "Always"
    assert host["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}
    assert host["securityContext"]["runAsUser"] == 1000 and spec["securityContext"]["fsGroup"] == 2000
    assert spec["serviceAccountName"] == "sa" and spec["imagePullSecrets"] == [{"name": "pull"}]
    assert spec["nodeSelector"] == {"a": "b"} and spec["tolerations"] and spec["affinity"] == {"nodeAffinity": {}}
    service = objects.one("Service", "f")["spec"]
    assert service["type"] == "NodePort" and [port["port"] for port in service["ports"]] == [4001, 8081]
    assert not objects.of("ServiceAccount"), "create is false and there is a name: it exists"
    assert objects.one("RoleBinding")["subjects"] == [{"kind": "ServiceAccount", "name": "sa", "namespace": "default"}]


def test_the_leaf_of_2022_does_what_it_did(helm):
    values = {"replicaCount": 3, "nats.jetstreamDomain": "leaf", "nats.leafnode.enabled": True,
              "nats.leafnode.credentials": "creds", "nats.leafnode.clusterURL": "nats-leaf://x",
              "nats.image.tag": "2.7-alpine"}
    objects = helm.render(values)
    full = "wasmcloud-test-wasmcloud-host"
    conf = objects.one("ConfigMap", full)["data"]["nats.conf"]
    assert 'remotes = [ { url: "nats-leaf://x", credentials: "/nats/nats.creds" } ]' in conf and "domain: leaf" in conf
    assert objects.secret(f"{full}-nats") == {"nats.creds": "creds"}
    assert objects.pod()["initContainers"][0]["image"] == "nats:2.7-alpine"


SENTENCES = [
    ({"replicaCuont": 3}, "replicaCuont", "not allowed"),
    ({"wasmcloud.config.latticPrefix": "x"}, "latticPrefix", "not allowed"),
    ({"wasmcloud.enableAplierSupport": True}, "enableAplierSupport", "not allowed"),
    ({"nats.leafnode.url": "x"}, "nats.leafnode", "not allowed"),
    ({"replicaCount": "three"}, "replicaCount", "integer"),
    ({"nats.mode": "cluster"}, "nats.mode", "statefulset"),
    ({"nats.replicas": 2}, "nats.replicas", "3"),
    ({"manifest.links": [{"actor": "M"}]}, "manifest.links", "provider_id"),
    ({"probes.liveness.periodSecond": 1}, "periodSecond", "not allowed"),
    ({"replicaCount": 3, "nats.mode": "sidecar"}, "a lattice of its own", "nats.mode=statefulset"),
    ({"replicaCount": 2, "nats.mode": "embedded"}, "for one host", "nats.mode=statefulset"),
    ({"autoscaling.enabled": True, "nats.mode": "embedded"}, "autoscaling.maxReplicas is 5", "for one host"),
    ({"autoscaling.enabled": True, "autoscaling.minReplicas": 9}, "must not be above", "9"),
    ({"nats.leafnode.enabled": True}, "Credentials are required for a leafnode", "existingSecret"),
    ({"nats.enabled": False}, "wasmcloud.config.rpcNatsHost does not say where", ""),
    ({"nats.mode": "statefulset", "wasmcloud.config.rpcNatsHost": "n"}, "leave one of the two out", ""),
    ({"wasmcloud.config.clusterSeed": "SCx"}, "wasmcloud.config.clusterSeed is no seed", "wash keys gen cluster"),
    ({"wasmcloud.config.hostSeed": "SN" + "A" * 56, "replicaCount": 2}, "all hosts would have one key", ""),
    ({"wasmcloud.config.rpcJWT": "x"}, "wasmcloud.config.rpcSeed is not", "needs the seed"),
    ({"terminationGracePeriodSeconds": 10}, "no time is left", "drainDelayMs"),
    ({"wasmcloud.config.drainTimeoutMs": 40000}, "leaves 35000", ""),
    ({"manifest.actors": ["a"], "manifest.existingSecret": "s"}, "only one of them", ""),
    ({"ingress.enabled": True}, "http.service.ports is empty", ""),
    ({"httpRoute.enabled": True, "http.service.ports": [{"port": 80}]}, "httpRoute.parentRefs", ""),
    ({"persistence.enabled": True}, "nats.mode=embedded", "nats.persistence.enabled"),
    ({"rbac.extraRules": [{}]}, "wasmcloud.enableApplierSupport", ""),
    ({"metrics.serviceMonitor.enabled": True, "useService": False}, "metrics.podMonitor", ""),
]


@pytest.mark.parametrize("values, one, two", SENTENCES, ids=[" ".join(each[0]) for each in SENTENCES])
def test_what_cannot_work_is_refused_with_a_sentence(helm, values, one, two):
    with pytest.raises(Refused) as refused:
        helm.render(values)
    said = str(refused.value).replace("/", ".")
    assert one in said and two in said, said


def test_a_seed_that_is_wrong_is_not_shown(helm):
    with pytest.raises(Refused) as refused:
        helm.render({"wasmcloud.config.clusterSeed": "SCSECRET"})
    assert "SCSECRET" not in str(refused.value)


def test_a_chart_that_depends_on_this_one_may_switch_it_off(helm):
    helm.render({"enabled": True, "global.somebody": "else"}).one("Deployment")


def test_schema_and_values_have_the_same_keys():
    schema = json.loads((CHART / "values.schema.json").read_text())
    known, given = set(schema_paths(schema)), set(paths(defaults()))
    inside_free = {path for path in given if path not in known}
    free = ("podSecurityContext.", "securityContext.", "wasmcloud.resources.", "nats.resources.",
            "wasmcloud.config.hostLabels.", "metrics.dashboard.labels.")
    assert {path for path in inside_free if not path.startswith(free)} == set()
    probe = {f"probes.{which}" for which in ("startup", "liveness", "readiness")}
    assert {path for path in known - given if path.rsplit(".", 1)[0] not in probe} == {"enabled"}


def test_every_key_of_2022_is_one_of_ours():
    of_2022, ours = set(paths(OF_2022)), set(paths(defaults()))
    free = ("wasmcloud.customLabels.", "wasmcloud.resources.", "nats.resources.", "wasmcloud.config.hostLabels.",
            "serviceAccount.annotations.", "podAnnotations.", "podSecurityContext.", "securityContext.", "nodeSelector.",
            "affinity.")
    assert {path for path in of_2022 - ours if not path.startswith(free)} == set()


def test_the_readme_has_every_value_as_it_is():
    done = subprocess.run([sys.executable, ROOT / "scripts" / "chart-readme.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = (CHART / "README.md").read_text()
    schema = json.loads((CHART / "values.schema.json").read_text())
    known = set(schema_paths(schema)) - {"enabled"}
    leaves = {path for path in known if not any(other.startswith(path + ".") for other in known)}
    missing = {path for path in leaves if f"| `{path}` |" not in table and not path.startswith("probes.")}
    assert missing == set()
