"""The configuration service: asked at the start, it says what to start and whom to be towards registries."""
import pytest
from sandbox import ECHO_REF, HTTP_SERVER, HTTP_SERVER_REF, wait_for
from nats_client import NatsClient
from registries import ECHO_FILE, PASSWORD, USER, Registry
from servers import STORE, STORE_REF
from services import Service

SUBJECT = "wasmbus.cfg.default.req"
ON = {"WASMCLOUD_CONFIG_SERVICE": "true"}


def said(host, text):
    wait_for(lambda: text in host.log(), what=f"the log says {text!r}")


def reference_of(things):
    return [(thing["image_ref"], len(thing.get("instances", [1]))) for thing in things]


def provider(reference, link_name="default"):
    return {"imageReference": reference, "linkName": link_name}


def test_it_starts_providers_and_then_actors_one_of_each(box, made):
    host = box.start_host(**ON, HOST_zone="eu")
    watcher = NatsClient(host.bus_port)
    watcher.subscribe("wasmbus.evt.default")
    watcher.ping()
    service = made(Service, host.bus_port, SUBJECT, lambda request: {
        "autoStartProviders": [provider(HTTP_SERVER_REF), provider(STORE_REF, "second")],
        "autoStartActors": [ECHO_REF]})
    assert watcher.events("wasmbus.evt.default", "provider_started")["data"]["public_key"] == HTTP_SERVER
    second = watcher.events("wasmbus.evt.default", "provider_started")["data"]
    assert (second["public_key"], second["link_name"]) == (STORE, "second")
    assert watcher.events("wasmbus.evt.default", "actor_started")["data"]["image_ref"] == ECHO_REF
    said(host, "what the configuration service asked for has been started")
    inventory = host.inventory()
    assert reference_of(inventory["actors"]) == [(ECHO_REF, 1)]
    assert sorted(p["image_ref"] for p in inventory["providers"]) == sorted([STORE_REF, HTTP_SERVER_REF])
    assert service.asked == [{"labels": inventory["labels"]}] and inventory["labels"]["zone"] == "eu"
    watcher.close()


def test_wrong_entries_are_said_and_the_others_start(box, made):
    host = box.start_host(**ON)
    made(Service, host.bus_port, SUBJECT, lambda request: {
        "autoStartProviders": [{"imageReference": "no.link/name:1"}, "words", provider("file:///not/here.par"),
                               provider(HTTP_SERVER_REF)],
        "autoStartActors": [7, "file:///not/here.wasm", ECHO_REF],
        "registryCredentials": {"reg.example": {"username": "somebody", "password": PASSWORD}}})
    said(host, "has been started, except for 2")
    assert reference_of(host.inventory()["actors"]) == [(ECHO_REF, 1)]
    assert reference_of(host.inventory()["providers"]) == [(HTTP_SERVER_REF, 1)]
    for text in ('{"imageReference":"no.link/name:1"} in autoStartProviders', '"words" in autoStartProviders',
                 "7 in autoStartActors", "/not/here.par", "/not/here.wasm", "'reg.example' were not taken"):
        assert text in host.log()
    assert PASSWORD not in host.log()


def test_its_credentials_open_the_registry_of_its_actors(box, made):
    registry = made(Registry, box.folder / "registry", htpasswd=True)
    reference = f"{registry.host}/echo:1"
    box.wash("reg", "push", reference, ECHO_FILE, "-u", USER, "-p", PASSWORD)
    host = box.start_host(**ON)
    assert host.start_actor(reference, check=False).returncode == 1
    made(Service, host.bus_port, SUBJECT, lambda request: {
        "autoStartActors": [reference],
        "registryCredentials": {registry.host: {"registryType": "oci", "username": USER, "password": PASSWORD}}})
    wait_for(lambda: reference_of(host.inventory()["actors"]) == [(reference, 1)])
    assert PASSWORD not in host.log()


@pytest.mark.parametrize("answer,why", [(None, "no answer"), (b"start everything", "JSON"), ([], "not a JSON object")],
                         ids=["silence", "words", "list"])
def test_a_service_that_says_nothing_of_use_is_a_warning(box, made, answer, why):
    host = box.start_host(**ON)
    said(host, f"no configuration came from {SUBJECT}: no responders")
    service = made(Service, host.bus_port, SUBJECT, lambda request: answer)
    wait_for(lambda: host.log().count(f"no configuration came from {SUBJECT}") == 2)
    assert why in host.log() and host.is_ready() and len(service.asked) == 1
    # A better one that comes afterwards is asked as well; once it has answered nobody else is.
    service.stop()
    made(Service, host.bus_port, SUBJECT, lambda request: {"autoStartActors": [ECHO_REF]})
    said(host, "has been started")
    late = made(Service, host.bus_port, SUBJECT, lambda request: {})
    host.start_actor(ECHO_REF)
    assert late.asked == []


def test_the_flag_of_wash_up_turns_it_on(box, made):
    box.wash("up", "--detached", "--config-service-enabled")
    try:
        service = made(Service, box.bus_port, SUBJECT, lambda request: {"autoStartActors": [ECHO_REF]})
        wait_for(lambda: reference_of(box.inventory()["actors"]) == [(ECHO_REF, 1)])
        assert len(service.asked) == 1
    finally:
        box.wash("down")


def test_without_the_switch_nobody_is_asked(host, made):
    service = made(Service, host.bus_port, SUBJECT, lambda request: {"autoStartActors": [ECHO_REF]})
    host.start_provider()
    assert service.asked == [] and host.inventory()["actors"] == []
