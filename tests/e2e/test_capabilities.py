"""Capability providers on a host: links that fail and mend, the words they fail with, restarts of what they lead to."""
import json

from sandbox import free_port, http, wait_for
from servers import (CLIENT, CLIENT_REF, HTTP_CLIENT, KEY_VALUE, MESSAGING, NATS, NATS_REF, REDIS, REDIS_REF, STORE,
                     STORE_REF, behind_http, link, nats_server, redis_server, status)

KVCOUNTER_REF = "wasmcloud.azurecr.io/kvcounter:0.4.0"
CHAT_REF = "examples.trellis/chat:0.1.0"


def counter(port):
    answer = http(port, "/api/counter")
    return json.loads(answer.body)


def test_redis_may_come_later_and_go_away(host):
    host.start_provider(REDIS_REF)
    key, port = behind_http(host, KVCOUNTER_REF)
    with redis_server() as redis:
        redis.stop()
        said = link(host, key, REDIS, KEY_VALUE, f"URL={redis.url}")
        assert "Connection refused" in said and "Warning" in said
        assert status(host, key, KEY_VALUE)["status"] == "failed"
        assert "redis error: cannot connect" in counter(port)["error"]
        redis.start()
        wait_for(lambda: counter(port).get("counter"), 10, "the counter counts")
        wait_for(lambda: status(host, key, KEY_VALUE)["status"] == "active", 20, "the link is active")
        assert status(host, key, KEY_VALUE)["reason"] == ""
        redis.stop()
        assert "redis error: " in counter(port)["error"]
        redis.start()
        wait_for(lambda: counter(port).get("counter"), 10, "the counter counts again")


def test_the_providers_configuration_is_redis_default(host):
    with redis_server() as redis:
        config = host.folder / "redis.json"
        config.write_text(json.dumps({"url": redis.url}))
        host.start_provider(REDIS_REF, check=True)
        host.wash("ctl", "stop", "provider", host.host_id(), REDIS, "default", KEY_VALUE)
        host.wash("ctl", "start", "provider", REDIS_REF, "--config-json", config, "--auction-timeout-ms", "1000")
        key, port = behind_http(host, KVCOUNTER_REF)
        assert "Warning" not in link(host, key, REDIS, KEY_VALUE)
        assert counter(port) == {"counter": 1}


def test_a_value_nobody_knows_is_a_warning(host):
    host.start_provider(STORE_REF)
    host.start_provider(NATS_REF)
    key, _ = behind_http(host, CHAT_REF)
    said = link(host, key, NATS, MESSAGING, "SUBSRIPTION=chat.*")
    assert "Warning" in said and "'SUBSRIPTION' means nothing to this provider" in said
    shown = status(host, key, MESSAGING)
    assert shown["status"] == "active" and "'SUBSRIPTION'" in shown["reason"]
    said = link(host, key, NATS, MESSAGING, "SUBSCRIPTION=chat.*,URI=nats://localhost:4222")
    assert "is another link value" in said
    said = link(host, key, STORE, KEY_VALUE, "STORE=../../etc")
    assert "STORE '../../etc' is not a name" in said


def test_two_stores_of_one_contract_by_link_name(host):
    """The same actor with the same contract twice needs two link names, and so two providers."""
    host.start_provider(STORE_REF)
    key, port = behind_http(host, KVCOUNTER_REF)
    link(host, key, STORE, KEY_VALUE, "STORE=one")
    assert [counter(port), counter(port)] == [{"counter": 1}, {"counter": 2}]
    link(host, key, STORE, KEY_VALUE, "STORE=two")
    assert counter(port) == {"counter": 1}
    link(host, key, STORE, KEY_VALUE, "STORE=one")
    assert counter(port) == {"counter": 3}


def test_messages_over_a_nats_server_of_ones_own(host):
    host.start_provider(NATS_REF)
    host.start_provider(STORE_REF)
    key, port = behind_http(host, CHAT_REF)
    link(host, key, STORE, KEY_VALUE)
    with nats_server() as nats:
        assert "Warning" not in link(host, key, NATS, MESSAGING, "SUBSCRIPTION=chat.*", f"URI={nats.url}")
        assert http(port, "/api/rooms/here", data=b"hi").status == 202
        wait_for(lambda: json.loads(http(port, "/api/rooms/here").body) == ["hi"])
        nats.stop()
        nats.start()

        def said_and_heard():
            http(port, "/api/rooms/again", data=b"hi")
            return json.loads(http(port, "/api/rooms/again").body)
        wait_for(said_and_heard, 15, "messages flow again")


def test_no_client_no_call(host):
    host.start_provider(CLIENT_REF)
    key, port = behind_http(host, "examples.trellis/preview:0.1.0")
    assert "Call alias not found" in json.loads(http(port, "/?url=http://x/").body)["error"]
    said = link(host, key, CLIENT, HTTP_CLIENT, "allow=http://x/")
    assert "is a URL" in said
    assert "link query" in json.loads(http(port, "/?url=http://x/").body)["error"]
    link(host, key, CLIENT, HTTP_CLIENT, "allow=127.0.0.1")
    refused = json.loads(http(port, f"/?url=http://127.0.0.1:{free_port()}/").body)["error"]
    assert "sending request: Failed to connect" in refused


def test_every_builtin_answers_to_its_reference(host):
    for reference in (REDIS_REF, STORE_REF, NATS_REF, CLIENT_REF, "builtin:kvredis"):
        run = host.start_provider(reference, check=False)
        assert (run.returncode == 0) == (reference != "builtin:kvredis"), run.stdout + run.stderr
    names = {p["name"] for p in host.inventory()["providers"]}
    assert names == {"KeyValue Redis Provider", "Embedded KeyValue Store", "NATS Messaging Provider", "HTTP Client"}
