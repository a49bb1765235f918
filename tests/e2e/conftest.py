"""Gives the fixtures to the tests of this folder."""
from fixtures import box, host, made  # noqa: F401
