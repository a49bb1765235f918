"""What wash prints when something is wrong needs no second reading."""
import json
import os
import re
import subprocess

import guests
from sandbox import ECHO_REF, HTTP_SERVER, free_port, http, wait_for


def test_help_of_every_command(box):
    top = box.wash("--help").stdout
    for command in ("up", "down", "ctl", "claims", "keys", "call", "ctx", "drain"):
        assert command in top
        assert box.wash(command, "--help").stdout.strip()
    for words in (("ctl", "start", "actor"), ("ctl", "link", "put"), ("ctl", "get", "hosts"), ("ctl", "scale", "actor"),
                  ("claims", "sign"), ("claims", "inspect"), ("keys", "gen")):
        assert words[-1] in box.wash(*words, "--help").stdout
    assert box.wash("--version").stdout.strip()


def test_help_is_a_command_too(box):
    for words in ((), ("up",), ("ctl",), ("ctl", "start"), ("ctl", "start", "actor"), ("keys", "gen")):
        expected = box.wash(*words, "--help").stdout
        assert expected and box.wash("help", *words).stdout == expected
        if len(words) > 1:
            assert box.wash(words[0], "help", *words[1:]).stdout == expected
    wrong = box.wash("help", "ctl", "strat", check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "") and "Did you mean 'start'?" in wrong.stderr
    # Only where a command could stand: elsewhere it is a word like any other.
    missing = box.wash("keys", "get", "help", check=False)
    assert missing.returncode == 1 and "/keys/help exists" in missing.stderr


def test_a_typo_in_a_command_suggests_the_right_one(box):
    run = box.wash("clt", "get", "hosts", check=False)
    assert run.returncode == 2 and "ctl" in run.stderr
    run = box.wash("ctl", "strat", "actor", "x", check=False)
    assert run.returncode == 2 and "start" in run.stderr


def test_no_host_says_how_to_start_one(box):
    run = box.wash("ctl", "get", "claims", check=False)
    assert run.returncode == 1
    assert "Connection refused" in run.stderr and "wash up" in run.stderr and "NATS server" in run.stderr


def test_wrong_keys(box):
    run = box.wash("ctl", "get", "inventory", "NABC", check=False)
    assert run.returncode == 2 and "the key should be 56 characters, but was 4 characters" in run.stderr
    run = box.wash("ctl", "link", "put", HTTP_SERVER, HTTP_SERVER, "wasmcloud:httpserver", check=False)
    assert run.returncode == 2 and 'found the prefix "V", but expected "M"' in run.stderr
    broken = "M" + HTTP_SERVER[1:]
    run = box.wash("ctl", "link", "put", broken, HTTP_SERVER, "wasmcloud:httpserver", check=False)
    assert run.returncode != 0 and "checksum" in run.stderr


def test_a_path_where_a_reference_belongs(host):
    path = host.build_actor("good", guests.GOOD)
    me, key = host.host_id(), host.wash_json("claims", "inspect", path)["module"]
    for words in (("ctl", "start", "actor", "./good_s.wasm"), ("ctl", "start", "actor", "good_s.wasm"),
                  ("ctl", "start", "actor", path), ("ctl", "start", "provider", path),
                  ("ctl", "scale", "actor", me, key, path), ("ctl", "update", "actor", me, key, "file://good_s.wasm")):
        run = host.wash(*words, check=False)
        assert run.returncode == 2 and f"Did you mean file://{path}?" in run.stderr, run.stderr
    manifest = host.folder / "app.yaml"
    manifest.write_text("actors: [./good_s.wasm]")
    run = host.wash("ctl", "apply", me, manifest, check=False)
    assert run.returncode == 1 and f"Did you mean file://{path}?" in run.stderr
    assert host.inventory()["actors"] == []
    host.start_actor(f"file://{path}")  # what was suggested
    assert "good" in host.wash("claims", "inspect", f"file://{path}").stdout


def test_a_key_where_a_contract_belongs(host):
    key = host.wash_json("keys", "gen", "module")["public_key"]
    run = host.wash("ctl", "link", "put", key, HTTP_SERVER, HTTP_SERVER, check=False)
    assert run.returncode == 1 and "instead of a contract ID" in run.stderr


def test_hosts_inventory_claims_and_links_as_tables(host):
    port = free_port()
    echo = host.echo_on(port)
    me = host.host_id()
    hosts = host.wash("ctl", "get", "hosts").stdout
    assert "  Host ID                                                    Uptime (seconds)" in hosts and me in hosts
    inventory = host.wash("ctl", "get", "inventory", me).stdout
    assert f"Host Inventory ({me})" in inventory and echo in inventory and HTTP_SERVER in inventory
    assert "wasmcloud:httpserver" in host.wash("ctl", "get", "claims").stdout
    query = host.wash("ctl", "link", "query").stdout
    assert "Actor ID" in query and echo in query


def test_json_everywhere(host):
    echo = host.echo_on(free_port())
    assert host.wash_json("ctl", "link", "query")["links"][0]["actor_id"] == echo
    inventory = host.wash_json("ctl", "get", "inventory", host.host_id())["inventory"]
    assert inventory["actors"][0]["image_ref"] == ECHO_REF
    failed = host.wash("ctl", "stop", "actor", host.host_id(), host.wash_json("keys", "gen", "module")["public_key"],
                       "-o", "json", check=False)
    assert failed.returncode == 1
    assert json.loads(failed.stderr)["success"] is False


def test_claims_of_the_shipped_echo(box):
    text = box.wash("claims", "inspect", ECHO_REF).stdout
    assert "HTTP Server" in text and "0.3.4 (4)" in text and "never" in text
    data = box.wash_json("claims", "inspect", ECHO_REF)
    assert data["capabilities"] == ["HTTP Server"] and data["revision"] == 4


def test_up_twice_and_down_twice(box):
    box.wash("up", "--detached")
    try:
        again = box.wash("up", "--detached", check=False)
        assert again.returncode == 1
        assert "already" in again.stderr and "wash down" in again.stderr
    finally:
        box.wash("down")
    assert box.wash("down").returncode == 0


def test_a_second_host_does_not_take_wash_away_from_the_first(box):
    ports = ("WASMCLOUD_RPC_PORT", "WASMCLOUD_CTL_PORT", "NATS_PORT", "WASMCLOUD_DASHBOARD_PORT")
    first = {name: box.env.pop(name) for name in ports}  # wash is led by the file alone
    second = dict(zip(ports, (str(free_port()),) * 3 + (str(free_port()),)))
    folder = box.folder / ".wash"
    own = folder / f"host_config-{second['WASMCLOUD_DASHBOARD_PORT']}.json"

    def up(ports, **env):
        box.env.update({name: ports[name] for name in ("NATS_PORT", "WASMCLOUD_DASHBOARD_PORT")}, **env)
        text = box.wash("up", "--detached").stdout
        for name in ports:
            box.env.pop(name, None)
        return text

    try:
        assert "--context" not in up(first)
        one = box.host_id()
        assert f"--context {own}" in up(second, TRELLIS_DATA_DIR=str(box.folder / "second"))
        assert box.host_id() == one
        two = box.wash_json("ctl", "get", "hosts", "-t", "500", "--context", own)["hosts"][0]["id"]
        assert two != one
        log = (folder / "downloads" / f"wasmcloud-{second['WASMCLOUD_DASHBOARD_PORT']}.log").read_text()
        assert f"127.0.0.1:{first['NATS_PORT']} (lattice default)" in log and f"--context {own}" in log
        # The first goes: nothing leads to the second by itself, but wash says how to get there.
        box.wash("ctl", "stop", "host", one)
        wait_for(lambda: not (folder / "host_config.json").exists())
        lost = box.wash("ctl", "get", "claims", "-p", str(free_port()), check=False).stderr
        assert f"--context {own}" in lost
        assert own.exists()
    finally:
        box.wash("down")
    assert not own.exists()


def test_up_says_which_port_its_bus_has_taken(box):
    for name in ("WASMCLOUD_RPC_PORT", "WASMCLOUD_CTL_PORT", "NATS_PORT"):
        del box.env[name]
    up = box.wash("up", "--detached", "--nats-port", 0).stdout
    try:
        port = int(re.search(r"NATS is running in the background at 127\.0\.0\.1:(\d+)", up).group(1))
        assert port != 0 and box.wash_json("ctl", "get", "hosts", "-p", port, "-t", "500")["hosts"]
        assert box.host_id()  # and wash finds it by itself
    finally:
        box.wash("down")


def test_up_of_a_host_that_cannot_start_shows_why(box):
    run = box.wash("up", "--detached", "--cluster-seed", "SC" + "A" * 56, check=False)
    assert run.returncode == 1
    assert "--cluster-seed (WASMCLOUD_CLUSTER_SEED) is not a seed" in run.stderr


def test_up_refuses_wrong_options_by_their_names_first(box):
    box.wash("up", "--detached")  # a host that runs is no reason to look no further
    try:
        for option, value, said in (
                ("--rpc-seed", "SUx", "--rpc-seed (WASMCLOUD_RPC_SEED) is not the seed of a NATS user"),
                ("--ctl-seed", "SUx", "--ctl-seed (WASMCLOUD_CTL_SEED) is not the seed of a NATS user"),
                ("--cluster-seed", "SCx", "--cluster-seed (WASMCLOUD_CLUSTER_SEED) is not a seed"),
                ("--rpc-timeout-ms", "soon", "--rpc-timeout-ms (WASMCLOUD_RPC_TIMEOUT_MS)='soon' is not a number"),
                ("--structured-log-level", "loud", "='loud' is none of debug, info, warn, error")):
            run = box.wash("up", "--detached", option, value, check=False)
            assert run.returncode == 1 and said in run.stderr and "already" not in run.stderr, run.stderr
    finally:
        box.wash("down")


def test_up_interactive_stops_on_ctrl_c(box):
    import signal
    process = subprocess.Popen(["wash", "up"], env=box.env, cwd=box.folder, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            if "Press `CTRL+c`" in line or "CTRL+c" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)[0]
        assert process.returncode == 0, rest
    finally:
        if process.poll() is None:
            process.kill()
    assert not os.path.exists(f"/proc/{process.pid}")


def test_keys_and_contexts(box):
    made = box.wash_json("keys", "gen", "account")
    assert made["public_key"].startswith("A") and made["seed"].startswith("SA")
    refused = box.wash("keys", "gen", "pirate", check=False)
    assert refused.returncode != 0 and "module" in refused.stderr.lower()
    assert "Created context foo.json" in box.wash("ctx", "new", "foo").stdout
    assert "foo" in box.wash("ctx", "list").stdout
    assert "cleared" in box.wash("drain", "all").stdout


def test_apply_a_manifest(host):
    key = host.wash_json("claims", "inspect", ECHO_REF)["module"]
    port = free_port()
    manifest = host.folder / "app.yaml"
    manifest.write_text(f"""actors: [{ECHO_REF}]
capabilities: [{{image_ref: "wasmcloud.azurecr.io/httpserver:0.16.3"}}]
links:
  - {{actor: {key}, contract_id: "wasmcloud:httpserver", provider_id: {HTTP_SERVER}, values: {{ADDRESS: "127.0.0.1:{port}"}}}}
""")
    done = host.wash("ctl", "apply", host.host_id(), manifest).stdout
    assert f"Instruction to start actor {ECHO_REF} acknowledged." in done
    assert f"Link def submission from {key} to {HTTP_SERVER} acknowledged." in done
    # The same link with a value nobody knows: taken, and said.
    wait_for(lambda: http(port).status == 200)
    manifest.write_text(manifest.read_text().replace("values: {", "values: {PROT: 1, "))
    done = host.wash("ctl", "apply", host.host_id(), manifest).stdout
    assert "acknowledged. Warning: " in done and "'PROT' (did you mean 'port'?)" in done
