"""Which helms there are: TRELLIS_HELM (paths, colon-separated), or `helm`."""
import os
import shutil

import pytest

from charts import Helm


def programs():
    named = os.environ.get("TRELLIS_HELM")
    if named:
        return [each for each in named.split(":") if each]
    found = shutil.which("helm")
    return [found] if found else []


def pytest_generate_tests(metafunc):
    if "helm" in metafunc.fixturenames:
        metafunc.parametrize("helm", programs() or [None], indirect=True, scope="session",
                             ids=lambda program: os.path.basename(program) if program else "none")


@pytest.fixture(scope="session")
def helm(request):
    if request.param is None:
        pytest.skip("no helm here: put Helm 3 or 4 on the path, or say where it is with TRELLIS_HELM")
    return Helm(request.param)
