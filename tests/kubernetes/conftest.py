"""Fixtures of the tests on a cluster: a namespace under PodSecurity `restricted`, a chart repository, hosts in pods."""
import functools
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading

import pytest

from charts import Helm
from shell import NETNS, ROOT, STATE, Shell, wait_for

# Each helm there is: TRELLIS_HELM (paths, colon-separated), or `helm`.
HELMS = [each for each in os.environ.get("TRELLIS_HELM", shutil.which("helm") or "").split(":") if each]
HOST_ADDRESS = "10.99.0.254" if STATE else "127.0.0.1"  # of this machine, where the cluster's network sees it


def pytest_generate_tests(metafunc):
    if "helm" in metafunc.fixturenames:
        metafunc.parametrize("helm", HELMS or [None], indirect=True, scope="session",
                             ids=lambda program: os.path.basename(program) if program else "none")


@pytest.fixture(scope="session")
def helm(request):
    """The chart's tests without a cluster run for each helm."""
    if request.param is None:
        pytest.skip("no helm here: put Helm 3 or 4 on the path, or say where it is with TRELLIS_HELM")
    return Helm(request.param)


def pytest_collection_modifyitems(items):
    if os.environ.get("KUBECONFIG"):
        return
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="no cluster: `make k8s` starts one, or takes that of KUBECONFIG"))


@pytest.fixture(scope="session")
def cluster():
    """That there is one; its name space of addresses is reached from here when it is ours."""
    return bool(STATE)


@pytest.fixture(scope="session")
def own_cluster(cluster):
    if not cluster:
        pytest.skip("only on a cluster of the test's own: it reads the node's processes or imports images")


@pytest.fixture(scope="session")
def chart_repository(tmp_path_factory):
    """The URL under which the chart is served, as our release step builds it."""
    folder = tmp_path_factory.mktemp("charts")
    handler = functools.partial(QuietFiles, directory=str(folder))
    server = http.server.ThreadingHTTPServer((HOST_ADDRESS, 0), handler)
    url = f"http://{HOST_ADDRESS}:{server.server_address[1]}"
    subprocess.run([ROOT / "scripts/package-chart.sh", str(folder), url], check=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield url
    server.shutdown()
    thread.join()


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def shell(cluster, request, tmp_path_factory):
    """A shell in a namespace of the module's own that admits restricted pods only."""
    name = "trellis-" + request.module.__name__.removeprefix("test_").replace("_", "-")
    shell = Shell(name, tmp_path_factory.mktemp("home"))
    shell.run(["kubectl", "create", "namespace", name], quiet=True)
    shell.run(["kubectl", "label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"], quiet=True)
    yield shell
    if request.session.testsfailed:
        describe_failure(shell)
    shell.run(["kubectl", "delete", "namespace", name, "--wait=true"], quiet=True, check=False)


def describe_failure(shell):
    """What a person would look at next."""
    for line in ("get pods,svc,deploy,sts -o wide", "get events --sort-by=.lastTimestamp",
                 "logs -l app.kubernetes.io/name=wasmcloud-host --all-containers --prefix --tail=40"):
        shell.kubectl(line, check=False)


@pytest.fixture(scope="module")
def chart(shell, chart_repository):
    """`helm repo add` was done: the chart is wasmcloud/wasmcloud-host."""
    shell.run(f"helm repo add wasmcloud {chart_repository}")
    return "wasmcloud/wasmcloud-host"


class Release:
    """An installed chart."""

    def __init__(self, shell, chart, name, helm="helm"):
        self.shell, self.chart, self.name, self.helm = shell, chart, name, helm
        self.deployment = f"{name}-wasmcloud-host"

    def install(self, values, verb="install", wait=True, check=True):
        file = self.shell.home / f"{self.name}.json"
        file.write_text(json.dumps(values))
        waiting = ["--wait", "--timeout", "120s"] if wait else []
        return self.shell.run([self.helm, verb, self.name, self.chart, "-f", str(file), *waiting], check=check)

    def upgrade(self, values, **options):
        return self.install(values, verb="upgrade", **options)

    def uninstall(self):
        return self.shell.run([self.helm, "uninstall", self.name, "--wait"], check=False, quiet=True)

    def pods(self):
        listed = self.shell.json(f"get pods -l app.kubernetes.io/instance={self.name},"
                                 "app.kubernetes.io/name=wasmcloud-host")
        return [pod for pod in listed["items"] if "deletionTimestamp" not in pod["metadata"]]

    def ready_pods(self):
        return [pod for pod in self.pods() if any(condition["type"] == "Ready" and condition["status"] == "True"
                                                  for condition in pod["status"].get("conditions", []))]

    def wait_until_ready(self, count=1, seconds=90):
        wait_for(lambda: len(self.ready_pods()) == count == len(self.pods()), seconds, f"{count} ready pods")


@pytest.fixture
def release(shell, chart):
    """Makes releases; those that are still there are uninstalled when the test ends."""
    made = []

    def make(name, helm="helm"):
        made.append(Release(shell, chart, name, helm))
        return made[-1]

    yield make
    for each in made:
        each.uninstall()


def host_pids(pod):
    """The processes of a pod's host, on a node that is this machine: (the first, which keeps it; the host)."""
    container = next(status["containerID"].removeprefix("containerd://") for status in pod["status"]["containerStatuses"]
                     if status["name"] == "wasmcloud-host")
    keeper = pid_of_container(container)
    return keeper, int(pathlib.Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()[0])


def pid_of_container(container):
    listed = subprocess.run([*NETNS, "ctr", "-a", f"{STATE}/containerd.sock", "-n", "k8s.io", "tasks", "ls"],
                            capture_output=True, text=True, check=True)
    return next(int(line.split()[1]) for line in listed.stdout.splitlines() if line.startswith(container))
