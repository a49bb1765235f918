"""What a container is like: no home, an unprivileged user, logs that a machine reads."""
import json
import os
import shutil
import subprocess

import guests
import pytest
from sandbox import ECHO_BODY, free_port, http, wait_for
from test_providers import Foreign

NOBODY = 65532  # the user of images without a distribution


def test_it_runs_as_nobody_without_a_home(box):
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("becoming somebody else takes root")
    folders = {"TRELLIS_DATA_DIR": "data", "TRELLIS_CACHE_DIR": "code", "TRELLIS_PROVIDERS_DIR": "providers",
               "TRELLIS_ARTIFACT_CACHE_DIR": "artifacts"}
    for name, folder in folders.items():
        path = box.folder / folder
        path.mkdir()
        os.chown(path, NOBODY, NOBODY)
        folders[name] = str(path)
    box.folder.chmod(0o755)
    env = {**box.env, **folders, "HOME": "/nonexistent", "WASMCLOUD_STRUCTURED_LOG_LEVEL": "debug"}
    for name in ("TMPDIR", "USER"):
        env.pop(name)
    box.process = subprocess.Popen(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", "trellis"],
        env=env, cwd="/", stdout=subprocess.DEVNULL, stderr=open(box.log_path, "ab"))
    wait_for(box.is_ready, 20, "host is ready")
    port = free_port()
    box.echo_on(port)
    assert http(port).body == ECHO_BODY
    assert "host_config.json" in box.log(), "said, quietly"
    loud = [line for line in box.read_log().splitlines() if "[warning]" in line or "[error]" in line]
    assert loud == []
    assert box.stop_host() == 0


def test_each_line_of_the_log_is_an_object(box):
    box.env["WASMCLOUD_STRUCTURED_LOGGING_ENABLED"] = "true"
    foreign = Foreign(box)
    provider, _ = foreign.start("talker", "print('a \"quoted\" word\\tof mine', flush=True)\nProvider().run()")
    says = f"file://{box.build_actor('says', guests.SAYS_AND_LOOPS)}"
    box.start_provider()
    box.start_actor(says)
    actor, port = box.actor_key(says), free_port()
    box.put_link(actor, f"ADDRESS=127.0.0.1:{port}", 'config_json={"timeout_ms":200}')
    http(port)
    wait_for(lambda: "the actor runs" in box.log() and "quoted" in box.log(), what="both have spoken")
    lines = [json.loads(line) for line in box.read_log().splitlines()]
    for line in lines:
        assert {"time", "level", "message"} <= line.keys()
        assert line["time"].endswith("Z") and line["level"] in ("debug", "info", "warning", "error")
    assert {"message": "the actor runs", "actor": actor}.items() <= next(
        line for line in lines if line["message"] == "the actor runs").items()
    said = next(line for line in lines if "quoted" in line["message"])
    assert said["message"].startswith('a "quoted" word') and said["provider"] == provider
    assert said["provider_name"] == "Test talker"
