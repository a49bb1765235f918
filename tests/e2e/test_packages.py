"""Goal: what is shipped runs by itself: the files of the container image without anything of the machine around them, and
those of the Debian package."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from sandbox import BUILD, ECHO_REF, ROOT, free_ports, http, wait_for

NOBODY = 65532


@pytest.fixture(scope="module")
def image_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("image") / "root"
    subprocess.run([ROOT / "deploy/image/root.sh", BUILD, root], check=True)
    return root


def files_below(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_the_image_holds_no_shell_and_no_distribution(image_root):
    files = files_below(image_root)
    programs = {name for name in files if name.startswith("usr/bin/")}
    assert programs == {"usr/bin/trellis", "usr/bin/trellis-provider", "usr/bin/wash"}
    others = {name for name in files if ".so" not in name and not name.startswith(("usr/bin/", "usr/share/trellis/", "etc/"))}
    assert not others
    assert sum((image_root / name).stat().st_size for name in files) < 60_000_000


def in_image(root, *command):
    """A command with the image's files as its root and a /proc, as a container has it."""
    return ["unshare", "--mount", "sh", "-c", f'mount -t proc proc "$0/proc" && exec chroot --userspec={NOBODY}:{NOBODY} "$0" "$@"',
            root, *command]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may change its root")
def test_the_image_serves_with_nothing_else_and_as_nobody(image_root, tmp_path):
    probes, bus = free_ports(2)
    state = image_root / "var/lib/trellis"
    environment = {"HOME": "/var/lib/trellis", "TRELLIS_DATA_DIR": "/var/lib/trellis/data", "TRELLIS_CACHE_DIR": "/var/lib/trellis/code",
                   "TRELLIS_WRITE_HOST_CONFIG": "0", "WASMCLOUD_DASHBOARD_PORT": str(probes), "WASMCLOUD_RPC_PORT": str(bus)}
    with open(tmp_path / "log", "wb") as log:
        host = subprocess.Popen(in_image(image_root, "/usr/bin/trellis"), env={**environment, "PATH": os.environ["PATH"]}, stdout=log, stderr=log)
    try:
        wait_for(lambda: host.poll() is not None or ready(probes), 20, "the host in the image is ready")
        assert host.poll() is None, (tmp_path / "log").read_text()
        # wash is in there too, and the actors that the documents name.
        started = subprocess.run(in_image(image_root, "/usr/bin/wash", "ctl", "start", "actor", ECHO_REF, "--ctl-port", str(bus)),
                                 env={**environment, "PATH": os.environ["PATH"]}, capture_output=True, text=True)
        assert started.returncode == 0, started.stdout + started.stderr
        assert state.stat().st_uid == NOBODY
    finally:
        host.send_signal(signal.SIGTERM)
        assert host.wait(30) == 0, (tmp_path / "log").read_text()


def ready(port):
    try:
        return http(port, "/api/readyz").status == 200
    except OSError:
        return False


def test_the_bill_of_materials_names_every_file_and_where_libraries_are_from(image_root, tmp_path):
    out = tmp_path / "sbom.json"
    subprocess.run([ROOT / "deploy/image/sbom.py", image_root, ROOT / "src/engine/wasmtime/Cargo.lock", "1.2.3", out], check=True)
    bom = json.loads(out.read_text())
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.5")
    components = bom["components"]
    assert {each["name"].lstrip("/") for each in components if each["type"] == "file"} == files_below(image_root)
    purls = " ".join(each.get("purl", "") for each in components)
    for package in ("pkg:deb/debian/libc6@", "pkg:deb/debian/libssl3@", "pkg:deb/debian/ca-certificates@", "pkg:cargo/wasmtime@",
                    "pkg:deb/debian/libarchive-dev@", "pkg:deb/debian/libboost1.81-dev@"):
        assert package in purls
    assert len({each["bom-ref"] for each in components}) == len(components)
    again = tmp_path / "again.json"
    subprocess.run([ROOT / "deploy/image/sbom.py", image_root, ROOT / "src/engine/wasmtime/Cargo.lock", "1.2.3", again], check=True)
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.skipif(shutil.which("dpkg-shlibdeps") is None, reason="`make deb` installs dpkg-dev")
def test_the_debian_package_names_what_it_needs_and_runs(tmp_path):
    subprocess.run(["cpack", "-B", tmp_path], cwd=BUILD, check=True, stdout=subprocess.DEVNULL)
    package, = tmp_path.glob("trellis_*.deb")
    subprocess.run(["dpkg-deb", "-x", package, tmp_path / "root"], check=True)
    depends = subprocess.run(["dpkg-deb", "-f", package, "Depends"], check=True, capture_output=True, text=True).stdout
    assert {"libc6", "libssl3", "libcurl4"} <= set(re.findall(r"[a-z][a-z0-9.+-]+", depends))
    for program in ("trellis", "wash", "trellis-provider"):
        shown = subprocess.run([tmp_path / "root/usr/bin" / program, "--version"], check=True, capture_output=True, text=True)
        assert shown.stdout.startswith(program)
    subprocess.run([tmp_path / "root/usr/bin/trellis", "--check-config"], check=True)
    assert (tmp_path / "root/usr/share/trellis/artifacts/oci-layout").exists()
    unit = (tmp_path / "root/usr/lib/systemd/system/trellis.service").read_text()
    assert (tmp_path / "root/etc/trellis/trellis.env").stat().st_mode & 0o777 == 0o600, "seeds may stand there"
    assert "DynamicUser=yes" in unit and "ExecStart=/usr/bin/trellis\n" in unit
