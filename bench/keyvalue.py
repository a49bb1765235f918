"""A key-value get through an actor beside the same get without Wasm, in one run, over one connection to one Redis.

Redis has one core (1) for itself, whoever asks it another (0). Runs are interleaved, round after round; medians are printed,
ratios are those of the same round.
  one after the other: the actor calls get in a loop; a native handler does so with hiredis, blocking
  at once: 32 HTTP connections, a get for each request; the actor, and a native handler over the provider's own client
Options: --rounds N, --seconds N, --build DIR.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
sys.path.insert(0, str(ROOT / "bench"))

GETS = 5_000
VALUE = b"v" * 64


def start_redis():
    port, folder = e2e.free_port(), tempfile.mkdtemp(prefix="trellis-bench-")
    process = subprocess.Popen(["taskset", "-c", run.LOAD_CORE, "redis-server", "--port", str(port), "--bind", "127.0.0.1",
                                "--save", "", "--dir", folder], stdout=subprocess.DEVNULL)
    e2e.wait_for(lambda: servers.takes_connections(port), 20, "redis is up")
    subprocess.run(["redis-cli", "-p", str(port), "set", "k", VALUE.decode()], check=True, stdout=subprocess.DEVNULL)
    return port, process


def start_native(build, redis_port):
    port = e2e.free_port()
    process = run.pinned([str(build / "bin" / "native_keyvalue"), f"127.0.0.1:{port}", str(redis_port)])
    e2e.wait_for(lambda: servers.takes_connections(port), 20, "the native handler is up")
    return run.Server("native", port, process.pid, run.stopper(process))


def start_actor(build, redis_port):
    box = run.start_host()
    box.start_provider()
    box.start_provider(servers.REDIS_REF)
    reference = f"file://{build / 'actors' / 'kvget_s.wasm'}"
    box.start_actor(reference)
    key, port = box.actor_key(reference), e2e.free_port()
    box.put_link(key, f"ADDRESS=127.0.0.1:{port}", 'config_json={"timeout_ms":60000}')
    servers.link(box, key, servers.REDIS, servers.KEY_VALUE, f"URL=redis://127.0.0.1:{redis_port}")
    return run.Server("actor", port, box.process.pid, lambda: run.stop_host(box))


def in_a_row(server, path):
    """Gets a second, GETS of them one after the other."""
    began = time.monotonic()
    answer = e2e.http(server.port, path, timeout=60)
    took = time.monotonic() - began
    if answer.status != 200 or answer.body != VALUE:
        sys.exit(f"{server.name} gave {answer.status}: {answer.body[:200]}")
    return GETS / took


def main():
    global e2e, run, servers
    import run
    options = run.read_options()
    build = pathlib.Path(options.build)
    import sandbox as e2e
    import servers
    run.e2e = e2e

    redis_port, redis = start_redis()
    started = []
    try:
        native, actor = start_native(build, redis_port), start_actor(build, redis_port)
        started += [native, actor]
        paths = {native: f"/blocking?{GETS}", actor: f"/?{GETS}"}
        rows, loads = [], []
        for server in (native, actor):
            in_a_row(server, paths[server])  # warm
        for _ in range(options.rounds):
            rows.append((in_a_row(native, paths[native]), in_a_row(actor, paths[actor])))
            loads.append((run.load(native.port, 32, options.seconds)[0], run.load(actor.port, 32, options.seconds)[0]))
        print(f"\na get of {len(VALUE)} bytes, median of {options.rounds} rounds\n"
              f"  {'':<42}{'native':>10}{'actor':>10}{'actor ÷ native':>16}")
        for name, measured in (("one after the other, gets/s", rows), ("32 at once, requests with a get/s", loads)):
            print(f"  {name:<42}{statistics.median(n for n, _ in measured):>10,.0f}"
                  f"{statistics.median(a for _, a in measured):>10,.0f}"
                  f"{statistics.median(a / n for n, a in measured):>16.2f}")
    finally:
        for server in started:
            server.stop()
        redis.kill()
        redis.wait()


if __name__ == "__main__":
    main()
