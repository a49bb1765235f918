"""The examples, as their READMEs show them."""
import json
import urllib.parse

import guests
from sandbox import http, wait_for
from nats_client import NatsClient
from servers import (CLIENT, CLIENT_REF, HTTP_CLIENT, KEY_VALUE, MESSAGING, NATS, NATS_REF, REDIS, REDIS_REF, STORE,
                     STORE_REF, behind_http, link, redis_server, web_server)

KVCOUNTER_REF = "wasmcloud.azurecr.io/kvcounter:0.4.0"
CHAT_REF = "examples.trellis/chat:0.1.0"
PREVIEW_REF = "examples.trellis/preview:0.1.0"
PING_REF, PONG_REF = "examples.trellis/ping:0.1.0", "examples.trellis/pong:0.1.0"


def count(port, name=""):
    return json.loads(http(port, f"/api/counter{name}").body)


def test_kvcounter_counts_in_files_and_goes_on_after_a_restart(host):
    host.start_provider(STORE_REF)
    key, port = behind_http(host, KVCOUNTER_REF)
    assert "Warning" not in link(host, key, STORE, KEY_VALUE)
    assert [count(port) for _ in range(3)] == [{"counter": 1}, {"counter": 2}, {"counter": 3}]
    assert count(port, "/other") == {"counter": 1}
    assert b"Enter a bucket name" in http(port).body
    assert http(port, "/none").status == 404
    assert http(port, data=b"x", method="POST").status == 404
    host.stop_host()
    host.start_host()
    host.start_provider()
    host.start_provider(STORE_REF)
    host.start_actor(KVCOUNTER_REF)
    assert count(port) == {"counter": 4}


def test_kvcounter_counts_in_redis_and_says_what_is_wrong_without_a_store(host):
    key, port = behind_http(host, KVCOUNTER_REF)
    error = http(port, "/api/counter")
    assert error.status == 500 and "Call alias not found: wasmcloud:keyvalue" in json.loads(error.body)["error"]
    host.start_provider(REDIS_REF)
    with redis_server() as redis:
        link(host, key, REDIS, KEY_VALUE, f"URL={redis.url}/2")
        assert [count(port), count(port)] == [{"counter": 1}, {"counter": 2}]


def test_chat_speaks_with_others_on_the_bus(host):
    host.start_provider(NATS_REF)
    host.start_provider(STORE_REF)
    key, port = behind_http(host, CHAT_REF)
    assert "Warning" not in link(host, key, STORE, KEY_VALUE)
    assert "Warning" not in link(host, key, NATS, MESSAGING, "SUBSCRIPTION=chat.*|chat")
    other = NatsClient(host.bus_port)
    other.subscribe("chat.lobby")
    other.ping()
    assert http(port, "/api/rooms/lobby", data="grüß dich".encode()).status == 202
    assert other.next_message()[2].decode() == "grüß dich"
    wait_for(lambda: json.loads(http(port, "/api/rooms/lobby").body) == ["grüß dich"])
    other.publish("chat.lobby", b"hello from outside")
    other.ping()
    wait_for(lambda: json.loads(http(port, "/api/rooms/lobby").body) == ["grüß dich", "hello from outside"])
    assert json.loads(http(port, "/api/rooms/other").body) == []
    assert b"<h1>Chat" in http(port).body
    assert http(port, "/api/rooms/a.b", data=b"x").status == 400
    other.close()


def test_preview_fetches_what_its_link_allows(host):
    host.start_provider(CLIENT_REF)
    key, port = behind_http(host, PREVIEW_REF)
    pages = {"/page": (200, {"content-type": "text/html"}, "<html><title> A page – élan </title>".encode()),
             "/moved": (302, {"location": "/page"}, b""),
             "/away": (302, {"location": "http://169.254.169.254/latest/meta-data/"}, b"")}

    def preview(url):
        answer = http(port, "/?url=" + urllib.parse.quote(url, safe=""))
        return answer.status, json.loads(answer.body)

    with web_server(pages) as web:
        base = f"http://127.0.0.1:{web.port}"
        assert "Warning" not in link(host, key, CLIENT, HTTP_CLIENT, f"allow=127.0.0.1:{web.port}")
        assert preview(base + "/page") == (200, {"url": base + "/page", "status": 200, "title": "A page – élan"})
        assert preview(base + "/moved")[1]["title"] == "A page – élan"
        assert preview(base + "/none") == (200, {"url": base + "/none", "status": 404, "title": ""})
        status, body = preview(base + "/away")
        assert status == 500 and "169.254.169.254 (port 80) is not allowed" in body["error"]
        link(host, key, CLIENT, HTTP_CLIENT, "allow=listed.test")
        status, body = preview("http://example.com/")
        assert status == 500 and "host 'example.com' (port 80) is not in the link's `allow` list" in body["error"]
        link(host, key, CLIENT, HTTP_CLIENT)  # without a list: every public host, and only those
        status, body = preview(base + "/page")
        assert status == 500 and "this machine's own address" in body["error"]
        assert len(web.asked) == 5


def test_two_actors_call_each_other_and_a_circle_ends(host):
    ping, port = behind_http(host, PING_REF)
    host.start_actor(PONG_REF)
    pong = host.actor_key(PONG_REF)
    assert http(port).body == b"ping pong\n"
    assert http(port, "/?hits=7").body == b"ping pong ping pong ping pong ping\n"
    endless = http(port, "/?hits=1000")
    assert endless.status == 500
    error = json.loads(endless.body)["error"]
    assert "nested more than 16 deep" in error and "probably a cycle" in error
    assert ping in error or pong in error
    assert http(port, "/?hits=3").body == b"ping pong ping\n"


def test_a_partner_that_never_answers_is_given_up_at_the_deadline(host):
    path = host.build_actor("stuck", guests.LOOP, "-a", "examples/pong")
    host.start_actor(f"file://{path}")
    ping, port = behind_http(host, PING_REF)
    # The request may take longer than a call, so it is the call that ends.
    host.put_link(ping, f"ADDRESS=127.0.0.1:{port}", 'config_json={"timeout_ms":20000}')
    late = http(port, "/?hits=2", timeout=30)
    assert late.status == 500
    assert "request timeout" in json.loads(late.body)["error"]
    assert f"actor {ping} called Pong.Hit of {host.actor_key(f'file://{path}')}" in host.log()
    assert http(port, "/?hits=1").body == b"ping\n"
