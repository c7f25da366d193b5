"""Keeps the linear algebra of a search on one thread: workers have the other cores.

Matrices of a few hundred rows gain nothing from a second thread of the BLAS, which spins while it waits: on two cores a
proposal took five times the processor time with it (`tests/benchmarks/bench_ask.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread for numpy's and scipy's BLAS inside the block."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> Any:
    """Looks the loaded libraries up once; scipy's is among them from then on."""
    import scipy.linalg  # noqa: F401 - brings its own BLAS
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
