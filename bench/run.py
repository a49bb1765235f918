"""Side by side in one run: nginx, a native handler on our HTTP server, and the same echo as an actor.

Every server has one core (0) and wrk another (1). Runs are interleaved, server after server, round after round, so that a
machine whose speed drifts drifts for all of them; the median of the rounds is printed. Ratios are to `native` in the same
round. Options: --rounds N, --seconds N, --build DIR; with TRELLIS_ECHO_2022=/path/to/echo.wasm (the signed echo of 2022)
two more rows.
"""
import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

JSON = '{"body":[],"method":"GET","path":"/","query_string":""}'
SERVER_CORE, LOAD_CORE = "0", "1"


class Server:
    def __init__(self, name, port, pid, stop):
        self.name, self.port, self.pid, self.stop = name, port, pid, stop

    def resident_mib(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pinned(command, **kwargs):
    return subprocess.Popen(["taskset", "-c", SERVER_CORE, *command], **kwargs)


def stopper(process):
    def stop():
        process.terminate()
        process.wait(30)
    return stop


def start_nginx(folder):
    port = e2e.free_port()
    config = folder / "nginx.conf"
    config.write_text(f"""daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
error_log {folder}/nginx.log; events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ default_type application/json; return 200 '{JSON}'; }} }} }}
""")
    process = pinned([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(config), "-p", str(folder)],
                     stderr=subprocess.DEVNULL)
    return Server("nginx", port, process.pid, stopper(process))


def start_native(build):
    port = e2e.free_port()
    process = pinned([str(build / "bin" / "native_echo"), f"127.0.0.1:{port}", "1"], stderr=subprocess.DEVNULL)
    return Server("native", port, process.pid, stopper(process))


def start_host(**env):
    box = e2e.Sandbox(tempfile.mkdtemp(prefix="trellis-bench-"))
    box.env["TRELLIS_CORES"] = "1"
    box.env.update(env)
    box.process = pinned(["trellis"], env=box.env, cwd=box.folder, stderr=open(box.log_path, "ab"))
    e2e.wait_for(box.is_ready, 20, "the host is ready")
    return box


def stop_host(box):
    box.stop_host()
    shutil.rmtree(box.folder, ignore_errors=True)


def start_actor(name, reference, **env):
    box = start_host(**env)
    port = e2e.free_port()
    box.start_provider()
    box.start_actor(reference)
    box.put_link(box.actor_key(reference), f"ADDRESS=127.0.0.1:{port}")
    server = Server(name, port, box.process.pid, lambda: stop_host(box))
    server.box = box
    return server


def milliseconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def load(port, connections, seconds):
    """(requests/s, p50 ms, p99 ms) of one run of wrk; stops the whole run on an answer that is not 200, or on none."""
    out = subprocess.run(["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                          f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit(f"port {port} gave errors:\n{out}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    p50 = milliseconds(re.search(r"^\s+50%\s+(\S+)", out, re.M)[1])
    p99 = milliseconds(re.search(r"^\s+99%\s+(\S+)", out, re.M)[1])
    return rate, p50, p99


def compare(servers, connections, rounds, seconds):
    seen = {s.name: [] for s in servers}
    for s in servers:
        load(s.port, connections, 1)  # warm
    for _ in range(rounds):
        for s in servers:
            cpu = s.cpu_seconds()
            rate, p50, p99 = load(s.port, connections, seconds)
            seen[s.name].append((rate, p50, p99, (s.cpu_seconds() - cpu) / (rate * seconds) * 1e6))
    print(f"\n{connections} connection{'s' if connections > 1 else ''}\n"
          f"  {'':<14}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'cpu µs/req':>12}{'RSS MiB':>9}{'× native':>10}")
    for s in servers:
        rate, p50, p99, cpu = (statistics.median(column) for column in zip(*seen[s.name]))
        ratio = statistics.median(mine[0] / native[0] for mine, native in zip(seen[s.name], seen["native"]))
        print(f"  {s.name:<14}{rate:>11,.0f}{p50:>9.3f}{p99:>9.3f}{cpu:>12.1f}{s.resident_mib():>9.1f}{ratio:>10.2f}")


def hog(rounds, seconds):
    """Echo with and without an actor that computes for ever on the same core, in turns."""
    import guests
    server = start_actor("fresh", e2e.ECHO_REF)
    box = server.box
    try:
        port = e2e.free_port()
        path = box.build_actor("hog", guests.SAYS_AND_LOOPS)
        box.start_actor(f"file://{path}")
        lasts = 2 * (seconds + 2)  # two runs of wrk, and their starts
        box.put_link(box.actor_key(f"file://{path}"), f"ADDRESS=127.0.0.1:{port}",
                     f'config_json={{"timeout_ms":{lasts * 1000}}}')
        seen = []
        for number in range(1, rounds + 1):
            alone, _, _ = load(server.port, 32, seconds)
            computing = threading.Thread(target=lambda: e2e.http(port, timeout=lasts + 60))
            computing.start()
            e2e.wait_for(lambda: box.log().count("the actor runs") >= number, 10, "it computes")
            seen.append((alone, *load(server.port, 32, seconds), *load(server.port, 1, seconds)))
            computing.join()
        alone, beside, p50, p99, one, one50, one99 = (statistics.median(column) for column in zip(*seen))
        ratio = statistics.median(row[1] / row[0] for row in seen)
        print(f"\nan actor that computes for ever on the same core\n"
              f"  32 connections: {beside:,.0f} requests/s, {ratio:.2f} of {alone:,.0f} without it; "
              f"p50 {p50:.2f} ms, p99 {p99:.2f} ms\n"
              f"   1 connection:  {one:,.0f} requests/s, p50 {one50:.2f} ms, p99 {one99:.2f} ms")
    finally:
        server.stop()


def starting(count=20):
    """A cached actor: from its start command to actor_started, as the bus shows it; and the idle host."""
    import json
    from nats_client import NatsClient
    box = start_host()
    try:
        idle = Server("host", 0, box.process.pid, None).resident_mib()
        box.start_actor(e2e.ECHO_REF)  # compiled and cached now
        key, me = box.actor_key(e2e.ECHO_REF), box.host_id()
        nats = NatsClient(box.bus_port)
        nats.subscribe("wasmbus.evt.default")
        nats.ping()
        took = []
        for _ in range(count):
            box.wash("ctl", "stop", "actor", me, key, "--count", "0")
            nats.events("wasmbus.evt.default", "actor_stopped")
            began = time.monotonic()
            nats.publish(f"wasmbus.ctl.default.cmd.{me}.la", json.dumps(
                {"actor_ref": e2e.ECHO_REF, "count": 1, "host_id": me}).encode())
            nats.events("wasmbus.evt.default", "actor_started")
            took.append((time.monotonic() - began) * 1000)
        print(f"\na cached actor: start command to actor_started, median {statistics.median(took):.1f} ms, "
              f"worst {max(took):.1f} ms of {count}\nan idle host: {idle:.1f} MiB resident")
    finally:
        stop_host(box)


def read_options():
    """What each of the benchmarks can be told; the tests' modules, which they use, find the build by it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    options = parser.parse_args()
    os.environ["TRELLIS_BUILD"] = options.build
    return options


def main():
    options = read_options()
    build = pathlib.Path(options.build)
    global e2e
    import sandbox as e2e

    folder = pathlib.Path(tempfile.mkdtemp(prefix="trellis-bench-"))
    servers = []
    try:
        servers += [start_nginx(folder), start_native(build), start_actor("actor fresh", e2e.ECHO_REF),
                    start_actor("actor reuse", e2e.ECHO_REF, TRELLIS_REUSE_ACTORS=e2e.ECHO_REF)]
        if real := os.environ.get("TRELLIS_ECHO_2022"):
            servers += [start_actor("2022 fresh", f"file://{real}"),
                        start_actor("2022 reuse", f"file://{real}", TRELLIS_REUSE_ACTORS=f"file://{real}")]
        for s in servers:
            e2e.wait_for(lambda: e2e.http(s.port).body == JSON.encode(), 10, f"{s.name} answers")
        for connections in (1, 32, 256):
            compare(servers, connections, options.rounds, options.seconds)
    finally:
        for s in servers:
            s.stop()
        shutil.rmtree(folder, ignore_errors=True)
    hog(options.rounds, options.seconds)
    starting()
    print("\nin process, one core", flush=True)
    subprocess.run(["taskset", "-c", SERVER_CORE, str(build / "bin" / "engine_instance_bench"),
                    "--benchmark_counters_tabular=true"], check=True)


if __name__ == "__main__":
    main()
