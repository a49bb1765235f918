"""Registries to push to and pull from: Debian's docker-registry, started by the test on a free port, with TLS, passwords
or tokens if wanted; and one of our own that misbehaves as it is told.
"""
import base64
import crypt
import hashlib
import http.server
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import urllib.request
import uuid

from sandbox import BUILD, free_port, wait_for

USER, PASSWORD = "tester", "s3cret-pa:ss"
ECHO_FILE = BUILD / "actors" / "echo_s.wasm"
ACTOR_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def openssl(*args, cwd, data=None):
    return subprocess.run(["openssl", *map(str, args)], cwd=cwd, input=data, check=True, capture_output=True).stdout


class Authority:
    """A certificate authority of the test's own and a certificate for this machine."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.ca, self.key, self.cert = (self.folder / n for n in ("ca.pem", "key.pem", "cert.pem"))
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-keyout", "ca.key", "-out", "ca.pem",
                "-subj", "/CN=Test authority", cwd=self.folder)
        (self.folder / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "csr.pem", "-subj",
                "/CN=localhost", cwd=self.folder)
        openssl("x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", 2,
                "-extfile", "ext", "-out", "cert.pem", cwd=self.folder)


class Registry:
    """Debian's docker-registry. start() may be called again after stop(): the content is kept."""

    def __init__(self, folder, tls=None, htpasswd=False, token=None, address="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.port, self.tls, self.process, self.address = free_port(), tls, None, address
        config = {"version": "0.1", "log": {"level": "error", "accesslog": {"disabled": True}},
                  "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")},
                              "delete": {"enabled": True}},
                  "http": {"addr": f"{address}:{self.port}", "secret": "x"}}
        if tls:
            config["http"]["tls"] = {"certificate": str(tls.cert), "key": str(tls.key)}
        if htpasswd:
            file = self.folder / "htpasswd"
            file.write_text(f"{USER}:{crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n")
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(file)}}
        if token:
            config["auth"] = {"token": {"realm": token.url, "service": "test", "issuer": "test",
                                        "rootcertbundle": str(token.authority.cert)}}
        (self.folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        self.start()

    @property
    def host(self):
        return f"{'localhost' if self.address == '127.0.0.1' else self.address}:{self.port}"

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(["docker-registry", "serve", str(self.folder / "config.yml")], stdout=log,
                                        stderr=log, env={**os.environ, "HOME": str(self.folder)})
        wait_for(self._answers, 20, "docker-registry answers")

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            socket.create_connection((self.address, self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            self.process = None

    def get(self, path, accept=MANIFEST):
        """A manifest or a blob, asked for without wash: (body, digest in the answer)."""
        context = ssl.create_default_context(cafile=self.tls.ca) if self.tls else None
        scheme = "https" if self.tls else "http"
        request = urllib.request.Request(f"{scheme}://{self.host}/v2/{path}", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=10, context=context) as r:
            return r.read(), r.headers.get("Docker-Content-Digest")

    def put(self, path, body, content_type):
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", data=body, method="PUT",
                                         headers={"Content-Type": content_type})
        with urllib.request.urlopen(request, timeout=10) as r:
            return r.headers.get("Docker-Content-Digest")

    def put_blob(self, repository, body):
        request = urllib.request.Request(f"http://{self.host}/v2/{repository}/blobs/uploads/", data=b"", method="POST")
        with urllib.request.urlopen(request, timeout=10) as r:
            location = r.headers["Location"]
        put = urllib.request.Request(f"{location}&digest={digest(body)}", data=body, method="PUT",
                                     headers={"Content-Type": "application/octet-stream"})
        urllib.request.urlopen(put, timeout=10).close()
        return {"digest": digest(body), "size": len(body)}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def manifest_of(layer, layer_type=ACTOR_LAYER, **other):
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST,
                       "config": {"mediaType": "application/vnd.wasm.config.v0+json", "size": 2, "digest": digest(b"{}")},
                       "layers": [{"mediaType": layer_type, "size": len(layer), "digest": digest(layer)}],
                       **other}).encode()


def provider_archive(box, gzip=True):
    """The bytes of an archive that `wash par create` made."""
    (box.folder / "binary").write_bytes(b"\x7fELF" + bytes(range(256)) * 40)
    box.wash("par", "create", "-c", "test:provider", "-v", "t", "-n", "Test", "-a", "x86_64-linux", "-b",
             box.folder / "binary", "--destination", "made.par.gz" if gzip else "made.par",
             *(["--compress"] if gzip else []))
    return (box.folder / ("made.par.gz" if gzip else "made.par")).read_bytes()


class Server:
    """An HTTP server on a thread of its own; `answer(handler)` writes what it likes. Remembers what it was asked."""

    def __init__(self, answer):
        self.asked = []
        self.over = threading.Event()  # for answers that wait
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                outer.asked.append((self.command, self.path, dict(self.headers)))
                self.close_connection = True
                try:
                    answer(self)
                except OSError:
                    pass  # the client went away: its right

            do_GET = do_HEAD = do_PUT = do_POST = handle_any

            def log_message(self, *args):
                pass

            def say(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if "Content_Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def host(self):
        return f"localhost:{self.port}"

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


class TokenServer(Server):
    """Hands out tokens docker-registry believes: to the tester for all it asks, to nobody for pulling `public`."""

    def __init__(self, authority):
        self.authority = authority
        super().__init__(self._answer)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/token"

    def _answer(self, handler):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)
        known = handler.headers.get("Authorization") == \
            "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if handler.headers.get("Authorization") and not known:
            return handler.say(401)
        access = []
        for scope in query.get("scope", []):
            kind, name, actions = scope.split(":")
            allowed = actions.split(",") if known else [a for a in actions.split(",") if a == "pull" and name == "public"]
            access.append({"type": kind, "name": name, "actions": allowed})
        handler.say(200, json.dumps({"token": self._token(access), "expires_in": 60}).encode())

    def _token(self, access):
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        pem = self.authority.cert.read_text()
        der = pem.split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0].replace("\n", "")
        now = int(time.time())
        head = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        claims = {"iss": "test", "sub": "x", "aud": "test", "exp": now + 60, "nbf": now - 60, "iat": now,
                  "jti": uuid.uuid4().hex, "access": access}
        signed = part(json.dumps(head).encode()) + "." + part(json.dumps(claims).encode())
        signature = openssl("dgst", "-sha256", "-sign", self.authority.key, cwd=self.authority.folder,
                            data=signed.encode())
        return signed + "." + part(signature)
