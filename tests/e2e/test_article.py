"""The article's walk, word for word but for the ports, with nothing else running."""
import re

from sandbox import ECHO_BODY, ECHO_REF, HTTP_SERVER, HTTP_SERVER_REF, free_port, http, wait_for


def test_the_walk_from_wash_up_to_curl_and_down(box):
    up = box.wash("up", "--detached")
    try:
        assert "wash up completed successfully" in up.stdout
        assert str(box.dashboard_port) in up.stdout

        started = box.wash("ctl", "start", "provider", HTTP_SERVER_REF)
        assert re.search(rf"Provider {re.escape(HTTP_SERVER_REF)} started on host N\w{{55}}", started.stdout)
        started = box.wash("ctl", "start", "actor", ECHO_REF)
        assert re.search(rf"Actor {re.escape(ECHO_REF)} started on host N\w{{55}}", started.stdout)

        echo = box.actor_key(ECHO_REF)
        port = free_port()
        linked = box.wash("ctl", "link", "put", echo, HTTP_SERVER, "wasmcloud:httpserver", f"ADDRESS=0.0.0.0:{port}")
        assert linked.stdout == f"\nPublished link ({echo}) <-> ({HTTP_SERVER}) successfully\n"

        answer = http(port)
        assert (answer.status, answer.body) == (200, ECHO_BODY)
        assert http(port, "/x?a=1", data=b"hi", method="POST").body == \
            b'{"body":[104,105],"method":"POST","path":"/x","query_string":"a=1"}'
    finally:
        down = box.wash("down")
    assert "wash down completed successfully" in down.stdout
    # Nothing is left: the ports are free and a second `down` says there was nothing to do.
    again = box.wash("down")
    assert again.returncode == 0


def test_the_parts_may_come_in_any_order(host):
    port = free_port()
    host.start_actor(ECHO_REF)
    echo = host.actor_key(ECHO_REF)
    host.put_link(echo, f"ADDRESS=127.0.0.1:{port}")  # nobody there to take it yet
    assert host.links()[0]["status"] == "pending"
    host.start_provider()
    wait_for(lambda: host.links()[0]["status"] == "active", what="the waiting link is handed over")
    assert http(port).body == ECHO_BODY
