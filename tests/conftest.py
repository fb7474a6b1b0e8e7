"""One core for each process that runs tests, and a quick start."""

import gc
import os
from collections.abc import Iterator

import pytest

# Tests run side by side: linear algebra that takes all cores for each of them waits for its own threads most of the
# time, a hundred times as long as the sum takes. It is read when numpy is loaded, and by processes that tests start.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Thousands of tests that stay are no garbage to look through."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
