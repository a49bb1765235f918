"""Gives these tests the fixtures of the end-to-end tests (run.sh names their folder in PYTHONPATH)."""
from fixtures import box, host, made  # noqa: F401
