#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a configured build folder.

A source that passed is not looked at again until it, a header of ours that it includes, or .clang-tidy
changes: its stamp in .cache/lint holds their hash. Which headers those are, ninja knows from the last
build. Tests are left out: they are most of the time and none of what ships.

    scripts/lint.py build/release          what changed
    scripts/lint.py build/release --all    everything
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STAMPS = ROOT / ".cache" / "lint"
TIDY = "clang-tidy-19"


def ours(path, build):
    """The path below the root, or None for a system's or a generated file."""
    try:
        path = pathlib.Path(os.path.realpath(path))
        if path.is_relative_to(build) or not path.exists():
            return None
        return path.relative_to(ROOT)
    except ValueError:
        return None


def sources(build):
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = ours(os.path.join(entry["directory"], entry["file"]), build)
        if path and not path.stem.endswith(("_test", "_fuzz", "_bench")):
            found[path] = entry.get("output") or re.search(r" -o (\S+)", entry["command"]).group(1)
    return found


def headers(build):
    """object file → the files of ours that it was compiled from"""
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True)
    deps, current = {}, None
    known = {}
    for line in listing.stdout.splitlines():
        if line and not line[0].isspace():
            current = deps.setdefault(line.split(": #deps")[0], set())
        elif line.strip() and current is not None:
            name = line.strip()
            if name not in known:
                known[name] = None if name.startswith("/usr/") else ours(os.path.join(build, name), build)
            if known[name]:
                current.add(known[name])
    return deps


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    if "--all" in sys.argv:
        for stamp in STAMPS.glob("*"):
            stamp.unlink()
    STAMPS.mkdir(parents=True, exist_ok=True)

    content = {}

    def digest(path):
        if path not in content:
            content[path] = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
        return content[path]

    deps = headers(build)
    found = sources(build)
    todo = []
    for source, output in sorted(found.items()):
        inputs = sorted({source, *deps.get(output, ())}) + [pathlib.Path(".clang-tidy")]
        key = hashlib.sha256("".join(digest(i) for i in inputs).encode()).hexdigest()
        stamp = STAMPS / str(source).replace("/", "_")
        if not stamp.exists() or stamp.read_text() != key:
            todo.append((source, stamp, key))

    def lint(job):
        source, stamp, key = job
        run = subprocess.run([TIDY, "-p", build, "--quiet", ROOT / source], capture_output=True, text=True)
        if run.returncode == 0:
            stamp.write_text(key)
            return None
        return run.stdout or run.stderr

    if todo:
        print(f"lint: {len(todo)} of {len(found)} files are new or changed", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for complaint in pool.map(lint, todo):
            if complaint:
                failed += 1
                print(complaint, flush=True)
    if failed:
        print(f"lint: {failed} files have findings. The checks are explained at "
              "https://clang.llvm.org/extra/clang-tidy/checks/list.html", file=sys.stderr)
        return 1
    print(f"lint: {len(found)} files")
    return 0


sys.exit(main())
