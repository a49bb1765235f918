"""Servers of others, each on a free port and gone with the test, and the providers that lead to them."""
import contextlib
import http.server
import shutil
import subprocess
import tempfile
import threading

from sandbox import free_port, wait_for
import socket

REDIS_REF, REDIS = "wasmcloud.azurecr.io/kvredis:0.19.0", "VAZVC4RX54J2NVCMCW7BPCAHGGG5XZXDBXFUMDUXGESTMQEJLC3YVZWB"
STORE_REF, STORE = "builtin:keyvalue", "VDTNJTHEYRDYH34NIKJSZGFXADGK3MYTBL3BHZGBGF673WPURMNVLYLD"
NATS_REF, NATS = "wasmcloud.azurecr.io/nats_messaging:0.15.0", "VADNMSIML2XGO2X4TPIONTIC55R2UUQGPPDZPAVSC2QD7E76CR77SPW7"
CLIENT_REF, CLIENT = "wasmcloud.azurecr.io/httpclient:0.6.0", "VCCVLH4XWGI3SGARFNYKYT2A32SUYA2KVAIV2U2Q34DQA7WWJPFRKIKM"
KEY_VALUE, MESSAGING, HTTP_CLIENT = "wasmcloud:keyvalue", "wasmcloud:messaging", "wasmcloud:httpclient"


def link(host, actor, provider, contract, *values):
    """Puts a link; what wash said about it."""
    run = host.wash("ctl", "link", "put", actor, provider, contract, *values)
    return run.stdout + run.stderr


def status(host, actor, contract):
    return next(l for l in host.links() if l["actor_id"] == actor and l["contract_id"] == contract)


def behind_http(host, reference):
    """Starts the actor and links it to a listener of its own; its key and the listener's port."""
    if not any(p["contract_id"] == "wasmcloud:httpserver" for p in host.inventory()["providers"]):
        host.start_provider()
    host.start_actor(reference)
    key, port = host.actor_key(reference), free_port()
    host.put_link(key, f"ADDRESS=127.0.0.1:{port}")
    return key, port


def takes_connections(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A server as a process of its own."""

    def __init__(self, command, port):
        self.command, self.port = command, port
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: takes_connections(self.port), 20, f"{self.command[0]} is up")

    def stop(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def redis_server():
    port, folder = free_port(), tempfile.mkdtemp(prefix="trellis-redis-")
    server = Process(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder], port)
    server.url = f"redis://127.0.0.1:{port}"
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def nats_server():
    port = free_port()
    server = Process([shutil.which("nats-server") or "/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", str(port)], port)
    server.url = f"nats://127.0.0.1:{port}"
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def web_server(answers):
    """An HTTP server; `answers` maps a path to (status, headers, body). Keeps what it was asked in .asked."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            code, headers, body = answers.get(self.path, (404, {}, b"no such page"))
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.port = [], server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
