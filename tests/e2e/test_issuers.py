"""Which accounts may sign what a host starts."""
import platform

import guests
from sandbox import ECHO_REF, HTTP_SERVER_REF, http

ACTORS, PROVIDERS = "TRELLIS_ALLOWED_ACTOR_ISSUERS", "TRELLIS_ALLOWED_PROVIDER_ISSUERS"


def account(box):
    made = box.wash_json("keys", "gen", "account")
    return made["public_key"], made["seed"]


def test_an_actor_of_another_account_is_refused_by_any_way(box):
    (ours, seed), (theirs, other_seed) = account(box), account(box)
    good = box.build_actor("good", guests.GOOD, "-i", seed)
    bad = box.build_actor("bad", guests.GOOD, "-i", other_seed)
    box.start_host(**{ACTORS: f"{account(box)[0]},{ours}"})
    box.start_actor(f"file://{good}")
    run = box.start_actor(f"file://{bad}", check=False)
    key = box.wash_json("claims", "inspect", bad)["module"]
    assert run.returncode == 1
    for named in (theirs, key, "(bad)", ACTORS):
        assert named in run.stderr
    answer = http(box.dashboard_port, "/api/v1/actors", data=bad.read_bytes(), method="POST",
                  headers={"Content-Type": "application/wasm"})
    assert answer.status == 403 and theirs.encode() in answer.body
    assert [a["name"] for a in box.inventory()["actors"]] == ["good"]


def test_an_update_is_held_to_the_list_as_well(box):
    (ours, seed), (theirs, other_seed) = account(box), account(box)
    module = box.wash_json("keys", "gen", "module")["seed"]
    old = box.build_actor("old", guests.GOOD, "-i", seed, "-s", module, "-r", 1)
    new = box.build_actor("new", guests.GOOD, "-i", other_seed, "-s", module, "-r", 2)
    box.start_host(**{ACTORS: ours})
    box.start_actor(f"file://{old}")
    run = box.wash("ctl", "update", "actor", box.host_id(), box.actor_key(f"file://{old}"), f"file://{new}", check=False)
    assert run.returncode == 1 and theirs in run.stderr
    assert box.inventory()["actors"][0]["instances"][0]["revision"] == 1


def test_a_provider_of_another_account_is_refused_and_those_built_in_are_not(box):
    (ours, _), (theirs, other_seed) = account(box), account(box)
    (box.folder / "program").write_text("#!/bin/sh\nexit 1\n")
    box.wash("par", "create", "-c", "test:words", "-v", "Test", "-n", "Stranger", "-a", f"{platform.machine()}-linux",
             "-b", box.folder / "program", "--destination", "stranger.par", "-i", other_seed)
    box.start_host(**{PROVIDERS: ours})
    run = box.start_provider(f"file://{box.folder}/stranger.par", check=False)
    assert run.returncode == 1
    for named in (theirs, "(Stranger)", PROVIDERS):
        assert named in run.stderr
    assert not list(box.folder.glob("**/providers/**/Stranger*")), "nothing of it was unpacked"
    box.start_provider(HTTP_SERVER_REF)
    box.start_actor(ECHO_REF)  # that list is not about actors
    assert [p["image_ref"] for p in box.inventory()["providers"]] == [HTTP_SERVER_REF]


def test_a_word_that_is_no_account_stops_the_start(box):
    box.start_host(wait=False, **{ACTORS: "everybody"})
    assert box.process.wait(10) == 2
    assert f"{ACTORS}: 'everybody' is not an account key" in box.log()
