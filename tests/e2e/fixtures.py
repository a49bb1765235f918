"""The fixtures of the end-to-end tests, and of the tests in tests/compat."""
import shutil
import tempfile

import pytest
from sandbox import Sandbox


@pytest.fixture
def box():
    folder = tempfile.mkdtemp(prefix="trellis-e2e-")
    sandbox = Sandbox(folder)
    try:
        yield sandbox
    finally:
        sandbox.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def host(box):
    return box.start_host()


@pytest.fixture
def made():
    """Makes servers that are gone when the test ends: made(Registry, …)."""
    started = []

    def make(kind, *args, **kwargs):
        server = kind(*args, **kwargs)
        started.append(server)
        return server
    yield make
    for server in started:
        server.stop()
