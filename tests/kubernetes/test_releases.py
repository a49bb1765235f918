"""Goal: what a platform team does after the first `helm install`: other NATS, two releases in a namespace, changes of the
configuration, `helm test`, a wrong tag; each leaves a release that serves."""
import json
import re

import pytest

from shell import wait_for
from test_bad_input import Walked
from test_load import ECHO, HTTP_SERVER, VALUES

ECHO_ANSWER = '{"body":[],"method":"GET","path":"/","query_string":""}'


def serving(**values):
    return {**VALUES, "replicaCount": 1, **values}


def answers(shell, service, port=80):
    with shell.forward(f"svc/{service}", f":{port}") as forwarded:
        return shell.run(f"curl -s localhost:{forwarded.group(1)}", quiet=True).out.strip()


def count_hosts(shell):
    return len(re.findall(r"\bN[A-Z2-7]{55}\b", shell.run("wash ctl get hosts").out))


@pytest.mark.parametrize("mode", ["statefulset", "sidecar", "embedded"])
def test_each_nats_serves(shell, release, mode):
    box = release(f"with-{mode}")
    box.install(serving(nats={"mode": mode}))
    box.wait_until_ready()
    assert answers(shell, f"{box.deployment}-http") == ECHO_ANSWER
    # In each of them localhost:4222 of the pod is the lattice's NATS.
    with shell.lattice(box.deployment):
        assert count_hosts(shell) == 1
    shell.run(f"helm test {box.name}")


def test_a_nats_that_is_there_already(shell, release):
    first = release("nats-owner")
    first.install(serving())
    first.wait_until_ready()
    second = release("nats-guest")
    second.install(serving(wasmcloud={"config": {"rpcNatsHost": "nats-owner-wasmcloud-host-nats",
                                                 "existingSecrets": {"cluster": "nats-owner-wasmcloud-host"}}}))
    second.wait_until_ready()
    with shell.lattice(second.deployment):
        assert count_hosts(shell) == 2, "both releases' hosts are in one lattice"
    assert answers(shell, f"{second.deployment}-http") == ECHO_ANSWER


def test_two_releases_in_one_namespace(shell, release):
    one, two = release("one"), release("two")
    applier = {"wasmcloud": {"enableApplierSupport": True}}
    one.install(serving(**applier))
    two.install(serving(**applier))
    one.wait_until_ready()
    two.wait_until_ready()
    assert answers(shell, "one-wasmcloud-host-http") == answers(shell, "two-wasmcloud-host-http") == ECHO_ANSWER
    one.uninstall()
    assert answers(shell, "two-wasmcloud-host-http") == ECHO_ANSWER


def test_a_release_is_refused_the_service_of_another(shell, release):
    walked = []
    for name, labels in (("first", {"wasmcloud.dev/route-to": "true"}), ("second", {"team": "second"})):
        box = release(name)
        box.install({"wasmcloud": {"enableApplierSupport": True, "customLabels": labels}})
        box.wait_until_ready()
        walked.append(Walked(shell, box))
    first, second = walked
    with shell.lattice(first.box.deployment):
        first.start()
        first.link_applier()
        first.link_echo("0.0.0.0:8080")
        wait_for(lambda: first.service in shell.kubectl("get svc", quiet=True).out, 20, "the Service")
    made = shell.json(f"get svc {first.service}")
    with shell.lattice(second.box.deployment):
        second.start()
        second.link_applier()
        second.link_echo("0.0.0.0:8081")
        second.says("Unable to apply", first.service, first.box.deployment, "another release")
        shell.run(f"wash ctl link del {second.echo} wasmcloud:httpserver")
        second.says("Unable to delete", first.service, first.box.deployment, "another release")
    left = shell.json(f"get svc {first.service}")
    assert (left["metadata"]["uid"], left["spec"]) == (made["metadata"]["uid"], made["spec"])
    assert answers(shell, first.service, 8080) == ECHO_ANSWER


def test_a_change_of_the_configuration_rolls_the_pods(shell, release):
    box = release("changing")
    box.install(serving())
    box.wait_until_ready()
    before = box.pods()[0]["metadata"]["name"]
    box.upgrade(serving())
    assert box.pods()[0]["metadata"]["name"] == before, "nothing changed, nothing is rolled"
    manifest = json.loads(json.dumps(VALUES["manifest"]))
    manifest["links"][0]["values"]["ADDRESS"] = "0.0.0.0:8090"
    box.upgrade(serving(manifest=manifest, http={"service": {"ports": [{"name": "http", "port": 80, "targetPort": 8090}]}}))
    wait_for(lambda: before not in [pod["metadata"]["name"] for pod in box.pods()], 60, "another pod")
    box.wait_until_ready()
    assert answers(shell, f"{box.deployment}-http") == ECHO_ANSWER


def test_an_autoscaler_takes_over_as_many_replicas_as_there_are(shell, release):
    box = release("scaled")
    box.install({"replicaCount": 2})
    box.wait_until_ready(2)
    before = {pod["metadata"]["name"] for pod in box.pods()}
    for _ in range(2):
        box.upgrade({"replicaCount": 2, "autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 3}})
        assert shell.json(f"get deployment {box.deployment}")["spec"]["replicas"] == 2
        assert {pod["metadata"]["name"] for pod in box.pods()} == before, "no pod went"


def test_an_image_tag_that_does_not_exist_leaves_the_old_pods(shell, release):
    box = release("tagged")
    box.install(serving())
    box.wait_until_ready()
    old = box.ready_pods()[0]["metadata"]["name"]
    box.upgrade(serving(wasmcloud={"image": {"tag": "0.0.0-nowhere"}}), wait=False)
    reasons = ("ErrImagePull", "ImagePullBackOff")
    wait_for(lambda: any(reason in shell.kubectl("get pods", quiet=True).out for reason in reasons), 60, "the failed pull")
    shell.kubectl("get pods")
    assert old in [pod["metadata"]["name"] for pod in box.ready_pods()], "the old pod goes on"
    assert answers(shell, f"{box.deployment}-http") == ECHO_ANSWER
    shell.run(f"helm rollback {box.name} --wait --timeout 90s")


def test_actors_that_are_not_there_keep_the_pod_unready_and_say_why(shell, release):
    box = release("wanting")
    manifest = {**VALUES["manifest"], "actors": [ECHO, "registry.invalid/nobody/none:1.0"]}
    box.install(serving(manifest=manifest), wait=False)
    wait_for(lambda: any(status.get("started") for pod in box.pods() for status in pod["status"].get("containerStatuses", [])),
             60, "a pod that has started")
    with shell.forward(f"deployment/{box.deployment}", ":4000") as forwarded:
        wait_for(lambda: "registry.invalid/nobody/none:1.0" in
                 shell.run(f"curl -s localhost:{forwarded.group(1)}/api/readyz", quiet=True).out, 30, "the reason")
        shell.run(f"curl -s localhost:{forwarded.group(1)}/api/readyz")
    assert not box.ready_pods()
