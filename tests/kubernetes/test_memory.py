"""Goal: what a pod costs, printed: idle, with one actor, with a hundred, beside a plain container that answers the same
natively. Nothing is asserted about the figures but that each pod serves."""
import json
import pathlib
import urllib.request

from conftest import host_pid, pid_of_container
from shell import BUILD, wait_for

NATIVE = """
apiVersion: v1
kind: Pod
metadata: {name: native-echo}
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: echo
    image: localhost/native-echo:1
    args: ["0.0.0.0:8080", "%d"]
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


def memory(pid):
    """Resident memory of a process: (all, without what it shares with files) in MiB."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["RssAnon"].split()[0]) / 1024


def test_memory_of_a_pod(shell, release, own_cluster):
    box = release("memory")
    box.install({"manifest": {"capabilities": [{"image_ref": "wasmcloud.azurecr.io/httpserver:0.16.3"}]}})
    box.wait_until_ready()
    pid = host_pid(box.pods()[0])
    rows = [("pod, idle", *memory(pid))]
    with shell.forward(f"deployment/{box.deployment}", ":4000") as forwarded:
        api = f"http://localhost:{forwarded.group(1)}/api/v1"
        start(api, BUILD / "actors/echo_s.wasm")
        rows.append(("pod, 1 actor", *memory(pid)))
        for module in copies(shell, 99):
            start(api, module)
        with urllib.request.urlopen(f"{api}/inventory") as answer:
            assert len(json.load(answer)["actors"]) == 100
        rows.append(("pod, 100 actors (different signed modules)", *memory(pid)))

    shell.kubectl("apply -f -", input=NATIVE % 2)
    shell.kubectl("wait --for=condition=Ready pod/native-echo --timeout=60s")
    container = shell.json("get pod native-echo")["status"]["containerStatuses"][0]["containerID"]
    rows.append(("plain container, the same echo natively", *memory(pid_of_container(container.removeprefix("containerd://")))))
    print(f"\n{'memory':45} {'resident':>9} {'of its own':>11}")
    for name, resident, own in rows:
        print(f"{name:45} {resident:5.1f} MiB {own:7.1f} MiB")


def start(api, module):
    request = urllib.request.Request(f"{api}/actors", data=module.read_bytes(), method="POST",
                                     headers={"content-type": "application/wasm"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def copies(shell, count):
    """The echo actor under as many keys."""
    plain = BUILD / "actors/echo.wasm"
    for index in range(count):
        signed = shell.home / f"echo{index}_s.wasm"
        shell.run(["wash", "claims", "sign", plain, "--destination", signed, "--name", f"Echo {index}", "--ver", "1",
                   "--rev", "1", "--cap", "wasmcloud:httpserver"], quiet=True)
        yield signed
