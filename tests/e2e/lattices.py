"""Several hosts that form one lattice over a real NATS server, all on this machine and gone with the test."""
import contextlib
import json
import shutil
import tempfile

from sandbox import ECHO_REF, HTTP_SERVER_REF, Sandbox, free_port, wait_for
from nats_client import NatsClient
from servers import Process


def nats_command(port, *options, program=None):
    return [program or shutil.which("nats-server") or "/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", str(port), *options]


class Lattice:
    """`hosts` are started by start(); each has a home of its own. `nats.stop()` and `.start()` take NATS away."""

    def __init__(self, *options, jetstream=True, port=None, program=None):
        self.port = port or free_port()
        self.folder = tempfile.mkdtemp(prefix="trellis-lattice-")
        store = ["-js", "-sd", self.folder] if jetstream else []
        self.nats = Process(nats_command(self.port, *store, *options, program=program), self.port)
        self.hosts, self.seed = [], None

    def sandbox(self, **env):
        box = Sandbox(tempfile.mkdtemp(prefix="trellis-e2e-"))
        port = str(self.port)
        box.env.update({"TRELLIS_BUS": "nats", "TRELLIS_CORES": "1", "WASMCLOUD_RPC_PORT": port,
                        "WASMCLOUD_CTL_PORT": port, "NATS_PORT": port, **env})
        box.bus_port = self.port
        if self.seed is None:
            self.seed = json.loads(box.wash("keys", "gen", "cluster", "-o", "json").stdout)["seed"]
        box.env.setdefault("WASMCLOUD_CLUSTER_SEED", self.seed)
        self.hosts.append(box)
        return box

    def start(self, count=1, **env):
        made = [self.sandbox(**env) for _ in range(count)]
        for box in made:
            box.start_host(wait=False)
        for box in made:
            wait_for(box.is_ready, 30, "host is ready")
            box.id = box.inventory()["host_id"]
        return made if count > 1 else made[0]

    def client(self):
        return NatsClient(self.port)

    def stop(self):
        try:
            for box in self.hosts:
                box.close()
        finally:
            self.nats.stop()
            for folder in [self.folder, *(box.folder for box in self.hosts)]:
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def lattice(*options, **more):
    made = Lattice(*options, **more)
    try:
        yield made
    finally:
        made.stop()


def start_echo(box):
    """Echo on this very host; its key."""
    box.wash("ctl", "start", "actor", ECHO_REF, "--host-id", box.id)
    return wait_for(lambda: next((a["id"] for a in box.inventory()["actors"] if a["image_ref"] == ECHO_REF), None),
                    5, "echo runs")


def start_http(box, reference=HTTP_SERVER_REF):
    box.wash("ctl", "start", "provider", reference, "--host-id", box.id)
