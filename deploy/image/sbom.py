#!/usr/bin/env python3
"""Writes the bill of materials of the container image, as CycloneDX 1.5 JSON.

    sbom.py ROOT CARGO_LOCK VERSION OUT

Components: each file of the image's root with its SHA-256; the Debian packages the libraries and certificates
are from, with their versions, and those whose code is in the programs themselves; the crates that are linked
into the engine, from its Cargo.lock.
"""
import hashlib
import json
import os
import subprocess
import sys
import tomllib
import uuid

# No file of theirs is in the image: an archive that is linked statically, and headers.
LINKED_IN = ("libarchive-dev", "libboost1.81-dev", "libcli11-dev", "libexpected-dev", "libtomlplusplus-dev")


def files_of(root):
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                yield "/" + os.path.relpath(path, root), path


def file_component(name, path):
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"type": "file", "bom-ref": "file:" + name, "name": name,
            "hashes": [{"alg": "SHA-256", "content": digest}]}


def package_of(path):
    """The installed Debian package a file of this machine is from; "" if it is from none."""
    real = os.path.realpath(path)
    for candidate in (real, real.removeprefix("/usr")):
        found = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split("\n")[0].rsplit(": ", 1)[0].split(",")[0]
    return ""


def debian_components(names):
    packages = {package_of(name) for name in names if ".so" in name} - {""} | {"ca-certificates", *LINKED_IN}
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}\n", *packages],
                           capture_output=True, text=True, check=True)
    for line in sorted(shown.stdout.splitlines()):
        name, version, architecture = line.split("\t")
        purl = f"pkg:deb/debian/{name}@{version}?arch={architecture}"
        yield {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def crate_components(lock):
    with open(lock, "rb") as file:
        for crate in tomllib.load(file)["package"]:
            if "source" not in crate:
                continue  # ours
            purl = f"pkg:cargo/{crate['name']}@{crate['version']}"
            component = {"type": "library", "bom-ref": purl, "name": crate["name"],
                         "version": crate["version"], "purl": purl}
            if "checksum" in crate:
                component["hashes"] = [{"alg": "SHA-256", "content": crate["checksum"]}]
            yield component


def main(root, lock, version, out):
    files = sorted(files_of(root))
    components = [*debian_components([name for name, _ in files]), *crate_components(lock),
                  *(file_component(name, path) for name, path in files)]
    # The same image gives the same document.
    content = json.dumps(components, sort_keys=True).encode()
    serial = uuid.UUID(bytes=hashlib.sha256(content).digest()[:16], version=4)
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{serial}", "version": 1,
           "metadata": {"component": {"type": "container", "name": "trellis-host", "version": version}},
           "components": components}
    with open(out, "w") as file:
        json.dump(bom, file, indent=1)
        file.write("\n")
    packages, crates = (sum(component.get("purl", "").startswith(kind) for component in components)
                        for kind in ("pkg:deb/", "pkg:cargo/"))
    print(f"{packages} Debian packages, {crates} crates, {len(files)} files: {out}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
