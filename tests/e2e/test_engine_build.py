"""When the Wasm engine cannot be built, what is said leads to the cause. The cargo here is a script that only fails."""
import subprocess

import pytest
from sandbox import ROOT


def build(folder, cargo):
    """What the build's step prints when cargo does `cargo`."""
    program = folder / "cargo"
    program.write_text(f"#!/bin/sh\n{cargo}\n")
    program.chmod(0o755)
    crate = folder / "crate"
    crate.mkdir()
    run = subprocess.run(
        ["cmake", f"-DCRATE={crate}", f"-DCACHE={folder}/cache", f"-DDEST={folder}/cache/it", f"-DCARGO={program}",
         "-DRUSTC=/bin/false", f"-DLINK={folder}/link", "-P", ROOT / "cmake" / "BuildWasmtime.cmake"],
        capture_output=True, text=True)
    assert run.returncode != 0
    return " ".join(run.stderr.split())


@pytest.mark.parametrize("killed", [
    "kill -9 $$", "exit 137",
    "echo \"process didn't exit successfully: 'rustc' (signal: 9, SIGKILL: kill)\" >&2; exit 101"])
def test_a_compiler_that_was_killed_is_not_blamed_on_the_registry(tmp_path, killed):
    said = build(tmp_path, killed)
    assert "was killed" in said and "memory ran short" in said and "registry" not in said


def test_what_cargo_says_is_shown(tmp_path):
    said = build(tmp_path, "echo 'failed to get `wasmtime` as a dependency' >&2; exit 101")
    assert "failed to get `wasmtime`" in said and "registry" in said and "memory" not in said
