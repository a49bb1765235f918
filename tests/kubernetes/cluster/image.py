#!/usr/bin/env python3
"""Makes a container image of one layer from local files, without a builder or a daemon: for `ctr images import`.

    image.py OUT.tar NAME:TAG PROGRAM [FILE=PATH …]

PROGRAM (a path in the image) is the entry point. A FILE that is a program brings the shared libraries it needs.
No times and no owners are kept: the same files give the same image.
"""
import hashlib
import io
import json
import os
import platform
import re
import subprocess
import sys
import tarfile

# As Go calls it: what is built here runs here.
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def tar_of(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, mode, data in entries:
            info = tarfile.TarInfo(name)
            info.mode = mode
            if data is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def libraries_of(program):
    listed = subprocess.run(["ldd", program], capture_output=True, text=True)  # fails for static programs
    return re.findall(r"(?:=> )?(/\S+) \(0x", listed.stdout) if listed.returncode == 0 else []


def layer_of(files):
    wanted = dict(files)
    for source in list(wanted.values()):
        if os.access(source, os.X_OK):
            wanted.update({library: library for library in libraries_of(source)})
    entries, folders = [], set()

    def add_folder(folder):
        if folder and folder not in folders:
            add_folder(os.path.dirname(folder))
            folders.add(folder)
            entries.append((folder, 0o1777 if folder == "tmp" else 0o755, None))

    add_folder("tmp")
    for path, source in sorted(wanted.items()):
        path = path.lstrip("/")
        add_folder(os.path.dirname(path))
        with open(source, "rb") as file:
            entries.append((path, 0o755 if os.access(source, os.X_OK) else 0o644, file.read()))
    return tar_of(entries)


def main(out, reference, program, *pairs):
    layer = layer_of({path: source for source, path in (pair.split("=", 1) for pair in pairs)})
    config = json.dumps({
        "architecture": ARCHITECTURE, "os": "linux",
        "config": {"Entrypoint": [program], "Env": [f"PATH={os.path.dirname(program)}"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        "history": [{"created_by": "image.py"}]}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]}]).encode()
    with open(out, "wb") as file:
        file.write(tar_of([(name, 0o644, config), ("layer.tar", 0o644, layer), ("manifest.json", 0o644, manifest)]))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
