"""Keep every core busy, as a neighbour on the same machine would."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def busy_cores() -> Iterator[None]:
    """Have one process for each core compute without a pause, until the end of this block."""
    processes = multiprocessing.get_context("spawn")
    spinners = [processes.Process(target=_spin, daemon=True) for _ in range(os.cpu_count() or 1)]
    for spinner in spinners:
        spinner.start()
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.join()


def _spin() -> None:
    while True:
        sum(range(1_000))
