"""TRELLIS_MANIFEST: what a host runs from its start."""
import json
import socket
import subprocess

from sandbox import ECHO_BODY, ECHO_REF, HTTP_SERVER, HTTP_SERVER_REF, free_port, http, wait_for
from servers import CLIENT, CLIENT_REF, HTTP_CLIENT

ECHO = "MDEDQSBUBNYIPY73I23YOEQLDSQJT6LBPDRKGXA6PIRMGUX7G3W76MEM"


def manifest(box, port, more="", address="127.0.0.1"):
    path = box.folder / "manifest.yaml"
    path.write_text(f"""
actors:
  - image_ref: {ECHO_REF}
    count: 2
capabilities:
  - image_ref: {HTTP_SERVER_REF}
links:
  - actor: {ECHO}
    provider_id: {HTTP_SERVER}
    contract_id: wasmcloud:httpserver
    values:
      ADDRESS: {address}:{port}
{more}""")
    return str(path)


def readiness(box):
    try:
        answer = http(box.dashboard_port, "/api/readyz", timeout=2)
    except OSError:
        return 0, {}
    return answer.status, json.loads(answer.body)


def test_a_host_is_ready_when_its_manifest_runs(box):
    port = free_port()
    box.start_host(TRELLIS_MANIFEST=manifest(box, port))
    assert http(port).body == ECHO_BODY  # at once, since it is ready
    assert len(box.inventory()["actors"][0]["instances"]) == 2


def test_it_is_not_ready_before_and_says_why(box):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        box.start_host(wait=False, TRELLIS_MANIFEST=manifest(box, port))
        status, said = wait_for(lambda: (r := readiness(box))[0] and "already in use" in r[1].get("reason", "") and r,
                                15, "the reason")
        assert status == 503 and said["ready"] is False and ECHO in said["reason"]
        assert http(box.dashboard_port, "/api/livez").status == 200
    wait_for(box.is_ready, 15, "it is tried again")
    assert http(port).body == ECHO_BODY
    assert "runs: 1 providers, 1 actors, 1 links" in box.log()


def test_what_cannot_be_started_is_tried_again_and_named(box):
    later = box.folder / "later.wasm"
    path = manifest(box, free_port()).replace("manifest.yaml", "two.yaml")
    text = (box.folder / "manifest.yaml").read_text().replace("capabilities:", f"  - file://{later}\ncapabilities:")
    (box.folder / "two.yaml").write_text(text)
    box.start_host(wait=False, TRELLIS_MANIFEST=path)
    status, said = wait_for(lambda: (r := readiness(box))[0] and "later.wasm" in r[1].get("reason", "")
                            and "is being started" not in r[1]["reason"] and r, 15, "the reason")
    assert status == 503
    assert box.read_log().count("of the manifest") == 1
    import guests
    box.build_actor("good", guests.GOOD).rename(later)
    wait_for(box.is_ready, 40, "it is tried again")


def test_what_was_stopped_by_command_stays_stopped(box):
    port = free_port()
    box.start_host(TRELLIS_MANIFEST=manifest(box, port))
    box.delete_link(ECHO)
    box.wash("ctl", "stop", "actor", box.host_id(), ECHO, "--count", "0")
    wait_for(lambda: box.inventory()["actors"] == [], what="it stops")
    assert box.is_ready()
    assert box.links() == [] and box.inventory()["actors"] == []


def test_links_that_are_there_already_are_kept(box):
    port = free_port()
    box.start_host(TRELLIS_MANIFEST=manifest(box, port))
    box.stop_host()
    box.start_host(TRELLIS_MANIFEST=manifest(box, port))
    assert box.read_log().count("link set:") == 1
    other = free_port()
    box.stop_host()
    box.start_host(TRELLIS_MANIFEST=manifest(box, other))
    assert http(other).body == ECHO_BODY
    assert [l["values"]["ADDRESS"] for l in box.links()] == [f"127.0.0.1:{other}"]


def test_values_come_from_files(box):
    (box.folder / "allow").write_text("127.0.0.1\n")
    more = f"""  - actor: {ECHO}
    provider_id: {CLIENT}
    contract_id: {HTTP_CLIENT}
    values:
      allow: {{file: {box.folder / 'allow'}}}
"""
    path = manifest(box, free_port(), more)
    text = (box.folder / "manifest.yaml").read_text().replace("links:", f"  - image_ref: {CLIENT_REF}\nlinks:")
    (box.folder / "manifest.yaml").write_text(text)
    box.start_host(TRELLIS_MANIFEST=path)
    assert {"allow": "127.0.0.1"} in [l["values"] for l in box.links()]


def check(box, text, **env):
    path = box.folder / "wrong.yaml"
    path.write_text(text)
    run = subprocess.run(["trellis", "--check-config"], env={**box.env, "TRELLIS_MANIFEST": str(path), **env},
                         capture_output=True, text=True, timeout=20)
    return run.returncode, run.stderr


def test_a_wrong_manifest_is_an_error_at_the_start(box):
    code, said = check(box, "actors:\n  - a\nactor: x\n")
    assert code == 2 and "wrong.yaml" in said and "line 3" in said and "did you mean `actors`?" in said
    code, said = check(box, "links:\n  - actor: M\n    contract_id: a:b\n")
    assert code == 2 and "line 2" in said and "provider_id" in said
    code, said = check(box, "actors: [\n")
    assert code == 2 and "line" in said
    code, said = check(box, f"capabilities:\n  - image_ref: {HTTP_SERVER_REF}\n    link_name: a.b\n")
    assert code == 2 and "line 2" in said and "one word" in said
    code, said = check(box, "", TRELLIS_MANIFEST=str(box.folder / "none.yaml"))
    assert code == 2 and "none.yaml" in said
    assert check(box, f"actors: ['{ECHO_REF}']\n") == (0, "")
