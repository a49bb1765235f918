"""Goal: what becomes of requests through a Service while pods are restarted, upgraded, scaled, deleted and killed.
Planned changes lose none, and next to none has to be sent again. A pod that is killed loses what it had in flight, and
what was sent to it until Kubernetes took it from the Service; after that no more, and the rate is whole again. Each
report is printed."""
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import host_pids
from load import NO_ANSWER, Load
from shell import wait_for

PER_SECOND = 100
ECHO = "wasmcloud.azurecr.io/echo:0.3.4"
ECHO_KEY = "MDEDQSBUBNYIPY73I23YOEQLDSQJT6LBPDRKGXA6PIRMGUX7G3W76MEM"
HTTP_SERVER = "VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M"
VALUES = {
    "replicaCount": 3,
    "manifest": {
        "actors": [ECHO],
        "capabilities": [{"image_ref": "wasmcloud.azurecr.io/httpserver:0.16.3"}],
        "links": [{"actor": ECHO_KEY, "provider_id": HTTP_SERVER, "contract_id": "wasmcloud:httpserver",
                   "values": {"ADDRESS": "0.0.0.0:8080"}}]},
    "http": {"service": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]}},
}


@pytest.fixture(scope="module")
def service(shell, chart):
    from conftest import Release
    release = Release(shell, chart, "load")
    release.install(VALUES)
    release.wait_until_ready(3)
    # The node's rules for a Service that is new follow its endpoints: a load is for one that is there.
    address = shell.json("get svc load-wasmcloud-host-http")["spec"]["clusterIP"]
    wait_for(lambda: all(connects(address) for _ in range(60)), 30, "the node leads to the Service")
    yield release
    release.uninstall()


def connects(address):
    try:
        socket.create_connection((address, 80), timeout=0.5).close()
        return True
    except OSError:
        return False


@pytest.fixture
def address(service):
    return service.shell.json("get svc load-wasmcloud-host-http")["spec"]["clusterIP"]


class Endpoints:
    """When the Service's ready endpoints changed: (seconds by the load's clock, how many)."""

    def __init__(self, shell, service, load):
        words = ["kubectl", "get", "endpointslices", "-l", f"kubernetes.io/service-name={service}", "--watch", "-o",
                 "jsonpath={.endpoints[*].conditions.ready}{'\\n'}"]
        _, command = shell.command(words)
        self.process = subprocess.Popen(command, env=shell.environment, stdout=subprocess.PIPE, text=True)
        self.changes = []
        self.load = load
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.changes.append((self.load.now(), line.split().count("true")))

    def stop(self):
        self.process.terminate()
        self.thread.join()
        return self.changes

    def first_below(self, count, after):
        return next((at for at, ready in self.changes if at >= after and ready < count), None)


def under_load(service, address, name, change, settle=4.5):
    """Runs `change` in the middle of a load, which goes on for `settle` seconds after it; its report, and the seconds at
    which the change began and ended."""
    load = Load(address, 80, PER_SECOND).start()
    endpoints = Endpoints(service.shell, "load-wasmcloud-host-http", load)
    try:
        time.sleep(2)
        begun = load.now()
        change()
        ended = load.now()
        time.sleep(settle)
    finally:
        report = load.stop()
        endpoints.stop()
    print(f"== {report.line(name)}", flush=True)
    assert report.answered > PER_SECOND, "there was a load"
    return report, endpoints, begun, ended


def rolled_out(service):
    service.shell.kubectl(f"rollout status deployment/{service.deployment} --timeout=180s")
    service.wait_until_ready(3)


def no_failure(report):
    assert report.failed == 0, report.failures[:10]
    # A request that crosses the closing of its kept connection: hosts say `Connection: close` before they close one.
    assert report.repeated <= 2, f"{report.repeated} had to be sent again"


def test_a_rolling_restart_loses_no_request(service, address):
    def restart():
        service.shell.kubectl(f"rollout restart deployment/{service.deployment}")
        rolled_out(service)
    no_failure(under_load(service, address, "rolling restart of 3 replicas", restart)[0])


def test_an_upgrade_and_a_rollback_lose_no_request(service, address):
    def upgrade():
        service.upgrade({**VALUES, "wasmcloud": {"config": {"hostLabels": {"kubernetes": "true", "round": "2"}}}})
        rolled_out(service)

    def rollback():
        service.shell.run("helm rollback load --wait --timeout 120s")
        rolled_out(service)
    no_failure(under_load(service, address, "helm upgrade", upgrade)[0])
    no_failure(under_load(service, address, "helm rollback", rollback)[0])


def test_a_pod_that_is_deleted_loses_no_request(service, address):
    def delete():
        service.shell.kubectl(f"delete pod {service.pods()[0]['metadata']['name']}")
        service.wait_until_ready(3)
    no_failure(under_load(service, address, "a pod deleted", delete)[0])


def test_scaling_from_one_to_five_loses_no_request(service, address):
    def scale(count):
        service.shell.kubectl(f"scale deployment/{service.deployment} --replicas={count}")
        service.wait_until_ready(count)
    scale(1)
    no_failure(under_load(service, address, "1 to 5 replicas", lambda: scale(5))[0])
    no_failure(under_load(service, address, "5 to 3 replicas", lambda: scale(3))[0])


def test_nats_restarted_loses_no_request(service, address):
    def restart():
        service.shell.kubectl("delete pod load-wasmcloud-host-nats-0")
        wait_for(lambda: service.shell.json("get statefulset load-wasmcloud-host-nats")["status"].get("readyReplicas") == 1, 60, "NATS")
    no_failure(under_load(service, address, "NATS restarted", restart)[0])
    service.wait_until_ready(3)


def only_until_removed(report, endpoints, begun):
    """Failures end a second after the endpoint was taken away, and the rate is whole again."""
    removed = endpoints.first_below(3, begun)
    assert removed is not None, "the endpoint was taken away"
    last = max((failure.at for failure in report.failures), default=begun)
    print(f"   {report.failed} failed in {max(0.0, last - begun):.2f} s; the endpoint was away after {removed - begun:.2f} s")
    # What was sent before may wait for its time limit; nothing else fails later, and nothing that was sent later.
    late = [failure for failure in report.failures
            if failure.at > removed + 1 and not (failure.what == NO_ANSWER and failure.sent < removed + 1)]
    assert not late, late[:10]
    rate = report.rate_between(removed + 1, removed + 3)
    assert rate >= 0.9 * PER_SECOND, f"{rate:.0f} answers a second after the endpoint was away"


def test_a_pod_that_is_removed_without_grace_fails_only_what_it_had(service, address):
    def delete():
        service.shell.kubectl(f"delete pod {service.pods()[0]['metadata']['name']} --grace-period=0 --force")
        service.wait_until_ready(3)
    report, endpoints, begun, _ = under_load(service, address, "a pod deleted without grace", delete)
    only_until_removed(report, endpoints, begun)


def test_a_host_that_is_killed_fails_only_what_it_had_in_flight(service, address, own_cluster):
    def kill():
        pod = service.pods()[0]
        keeper, host = host_pids(pod)
        os.kill(host, signal.SIGKILL)
        wait_for(lambda: host_pids(pod)[1] != host, 20, "the next host")
        service.wait_until_ready(3)
        assert host_pids(pod)[0] == keeper, "the container went on"
    report, _, begun, _ = under_load(service, address, "a host killed with SIGKILL", kill)
    # A request takes milliseconds here: what was in flight at that moment is a handful.
    assert report.failed <= PER_SECOND * 0.1, report.failures[:20]
    assert all(failure.at - begun < 1 for failure in report.failures), report.failures[:20]


def test_a_container_that_is_killed_fails_only_until_it_is_removed(service, address, own_cluster):
    def kill():
        pod = service.pods()[0]
        os.kill(host_pids(pod)[0], signal.SIGKILL)
        name = pod["metadata"]["name"]
        wait_for(lambda: service.shell.json(f"get pod {name}")["status"]["containerStatuses"][0]["restartCount"] > 0,
                 60, "the restart")
        service.wait_until_ready(3)
    report, endpoints, begun, _ = under_load(service, address, "a whole container killed with SIGKILL", kill)
    only_until_removed(report, endpoints, begun)


def test_the_replicas_are_one_lattice(service):
    with service.shell.lattice(service.deployment):
        hosts = service.shell.run("wash ctl get hosts").out
    assert len(re.findall(r"\bN[A-Z2-7]{55}\b", hosts)) == 3, hosts
