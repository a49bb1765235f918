"""Goal: what a pod costs, printed: idle, with one actor, with a hundred, beside a plain container that answers the same
natively. Nothing is asserted about the figures but that each pod serves."""
import json
import pathlib

from conftest import host_pids, pid_of_container
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


def memory(*pids):
    """Resident memory of processes in MiB: (all, without what is shared with files)."""
    fields = [dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()) for pid in pids]
    return tuple(sum(int(each[name].split()[0]) for each in fields) / 1024 for name in ("VmRSS", "RssAnon"))


def test_memory_of_a_pod(shell, release, own_cluster):
    box = release("memory")
    box.install({"manifest": {"capabilities": [{"image_ref": "wasmcloud.azurecr.io/httpserver:0.16.3"}]}})
    box.wait_until_ready()
    pids = host_pids(box.pods()[0])
    rows = [("pod, idle", *memory(*pids))]
    with shell.forward(f"deployment/{box.deployment}", ":4000") as forwarded:
        api = f"http://localhost:{forwarded.group(1)}/api/v1"
        start(shell, api, BUILD / "actors/echo_s.wasm")
        rows.append(("pod, 1 actor", *memory(*pids)))
        for module in copies(shell, 99):
            start(shell, api, module)
        inventory = shell.run(["curl", "-s", f"{api}/inventory"], quiet=True).out
        assert len(json.loads(inventory)["actors"]) == 100
        rows.append(("pod, 100 actors (different signed modules)", *memory(*pids)))

    shell.kubectl("apply -f -", input=NATIVE % 2)
    shell.kubectl("wait --for=condition=Ready pod/native-echo --timeout=60s")
    container = shell.json("get pod native-echo")["status"]["containerStatuses"][0]["containerID"]
    rows.append(("plain container, the same echo natively", *memory(pid_of_container(container.removeprefix("containerd://")))))
    print(f"\n{'memory':45} {'resident':>9} {'of its own':>11}")
    for name, resident, own in rows:
        print(f"{name:45} {resident:5.1f} MiB {own:7.1f} MiB")


def start(shell, api, module):
    shell.run(["curl", "-sS", "--fail-with-body", "-H", "content-type: application/wasm", "--data-binary", f"@{module}",
               f"{api}/actors"], quiet=True)


def copies(shell, count):
    """The echo actor under as many keys."""
    plain = BUILD / "actors/echo.wasm"
    for index in range(count):
        signed = shell.home / f"echo{index}_s.wasm"
        shell.run(["wash", "claims", "sign", plain, "--destination", signed, "--name", f"Echo {index}", "--ver", "1",
                   "--rev", "1", "--cap", "wasmcloud:httpserver", "--directory", shell.home / f"keys{index}"], quiet=True)
        yield signed
