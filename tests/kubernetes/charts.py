"""Renders the chart with a real helm, and reads what came out."""
import base64
import functools
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "charts" / "wasmcloud-host"
# What is rendered for: a helm that was built from source takes itself for 1.20's.
KUBERNETES = "1.33.0"
# A seed spares most renderings the making of one.
SEED = "SCAF4TJYXFJSOF7RZEHBPN65PZHB5QTS5J5E2BFEWSUDNDRSX3FJQB5GKE"


class Refused(Exception):
    """helm said no; the text is what a person reads."""


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice: servers do, and PyYAML takes the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"keys that stand twice: {twice}, {node.start_mark}"
        return super().construct_mapping(node, deep)


def nested(flat):
    """{"a.b": 1} → {"a": {"b": 1}}; names of labels, which have dots themselves, are given as maps."""
    out = {}
    for path, value in flat.items():
        *above, last = path.split(".")
        inner = out
        for key in above:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return out


class Objects(list):
    def of(self, kind, name=None):
        return [each for each in self if each["kind"] == kind and name in (None, each["metadata"]["name"])]

    def one(self, kind, name=None):
        found = self.of(kind, name)
        assert len(found) == 1, f"{kind} {name}: {[each['metadata']['name'] for each in found]}"
        return found[0]

    def host(self):
        """The container of the host."""
        return next(each for each in self.pod()["containers"] if each["name"] == "wasmcloud-host")

    def pod(self):
        return self.one("Deployment")["spec"]["template"]["spec"]

    def annotations(self):
        return self.one("Deployment")["spec"]["template"]["metadata"]["annotations"]

    def env(self):
        """name → value, or (secret, key) where it comes from one"""
        out = {}
        for each in self.host()["env"]:
            source = each.get("valueFrom", {}).get("secretKeyRef")
            out[each["name"]] = (source["name"], source["key"]) if source else each.get("value", "")
        return out

    def secret(self, name):
        return {key: base64.b64decode(value).decode() for key, value in self.one("Secret", name)["data"].items()}

    def pods(self):
        """(name, spec, labels) of everything that is or makes a pod."""
        for each in self:
            if each["kind"] == "Pod":
                yield each["metadata"]["name"], each["spec"], each["metadata"]["labels"]
            elif each["kind"] in ("Deployment", "StatefulSet"):
                template = each["spec"]["template"]
                yield each["metadata"]["name"], template["spec"], template["metadata"]["labels"]


class Helm:
    def __init__(self, program):
        self.program = program

    def run(self, *arguments, stdin=None):
        done = subprocess.run([self.program, *map(str, arguments)], input=stdin, capture_output=True, text=True,
                              timeout=60)
        if done.returncode != 0:
            raise Refused(done.stdout + done.stderr)
        return done.stdout

    def render(self, values=None, *, release="wasmcloud-test", namespace="default", chart=CHART, own_seed=False):
        """`values` by dotted name; `own_seed` lets the chart make the cluster's seed."""
        values = nested(values or {})
        if not own_seed:
            config = values.setdefault("wasmcloud", {}).setdefault("config", {})
            if not config.get("existingSecrets", {}).get("cluster"):
                config.setdefault("clusterSeed", SEED)
        return self._rendered(json.dumps(values), release, namespace, str(chart), own_seed)

    @functools.lru_cache(maxsize=None)
    def _rendered(self, values, release, namespace, chart, _own_seed):
        text = self.run("template", release, chart, "--namespace", namespace, "--kube-version", KUBERNETES, "-f", "-",
                        stdin=values)
        return Objects(each for each in yaml.load_all(text, StrictLoader) if each)

    def notes(self, values=None, release="wasmcloud-test"):
        """NOTES.txt, rendered as a template: `helm install` of Helm 3 does not show it without a cluster."""
        with tempfile.TemporaryDirectory() as folder:
            chart = pathlib.Path(folder) / "chart"
            shutil.copytree(CHART, chart)
            (chart / "templates" / "NOTES.txt").rename(chart / "notes.txt")
            (chart / "templates" / "notes.yaml").write_text(
                'kind: Notes\nmetadata: {name: notes}\ntext: {{ tpl (.Files.Get "notes.txt") . | quote }}\n')
            return self.render(values, release=release, chart=chart).one("Notes")["text"]


def defaults():
    return yaml.safe_load((CHART / "values.yaml").read_text())


def project_version():
    return re.search(r"^project\(trellis VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
