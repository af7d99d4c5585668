"""Ways to break the running product on purpose."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from psycopg.rows import DictRow

from tests.end_to_end.people import Document
from tests.end_to_end.product import Product, eventually

_WAITING_FOR_A_LOCK = """
SELECT pid, client_port FROM pg_stat_activity
WHERE usename = 'ctv_pipeline' AND wait_event_type = 'Lock'"""


@contextmanager
def locked(product: Product, campaign: Document) -> Iterator[None]:
    """Hold the campaign's row, so that a consumer stops in the middle of its transaction."""
    with product.database() as connection:
        connection.execute(
            "SELECT 1 FROM campaigns WHERE campaign_id = %s FOR UPDATE", (campaign["id"],)
        )
        yield


def await_waiting_consumers(product: Product, count: int) -> list[DictRow]:
    """Return the consumers' connections once that many wait for a lock."""

    def waiting() -> list[DictRow] | None:
        rows = product.rows(_WAITING_FOR_A_LOCK)
        return rows if len(rows) >= count else None

    seen = eventually(waiting, within_s=30, what=f"{count} consumers are in mid-transaction")
    return seen.value


def kill_function(product: Product, handler: str) -> int:
    """Kill every process of a function with SIGKILL and return how many there were."""
    processes = product.function_processes(handler)
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=5)
    return len(processes)


@contextmanager
def down(product: Product, *command: str) -> Iterator[None]:
    """Kill the server with this command line, and again whenever it is started anew."""
    ended = threading.Event()
    first_kill = threading.Event()

    def keep_killing() -> None:
        while not ended.wait(0.02):
            for process in product.processes_with(*command):
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
                first_kill.set()

    killer = threading.Thread(target=keep_killing, name="killer")
    killer.start()
    try:
        assert first_kill.wait(5), f"there is no process with {command}"
        yield
    finally:
        ended.set()
        killer.join()
