"""What every end-to-end test starts from: the built programs, a home of its own, free ports, a host.

Nothing is shared between tests and nothing is left running: a host is started by the test that needs it and stopped
(or killed) when the test ends.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TRELLIS_BUILD", ROOT / "build" / "release"))
HTTP_SERVER = "VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M"
HTTP_SERVER_REF = "wasmcloud.azurecr.io/httpserver:0.16.3"
ECHO_REF = "wasmcloud.azurecr.io/echo:0.3.4"
ECHO_BODY = b'{"body":[],"method":"GET","path":"/","query_string":""}'


def free_ports(count):
    """That many different ones: asked for one by one, the system may give the same again."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def free_port():
    return free_ports(1)[0]


def wait_for(condition, seconds=10.0, what="condition"):
    """Polls until `condition()` is truthy and returns it; fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"{what} did not come true within {seconds} s")
        time.sleep(0.02)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def http(port, path="/", data=None, method=None, headers=None, timeout=10):
    """One HTTP request to this machine; statuses are answers, not exceptions."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as r:
            return Answer(r.status, r.headers, r.read())
    except urllib.error.HTTPError as e:
        return Answer(e.code, e.headers, e.read())


class Log(str):
    """What a host has logged. It writes on a thread of its own, so `in` waits a moment for what is on its way."""

    def __new__(cls, box):
        text = super().__new__(cls, box.read_log())
        text.box = box
        return text

    def __contains__(self, words):
        end = time.monotonic() + 2
        while True:
            late = self.box.process is None or self.box.process.poll() is not None or time.monotonic() > end
            if words in self.box.read_log():
                return True
            if late:
                return False
            time.sleep(0.02)


class Sandbox:
    """A home directory, ports, and the programs run with them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.bus_port, self.dashboard_port = free_ports(2)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("WASMCLOUD_", "TRELLIS_", "WASH_", "HOST_", "XDG_"))}
        self.env.update(
            HOME=str(self.folder), TMPDIR=str(self.folder), USER="tester",
            PATH=f"{BUILD / 'bin'}:{os.environ['PATH']}",
            WASMCLOUD_RPC_PORT=str(self.bus_port), WASMCLOUD_CTL_PORT=str(self.bus_port),
            NATS_PORT=str(self.bus_port), WASMCLOUD_DASHBOARD_PORT=str(self.dashboard_port),
            # Registries elsewhere are out of reach: what asks for one is refused at once.
            http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9", no_proxy="localhost,127.0.0.1",
            # One cache of compiled code for the whole run: a test is not about compiling unless it says so.
            TRELLIS_CACHE_DIR=str(BUILD / "e2e-code-cache"))
        self.process = None
        self.log_path = self.folder / "host.log"

    def wash(self, *args, check=True, timeout=60, **kwargs):
        run = subprocess.run(["wash", *map(str, args)], env=self.env, cwd=self.folder, capture_output=True, text=True,
                             timeout=timeout, **kwargs)
        if check and run.returncode != 0:
            pytest.fail(f"wash {' '.join(map(str, args))} exited {run.returncode}\n{run.stdout}\n{run.stderr}\n"
                        f"--- host log ---\n{self.log()[-3000:]}")
        return run

    def wash_json(self, *args, **kwargs):
        return json.loads(self.wash(*args, "-o", "json", **kwargs).stdout)

    def start_host(self, *arguments, wait=True, **env):
        self.process = subprocess.Popen(["trellis", *arguments], env={**self.env, **env}, cwd=self.folder,
                                        stdout=subprocess.DEVNULL, stderr=open(self.log_path, "ab"))
        if wait:
            wait_for(self.is_ready, 20, "host is ready")
        return self

    def is_ready(self):
        if self.process and self.process.poll() is not None:
            pytest.fail(f"the host exited {self.process.returncode}\n{self.log()}")
        try:
            return http(self.dashboard_port, "/api/readyz", timeout=2).status == 200
        except OSError:
            return False

    def stop_host(self, sig=signal.SIGTERM, timeout=30):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait(timeout)
        code = self.process.returncode if self.process else None
        self.process = None
        return code

    def log(self):
        return Log(self)

    def read_log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def host_id(self):
        return self.wash_json("ctl", "get", "hosts", "-t", "500")["hosts"][0]["id"]

    def inventory(self):
        return json.loads(http(self.dashboard_port, "/api/v1/inventory").body)

    def links(self):
        return json.loads(http(self.dashboard_port, "/api/v1/links").body)["links"]

    def start_actor(self, reference, **kwargs):
        return self.wash("ctl", "start", "actor", reference, "--auction-timeout-ms", "1000", **kwargs)

    def start_provider(self, reference=HTTP_SERVER_REF, **kwargs):
        return self.wash("ctl", "start", "provider", reference, "--auction-timeout-ms", "1000", **kwargs)

    def actor_key(self, reference):
        return next(a["id"] for a in self.inventory()["actors"] if a["image_ref"] == reference)

    def put_link(self, actor, *values, check=True):
        return self.wash("ctl", "link", "put", actor, HTTP_SERVER, "wasmcloud:httpserver", *values, check=check)

    def delete_link(self, actor):
        return self.wash("ctl", "link", "del", actor, "wasmcloud:httpserver")

    def echo_on(self, port):
        """Echo behind HTTP on `port`; returns its key."""
        self.start_provider()
        self.start_actor(ECHO_REF)
        key = self.actor_key(ECHO_REF)
        self.put_link(key, f"ADDRESS=127.0.0.1:{port}")
        return key

    def build_actor(self, name, wat, *sign_options, contract="-q"):
        """Compiles WebAssembly text and signs it; returns the path of the signed module."""
        source, wasm, signed = (self.folder / f"{name}{end}" for end in (".wat", ".wasm", "_s.wasm"))
        source.write_text(wat)
        subprocess.run(["wat2wasm", str(source), "-o", str(wasm)], check=True)
        self.wash("claims", "sign", wasm, "-d", signed, "-n", name, contract, *sign_options)
        return signed

    def close(self):
        try:
            self.stop_host()
        except subprocess.TimeoutExpired:
            self.stop_host(signal.SIGKILL)
            pytest.fail(f"the host did not stop\n{self.log()[-3000:]}")


def strip_ansi(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
