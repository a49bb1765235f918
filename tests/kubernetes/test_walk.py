"""Goal: the walk of the article of November 2022, word for word, from `helm install` to `curl` through a Service that
is there because a link was made; then what it did not show: that the Service goes with the link and with the release."""
import json
import re

import pytest

from shell import wait_for

VALUES = """
wasmcloud:
  enableApplierSupport: true
  customLabels:
    wasmcloud.dev/route-to: "true"
"""
ECHO_ANSWER = '{"body":[],"method":"GET","path":"/","query_string":""}'
NATS = "VADNMSIML2XGO2X4TPIONTIC55R2UUQGPPDZPAVSC2QD7E76CR77SPW7"
HTTP_SERVER = "VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M"


def key_of(shell, reference):
    return json.loads(shell.run(f"wash claims inspect {reference} -o json", quiet=True).out)["module"]


@pytest.mark.parametrize("program", ["helm", "helm4"])
def test_the_article(shell, chart, release, program):
    if program == "helm4" and shell.run("helm4 version", check=False, quiet=True).code != 0:
        pytest.skip("no Helm 4 here")
    article = release("wasmcloud-test", program)
    (shell.home / "values.yaml").write_text(VALUES)
    shell.run(f"{program} install wasmcloud-test {chart} -f values.yaml")
    wait_for(lambda: re.search(r"wasmcloud-test-wasmcloud-host +1/1", shell.kubectl("get deployments", quiet=True).out),
             90, "the deployment")
    shell.kubectl("get deployments")
    with (shell.forward("deployment/wasmcloud-test-wasmcloud-host", "4000"),
          shell.forward("deployment/wasmcloud-test-wasmcloud-host", "4222")):
        assert json.loads(shell.run("curl -s localhost:4000/api/readyz").out)["ready"] is True
        assert "<html" in shell.run("curl -s localhost:4000/", quiet=True).out
        walk(shell)
    # An uninstalled release leaves nothing behind, its Services neither.
    shell.run("wash ctl link query", check=False, quiet=True)
    assert {kind_of(name) for name in others_of("wasmcloud-test", shell)} >= {"secret", "configmap", "serviceaccount", "role", "rolebinding"}
    article.uninstall()
    wait_for(lambda: not shell.kubectl("get all", quiet=True).out.strip(), 60, "an empty namespace")
    wait_for(lambda: not others_of("wasmcloud-test", shell), 10, "nothing of the release")


def others_of(release, shell):
    """What of a release `kubectl get all` does not show."""
    kinds = "secrets,configmaps,roles,rolebindings,serviceaccounts,pvc"
    return shell.kubectl(f"get {kinds} -l app.kubernetes.io/instance={release} -o name", quiet=True).out.split()


def kind_of(name):
    return name.split("/")[0].split(".")[0]


def walk(shell):
    for reference in ("applier:0.3.0", "nats_messaging:0.14.5", "httpserver:0.16.3"):
        shell.run(f"wash ctl start provider wasmcloud.azurecr.io/{reference}")
    for reference in ("service_applier:0.3.0", "echo:0.3.4"):
        shell.run(f"wash ctl start actor wasmcloud.azurecr.io/{reference}")
    service_applier = key_of(shell, "wasmcloud.azurecr.io/service_applier:0.3.0")
    echo = key_of(shell, "wasmcloud.azurecr.io/echo:0.3.4")
    inventory = shell.run("wash ctl get hosts -o json", quiet=True).out
    host = json.loads(inventory)["hosts"][0]["id"]
    providers = json.loads(shell.run(f"wash ctl get inventory {host} -o json", quiet=True).out)["inventory"]["providers"]
    applier = next(each["id"] for each in providers if "applier" in (each.get("image_ref") or ""))
    shell.run(f"wash ctl link put {service_applier} {NATS} wasmcloud:messaging "
              "SUBSCRIPTION=wasmbus.evt.default URI=nats://localhost:4222")
    shell.run(f"wash ctl link put {service_applier} {applier} cosmonic:kubernetes_applier")
    shell.run(f"wash ctl link put {echo} {HTTP_SERVER} wasmcloud:httpserver 'ADDRESS=0.0.0.0:8080'")

    service = echo.lower()
    pattern = rf"{service} +ClusterIP +\S+ +<none> +8080/TCP"
    wait_for(lambda: re.search(pattern, shell.kubectl("get svc", quiet=True).out), 10, "the Service")
    shell.kubectl("get svc")
    with shell.forward(f"svc/{service}", "8080"):
        assert shell.run("curl -s localhost:8080").out.strip() == ECHO_ANSWER
    owned = shell.json(f"get svc {service}")["metadata"]
    assert [owner["name"] for owner in owned["ownerReferences"]] == ["wasmcloud-test-wasmcloud-host"]
    assert owned["labels"]["wasmcloud.dev/actor-id"] == echo

    shell.run(f"wash ctl link del {echo} wasmcloud:httpserver")
    wait_for(lambda: service not in shell.kubectl("get svc", quiet=True).out, 10, "the Service gone")
    shell.kubectl("get svc")
    # Made once more, and left for the release's end.
    shell.run(f"wash ctl link put {echo} {HTTP_SERVER} wasmcloud:httpserver 'ADDRESS=0.0.0.0:8080'", quiet=True)
    wait_for(lambda: service in shell.kubectl("get svc", quiet=True).out, 10, "the Service")
