"""The wash of 2022 and ours side by side: the same words to both, each in a home of its own and, where a host is needed,
with a host of its own that has the same keys. What they answer is compared; where ours answers otherwise on purpose,
differences.py says why.
"""
import json
import os
import pathlib
import re
import shutil
import string
import subprocess
import tempfile

from sandbox import Sandbox, wait_for
from differences import ADDED, DIFFERENCES
from lattices import Lattice

OLD = pathlib.Path(os.environ.get("TRELLIS_OLD_WASH", pathlib.Path.home() / ".cache/trellis/compat/wash-0.13.0/bin/wash"))
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
# Differs from run to run: uptimes, and keys that were made just now.
VARIES = {"hosts[].uptime_seconds", "hosts[].uptime_human"}
NEW_KEYS = [(r"\b([ACMNOUV])[A-Z2-7]{55}\b", r"\1-key"), (r"\bS([ACMNOUV])[A-Z2-7]{56}\b", r"S\1-seed")]
UPTIME = [(r"(\$host +)\d+ +", r"\1# ")]


class Answer:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def message(self):
        """What it says is wrong, without its causes and without lines of a log."""
        if self.err.lstrip().startswith("{"):
            return json.loads(self.err)["error"]
        return next((l for l in self.err.split("\n") if l.strip() and not l.startswith("[")), "")

    def __repr__(self):
        return f"exit {self.code}\n--- stdout ---\n{self.out}\n--- stderr ---\n{self.err}"


class Side:
    """One of the two programs; $names in its words stand for what is called otherwise on the other side."""

    def __init__(self, program, box, form):
        self.program, self.box, self.form = program, box, form
        self.names = {"home": str(box.folder)}

    def start(self, words, env):
        filled = [string.Template(str(w)).safe_substitute(self.names) for w in words]
        form = ["-o", "json"] if self.form == "json" else []
        return subprocess.Popen([self.program, *filled, *form], env={**self.box.env, "RUST_BACKTRACE": "0", **env}, cwd=self.box.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def answer(self, process, varies):
        out, err = process.communicate(timeout=120)
        texts = []
        for text in (out, err):
            text = text.decode(errors="replace")
            for name, value in sorted(self.names.items(), key=lambda item: -len(item[1])):
                text = text.replace(value, f"${name}")
            text = UUID.sub("(uuid)", text)
            for pattern, instead in varies:
                text = re.sub(pattern, instead, text)
            texts.append(text)
        return Answer(process.returncode, *texts)

    def run(self, *words, env=(), varies=()):
        return self.answer(self.start(words, dict(env)), varies)


class Pair:
    def __init__(self, old, new):
        self.old, self.new, self.form = old, new, old.form
        self.sides = (old, new)

    def file(self, name, content):
        for side in self.sides:
            (side.box.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def module(self, name, wat):
        """WebAssembly text as $home/<name>.wasm of both."""
        source, wasm = (self.new.box.folder / f"{name}{end}" for end in (".wat", ".wasm"))
        source.write_text(wat)
        subprocess.run(["wat2wasm", str(source), "-o", str(wasm)], check=True)
        self.file(f"{name}.wasm", wasm.read_bytes())

    def name(self, name, of_side):
        for side in self.sides:
            side.names[name] = str(of_side(side.box))

    def settled(self, condition):
        """Waits until both hosts are as `condition(box)` wants them."""
        for side in self.sides:
            wait_for(lambda: condition(side.box), 10, "the host has done it")

    def same(self, *words, differs=None, varies=(), any_order=False, env=(), code=None):
        """Both answer alike; with `differs`, in the way differences.py describes. Returns (old's answer, ours)."""
        processes = [side.start(words, dict(env)) for side in self.sides]
        old, new = (side.answer(p, varies) for side, p in zip(self.sides, processes))
        context = f"\n$ wash {' '.join(map(str, words))} ({self.form})\n===== 2022: {old!r}\n===== ours: {new!r}"
        assert code is None or old.code == code, f"2022's wash was to exit {code}{context}"
        difference = DIFFERENCES[differs] if differs else None
        if difference and difference.form in (None, self.form):
            wrong = difference.mistake(old, new)
        else:
            wrong = difference_of(old, new, self.form, any_order)
        assert not wrong, wrong + context
        return old, new


def difference_of(old, new, form, any_order=False):
    if old.code != new.code:
        return f"the exit codes are {old.code} and {new.code}"
    if old.code == 2:  # the command line was wrong: each says it in the words of its parser
        return "" if not old.out and not new.out and new.err else "a mistake belongs on stderr"
    if old.code != 0:
        if new.out:
            return "ours wrote to stdout although it failed"
        return "" if old.message and old.message in new.message else "ours does not say what is wrong in 2022's words"
    if form == "json":
        return json_difference(old.json, new.json, any_order=any_order)
    if any_order:
        same = sorted(old.out.split("\n")) == sorted(new.out.split("\n"))
    else:
        same = old.out == new.out
    return "" if same else "stdout differs"


def json_difference(old, new, path="", any_order=False):
    """Ours has all that 2022's has; what it has beyond that is listed in ADDED."""
    if type(old) is not type(new):
        return f"{path} is {old!r} and {new!r}"
    if isinstance(old, dict):
        for key in sorted({*old, *new}):
            at = f"{path}.{key}" if path else key
            if key not in new:
                return f"ours lacks {at}"
            if key not in old and at not in ADDED:
                return f"ours adds {at} and does not say why"
            wrong = key in old and at not in VARIES and json_difference(old[key], new[key], at, any_order)
            if wrong:
                return wrong
        return ""
    if isinstance(old, list):
        if len(old) != len(new):
            return f"{path} has {len(old)} and {len(new)} entries"
        if any_order:
            shared = {key for entry in old if isinstance(entry, dict) for key in entry}
            old, new = (sorted(entries, key=lambda e: in_order(e, shared)) for entries in (old, new))
        return next((w for a, b in zip(old, new) if (w := json_difference(a, b, f"{path}[]", any_order))), "")
    return "" if old == new else f"{path} is {old!r} and {new!r}"


def in_order(entry, members):
    """What to sort entries by: their text, without members that the other side lacks."""
    return json.dumps({k: entry[k] for k in entry if k in members} if isinstance(entry, dict) else entry, sort_keys=True)


class Homes:
    """A pair without hosts."""

    def __init__(self, form):
        self.folders = [tempfile.mkdtemp(prefix="trellis-compat-") for _ in range(2)]
        old, new = (Sandbox(folder) for folder in self.folders)
        self.pair = Pair(Side(OLD, old, form), Side("wash", new, form))

    def stop(self):
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


class Hosts:
    """A pair with a host each, which have the same keys: on buses of their own, or joined to NATS servers of their own."""

    def __init__(self, form, bus, **env):
        self.lattices = [Lattice() for _ in range(2)] if bus == "nats" else []
        boxes = [l.sandbox() for l in self.lattices] or [Sandbox(tempfile.mkdtemp(prefix="trellis-e2e-")) for _ in range(2)]
        self.boxes = boxes
        keys = {kind: boxes[1].wash_json("keys", "gen", kind) for kind in ("server", "cluster")}
        for box in boxes:
            box.env.update(WASMCLOUD_HOST_SEED=keys["server"]["seed"], WASMCLOUD_CLUSTER_SEED=keys["cluster"]["seed"], **env)
            box.start_host(wait=False)
        for box in boxes:
            wait_for(box.is_ready, 30, "host is ready")
        self.pair = Pair(Side(OLD, boxes[0], form), Side("wash", boxes[1], form))
        self.pair.bus = bus
        self.pair.name("host", lambda box: keys["server"]["public_key"])
        self.pair.name("bus", lambda box: box.bus_port)

    def stop(self):
        if self.lattices:
            for each in self.lattices:
                each.stop()
            return
        for box in self.boxes:
            box.close()
            shutil.rmtree(box.folder, ignore_errors=True)
