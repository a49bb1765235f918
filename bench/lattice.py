"""A call to an actor on another host over NATS, beside a raw NATS request and its answer, in one run.

The caller has one core (0), host and responders the other (1); the NATS server has both. Rounds are interleaved; medians are
printed, ratios are those of the same round, to `libnats`: a request and its answer with the client library of NATS on both
sides, a thread for each caller. `own client` is the same with the client that a host has, which puts what belongs together
into one write. `sealed` is how hosts of one cluster seed call each other, `signed` how they call all others. Then: 200 actors and 1,000 links on one host, from a warm cache. Options: --rounds N, --seconds N, --build DIR.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
sys.path.insert(0, str(ROOT / "bench"))


def measure(program, made, actor, seconds):
    run = subprocess.run(["taskset", "-c", "0", program, "measure", str(made.port), made.seed, actor, str(seconds)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"remote_call: {run.stderr}")
    return {name.strip(): (float(latency), float(rate))
            for name, latency, rate in (line.rsplit(maxsplit=2) for line in run.stdout.splitlines())}


def remote_calls(options):
    program = str(pathlib.Path(options.build) / "bin" / "remote_call")
    with lattices.lattice() as made:
        host = made.sandbox()
        host.process = subprocess.Popen(["taskset", "-c", "1", "trellis"], env=host.env, cwd=host.folder,
                                        stderr=open(host.log_path, "ab"))
        e2e.wait_for(host.is_ready, 30, "host is ready")
        host.id = host.inventory()["host_id"]
        actor = lattices.start_echo(host)
        responders = [subprocess.Popen(["taskset", "-c", "1", program, which, str(made.port)])
                      for which in ("respond", "respond-libnats")]
        try:
            measure(program, made, actor, 1)  # warm
            rounds = [measure(program, made, actor, options.seconds) for _ in range(options.rounds)]
        finally:
            for responder in responders:
                responder.kill()
                responder.wait()
    print(f"\na call over NATS, median of {options.rounds} rounds\n"
          f"  {'':<28}{'µs, one at a time':>20}{'÷ libnats':>11}{'calls/s, 64 at once':>22}{'÷ libnats':>11}")
    for what in ("libnats", "own client", "sealed", "signed"):
        latency = statistics.median(r[what][0] for r in rounds)
        rate = statistics.median(r[what][1] for r in rounds)
        print(f"  {what:<28}{latency:>20.1f}{statistics.median(r[what][0] / r['libnats'][0] for r in rounds):>11.2f}"
              f"{rate:>22,.0f}{statistics.median(r[what][1] / r['libnats'][1] for r in rounds):>11.2f}")


def many_actors(actors=200, links=1000):
    """Different signed modules of the same code; each with links to providers that are not there."""
    with lattices.lattice() as made:
        host = made.start()
        source = pathlib.Path(os.environ["TRELLIS_BUILD"]) / "actors" / "echo.wasm"
        files = []
        for i in range(actors):
            copy = shutil.copy(source, host.folder / f"echo{i}.wasm")  # wash has a key for each file's name
            files.append(host.folder / f"echo{i}_s.wasm")
            host.wash("claims", "sign", copy, "-d", files[-1], "-n", f"Echo {i}", "-q")
        client = made.client()

        def ask(subject, body):
            return json.loads(client.request(subject, json.dumps(body).encode()))
        ask(f"wasmbus.ctl.default.cmd.{host.id}.la", {"actor_ref": f"file://{files[0]}", "host_id": host.id})
        began = time.monotonic()
        for file in files:
            ask(f"wasmbus.ctl.default.cmd.{host.id}.la", {"actor_ref": f"file://{file}", "host_id": host.id})
        for i in range(links):
            ask("wasmbus.ctl.default.linkdefs.put", {
                "actor_id": f"M{i % actors:055d}", "provider_id": f"V{i:055d}", "link_name": f"l{i}",
                "contract_id": "bench:none", "values": {}})
        e2e.wait_for(lambda: len(host.inventory()["actors"]) == actors, 60, "all actors run")
        took = time.monotonic() - began
        resident = int(next(l for l in pathlib.Path(f"/proc/{host.process.pid}/status").read_text().splitlines()
                            if l.startswith("VmRSS")).split()[1]) / 1024
        assert len(host.links()) == links
        print(f"\n{actors} actors and {links:,} links: started in {took:.2f} s, {resident:.0f} MiB resident")


def main():
    import run
    options = run.read_options()
    global e2e, lattices
    import sandbox as e2e
    import lattices
    remote_calls(options)
    many_actors()


if __name__ == "__main__":
    main()
