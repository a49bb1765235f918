"""A real Kubernetes API server with etcd and the controllers, without nodes: objects appear, are checked, owned and collected.

Needs the program `kubeall` (etcd, API server, controller manager, kubectl in one) in the folder bin/ of the folder
that TRELLIS_KUBERNETES names.
"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest
from sandbox import free_ports, wait_for

FOLDER = os.environ.get("TRELLIS_KUBERNETES", "")
KUBEALL = pathlib.Path(FOLDER) / "bin" / "kubeall"
needs_kubernetes = pytest.mark.skipif(
    not FOLDER or not KUBEALL.exists(),
    reason="no Kubernetes: TRELLIS_KUBERNETES names no folder with bin/kubeall")


class KubernetesApi:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trellis-kubernetes-"))
        self.processes = []
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        etcd, peers, self.port, kcm = free_ports(4)
        subprocess.run(["openssl", "genrsa", "-out", "sa.key", "2048"], cwd=self.folder, check=True, capture_output=True)
        (self.folder / "tokens.csv").write_text('admin-token,admin,admin,"system:masters"\n')
        self._run("etcd", "--data-dir", self.folder / "etcd", "--listen-client-urls", f"http://127.0.0.1:{etcd}",
                  "--advertise-client-urls", f"http://127.0.0.1:{etcd}", "--listen-peer-urls", f"http://127.0.0.1:{peers}",
                  "--unsafe-no-fsync", "--log-level", "warn")
        self._run("kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}", "--bind-address=127.0.0.1",
                  f"--secure-port={self.port}", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
                  f"--cert-dir={self.folder}", "--token-auth-file=tokens.csv", "--authorization-mode=RBAC",
                  "--service-cluster-ip-range=10.0.0.0/16", "--service-account-issuer=https://kubernetes.default.svc",
                  "--service-account-signing-key-file=sa.key", "--service-account-key-file=sa.key")
        wait_for((self.folder / "apiserver.crt").exists, 120, "the API server's certificate")
        self.config = self.kubeconfig("admin", "admin-token", "default")
        wait_for(lambda: self.kubectl("get", "--raw", "/readyz", check=False).returncode == 0, 120, "the API server is ready")
        self._run("kube-controller-manager", f"--kubeconfig={self.config}", "--leader-elect=false",
                  "--bind-address=127.0.0.1", f"--secure-port={kcm}", f"--cert-dir={self.folder}",
                  "--controllers=garbage-collector-controller,serviceaccount-controller")

    def _run(self, *command):
        log = open(self.folder / f"{command[0]}.log", "wb")
        self.processes.append(subprocess.Popen([KUBEALL, *map(str, command)], cwd=self.folder, stdout=log, stderr=log))

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def kubeconfig(self, name, token, namespace, url=None, packed=False):
        """A file with those credentials; its path, or with `packed` a text that names no file."""
        certificate = (self.folder / "apiserver.crt").read_bytes()
        cluster = {"server": url or self.url, "certificate-authority-data": base64.b64encode(certificate).decode()}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "a",
                  "clusters": [{"name": "a", "cluster": cluster}], "users": [{"name": "a", "user": {"token": token}}],
                  "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": namespace}}]}
        text = json.dumps(config)
        if packed:
            return base64.b64encode(text.encode()).decode()
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(text)
        return path

    def kubectl(self, *args, check=True, **kwargs):
        run = subprocess.run([KUBEALL, "kubectl", "--kubeconfig", self.config, *map(str, args)], capture_output=True,
                             text=True, timeout=60, cwd=self.folder, **kwargs)
        if check and run.returncode != 0:
            pytest.fail(f"kubectl {' '.join(map(str, args))}: {run.stdout}{run.stderr}")
        return run

    def get(self, namespace, kind, name=None):
        """The object, or None; without a name all of them."""
        if name is None:
            return json.loads(self.kubectl("-n", namespace, "get", kind, "-o", "json").stdout)["items"]
        run = self.kubectl("-n", namespace, "get", kind, name, "-o", "json", check=False)
        return json.loads(run.stdout) if run.returncode == 0 else None

    def account(self, namespace, name, verbs="", resources="services"):
        """A token of a service account that may do these things there."""
        self.kubectl("-n", namespace, "create", "serviceaccount", name)
        if verbs:
            self.kubectl("-n", namespace, "create", "role", name, f"--verb={verbs}", f"--resource={resources}")
            self.kubectl("-n", namespace, "create", "rolebinding", name, f"--role={name}",
                         f"--serviceaccount={namespace}:{name}")
        return self.kubectl("-n", namespace, "create", "token", name).stdout.strip()

    def expired_token(self):
        """Signed by the server's own key, for an hour that is over."""
        def packed(value):
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        now = int(time.time())
        text = packed({"alg": "RS256"}) + b"." + packed(
            {"iss": "https://kubernetes.default.svc", "aud": ["https://kubernetes.default.svc"],
             "sub": "system:serviceaccount:default:gone", "iat": now - 7200, "nbf": now - 7200, "exp": now - 3600})
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.folder / "sa.key"], input=text, check=True,
                                capture_output=True).stdout
        return (text + b"." + packed(signed)).decode()
