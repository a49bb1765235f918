"""Commands as a person types them: printed with what they answer, run where the cluster's own network is.

In the network namespace of a test cluster the ports 4000, 4222 and 8080 are free whatever else runs on the machine, so
that the article's commands run word for word. With somebody's own cluster (KUBECONFIG) they run as they are.
"""
import contextlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
PROGRAMS = pathlib.Path(os.environ.get("TRELLIS_KUBERNETES", "/nonexistent"))  # what cluster/build.sh printed
STATE = os.environ.get("TRELLIS_CLUSTER_STATE", "")  # of cluster/up.sh; "" with a cluster of somebody's own
NETNS = ["nsenter", "--net=/run/netns/trellis"] if STATE else []
NAMES = {"kubectl": ["kubeall", "kubectl"], "helm": ["helm"], "helm4": ["helm4"]}


class Failed(AssertionError):
    pass


class Answer:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.text = (out + err).strip()


class Shell:
    """`namespace` is where kubectl and helm work; `home` is a home of its own, for wash and helm."""

    def __init__(self, namespace, home):
        self.namespace, self.home = namespace, pathlib.Path(home)
        self.environment = {**os.environ, "HOME": str(home), "HELM_NAMESPACE": namespace, "NO_COLOR": "1"}
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            self.environment.pop(name, None)

    def command(self, line):
        words = shlex.split(line) if isinstance(line, str) else [str(word) for word in line]
        name, rest = words[0], words[1:]
        if name in NAMES and PROGRAMS.exists():
            program = [str(PROGRAMS / "bin" / NAMES[name][0]), *NAMES[name][1:]]
        elif name in ("wash", "trellis"):
            program = [str(ROOT / "bin" / name)]
        else:
            program = [name]
        if name == "kubectl":
            program += ["-n", self.namespace]
        return words, [*NETNS, *program, *rest]

    def run(self, line, check=True, quiet=False, timeout=180, input=None):
        """Runs it; Failed with what was printed when it fails and `check` is set."""
        words, command = self.command(line)
        done = subprocess.run(command, env=self.environment, cwd=self.home, capture_output=True, text=True,
                              timeout=timeout, input=input)
        answer = Answer(done.returncode, done.stdout, done.stderr)
        if not quiet:
            print(f"$ {shlex.join(words)}", answer.text, sep="\n" if answer.text else "", flush=True)
        if check and done.returncode != 0:
            raise Failed(f"{shlex.join(words)} ended with {done.returncode}:\n{answer.text}")
        return answer

    def kubectl(self, line, **options):
        return self.run("kubectl " + line, **options)

    def json(self, line):
        return json.loads(self.kubectl(line + " -o json", quiet=True).out)

    @contextlib.contextmanager
    def in_background(self, line, until):
        """Runs it until the block ends; the block begins when it has printed `until` (a pattern, whose match is given)."""
        words, command = self.command(line)
        log = self.home / f"background-{time.monotonic_ns()}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen(command, env=self.environment, cwd=self.home, stdout=out,
                                       stderr=subprocess.STDOUT)
        try:
            match = wait_for(lambda: re.search(until, log.read_text()) or (process.poll() is not None and "ended"),
                             20, f"'{until}' of {shlex.join(words)}: {log.read_text()}")
            print(f"$ {shlex.join(words)} &", log.read_text().strip(), sep="\n", flush=True)
            if match == "ended":
                raise Failed(f"{shlex.join(words)} ended: {log.read_text()}")
            yield match
        finally:
            process.terminate()
            process.wait(10)

    def forward(self, target, *ports):
        return self.in_background(["kubectl", "port-forward", "--address", "127.0.0.1", target, *ports],
                                  r"Forwarding from 127\.0\.0\.1:(\d+)")

    @contextlib.contextmanager
    def lattice(self, deployment):
        """wash reaches the lattice of that deployment until the block ends, through a port that is free."""
        # A pod that stays: `port-forward deployment/…` may choose one that is ending.
        release = deployment.removesuffix("-wasmcloud-host")
        pods = self.json(f"get pods -l app.kubernetes.io/instance={release},app.kubernetes.io/name=wasmcloud-host")
        pod = next(each["metadata"]["name"] for each in pods["items"] if "deletionTimestamp" not in each["metadata"])
        with self.forward(f"pod/{pod}", ":4222") as forwarded:
            self.environment["WASMCLOUD_CTL_PORT"] = forwarded.group(1)
            try:
                yield
            finally:
                del self.environment["WASMCLOUD_CTL_PORT"]


def wait_for(condition, seconds=30.0, what="condition"):
    """Polls until `condition()` is truthy and returns that; fails after `seconds`, naming `what`."""
    end = time.monotonic() + seconds
    while True:
        try:
            value, why = condition(), ""
        except Failed as failed:
            value, why = None, f" ({failed})"
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"{what}{why}: not within {seconds} s")
        time.sleep(0.1)
