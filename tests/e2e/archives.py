"""Our own providers as archives: packed by `trellis-provider`, to be run in processes of their own."""
import subprocess

from sandbox import BUILD

PROGRAM = BUILD / "bin" / "trellis-provider"


def run(box, *args, program=PROGRAM, **kwargs):
    return subprocess.run([str(program), *map(str, args)], env=box.env, cwd=box.folder, capture_output=True, text=True,
                          timeout=60, **kwargs)


def pack(box, name, *options, ending=".par"):
    """The archive of a built-in provider, as a reference."""
    path = box.folder / f"{name}{ending}"
    packed = run(box, "pack", name, "--destination", path, *options)
    assert packed.returncode == 0, packed.stderr
    assert f"Successfully created archive {path}" in packed.stdout
    return f"file://{path}"


def provider(box, key):
    """What the host shows of it; None when it does not run there."""
    return next((p for p in box.inventory()["providers"] if p["id"] == key), None)
