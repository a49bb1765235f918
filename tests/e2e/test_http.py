"""HTTP through an actor, as clients that misbehave see it."""
import concurrent.futures
import json
import resource
import socket
import ssl
import subprocess
import time
import urllib.request

import guests
from sandbox import ECHO_BODY, ECHO_REF, free_port, http, wait_for


def raw(port, data, seconds=10):
    """Sends bytes, returns what comes back until the server closes or `seconds` pass."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as s:
        s.sendall(data)
        out = b""
        try:
            while chunk := s.recv(65536):
                out += chunk
        except TimeoutError:
            pass
        return out


def test_methods_headers_query_and_body_reach_the_actor(host):
    port = free_port()
    host.echo_on(port)
    answer = http(port, "/a%20b?x=%26", data=bytes([0, 255]), method="PUT")
    assert json.loads(answer.body) == {"body": [0, 255], "method": "PUT", "path": "/a%20b", "query_string": "x=%26"}


def test_chunked_bodies_and_pipelining(host):
    port = free_port()
    host.echo_on(port)
    out = raw(port, b"POST /one HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
                    b"GET /two HTTP/1.1\r\nHost: x\r\n\r\n"
                    b"GET /three HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert out.count(b"HTTP/1.1 200 OK") == 3
    assert out.index(b'"body":[104,105]') < out.index(b'"path":"/two"') < out.index(b'"path":"/three"')


def test_a_body_over_the_limit_is_413_before_it_is_sent(host):
    port = free_port()
    host.echo_on(port)
    out = raw(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    assert out.startswith(b"HTTP/1.1 413")
    assert http(port).body == ECHO_BODY


def test_headers_over_the_limit_are_431_and_nonsense_is_400(host):
    port = free_port()
    host.echo_on(port)
    assert raw(port, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431")
    assert raw(port, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_clients_that_go_away_or_send_nothing_cost_the_others_nothing(host):
    port = free_port()
    host.echo_on(port)
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    for s in idle[:100]:
        s.sendall(b"GET / HTTP/1.1\r\nHo")  # and never the rest
    for _ in range(50):
        gone = socket.create_connection(("127.0.0.1", port))
        gone.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()  # a reset, before the answer
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(a.body == ECHO_BODY for a in pool.map(lambda _: http(port), range(200)))
    for s in idle:
        s.close()
    assert host.is_ready()


def test_sockets_that_idle_do_not_keep_others_out(box):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        host = box.start_host()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    port = free_port()
    host.echo_on(port)
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(400)]
    assert http(port).body == ECHO_BODY
    assert host.is_ready()
    for s in idle:
        s.close()


def test_too_many_calls_are_503_with_retry_after(box):
    host = box.start_host(TRELLIS_ACTOR_CALLS_MAX="1", TRELLIS_CORES="1")
    host.start_provider()
    port = free_port()
    path = host.build_actor("loop", guests.LOOP)
    host.start_actor(f"file://{path}")
    host.put_link(host.actor_key(f"file://{path}"), f"ADDRESS=127.0.0.1:{port}", 'config_json={"timeout_ms":1000}')
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: http(port, timeout=20), range(12)))
    assert {a.status for a in answers} == {503}
    assert any(a.headers["retry-after"] == "1" for a in answers)  # one ran, four waited, the others were shed


def test_tls_and_a_certificate_that_is_renewed(host):
    certificate, key = host.folder / "cert.pem", host.folder / "key.pem"
    port = free_port()
    settings = {"address": f"127.0.0.1:{port}", "tls": {"cert_file": str(certificate), "priv_key_file": str(key)}}

    def renew():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key),
                        "-out", str(certificate)], check=True, capture_output=True)

    def put(check=True):
        return host.put_link(host.actor_key(ECHO_REF), f"config_json={json.dumps(settings)}", check=check)

    def get(trust):
        with urllib.request.urlopen(f"https://localhost:{port}/", context=trust, timeout=10) as answer:
            return answer.read()

    host.start_provider()
    host.start_actor(ECHO_REF)
    for _ in range(2):  # the second time under the same names, with the same link
        renew()
        put()
        trust = ssl.create_default_context(cafile=str(certificate))
        assert get(trust) == ECHO_BODY
    certificate.write_text("damaged")
    answer = put(check=False)
    assert "goes on with the certificate that was loaded before" in answer.stdout + answer.stderr
    assert get(trust) == ECHO_BODY


def test_cors_preflight(host):
    port = free_port()
    host.echo_on(port)
    answer = http(port, method="OPTIONS", headers={"Origin": "http://a", "Access-Control-Request-Method": "PUT"})
    assert answer.status == 200 and answer.headers["access-control-allow-origin"] == "http://a"
    assert http(port, method="OPTIONS",
                headers={"Origin": "http://a", "Access-Control-Request-Method": "PATCH"}).status == 403


def test_probes_and_page(host):
    assert http(host.dashboard_port, "/api/livez").body == b'{"live":true}\n'
    assert http(host.dashboard_port, "/api/readyz").body == b'{"ready":true}\n'
    page = http(host.dashboard_port, "/")
    assert page.status == 200 and b"<h2>Actors</h2>" in page.body
    assert http(host.dashboard_port, "/nothing").status == 404
    assert http(host.dashboard_port, "/api/v1/links", method="DELETE").status == 405


def test_an_idle_host_does_not_compute(host):
    host.echo_on(free_port())

    def ticks():
        fields = open(f"/proc/{host.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def two_seconds_cost():
        before = ticks()
        time.sleep(2)  # what it does in a while is what this is about
        return ticks() - before

    # Of 200: three percent of one processor. Once what the start left to do is done, which takes as long as it takes.
    wait_for(lambda: two_seconds_cost() <= 6, 30, "the idle host is idle")
