"""The whole local stack with three tiny functions instead of the product's.

Run as `python -m tests.local.small_stack`, with PORT and DATA_DIR, like `python -m local run`.
"""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from functions.manifest import Function, Queue, QueueTrigger, Route, Schedule
from local.__main__ import run
from local.options import Options
from local.processes import LocalError

FUNCTIONS = (
    Function(
        name="hello",
        entry_point="tiny",
        purpose="test",
        memory_mib=128,
        timeout_s=5,
        needs=(),
        routes=(Route("GET", "/hello/{name}"),),
        schedules=(Schedule("hello-now-and-then", every_minutes=1),),
    ),
    Function(
        name="consumer",
        entry_point="tiny",
        purpose="test",
        memory_mib=128,
        timeout_s=5,
        needs=(),
        queue_trigger=QueueTrigger("things", batch_size=10, window_s=0, max_concurrency=1),
    ),
    Function(
        name="migrate",
        entry_point="migration",
        purpose="test",
        memory_mib=128,
        timeout_s=5,
        needs=(),
        runs_on_deploy=True,
    ),
)


def main() -> int:
    options = replace(
        Options.from_environment(os.environ),
        seed=False,
        functions=FUNCTIONS,
        queues=(Queue("things", visibility_timeout_s=30),),
        python_path=(Path(__file__).parent / "handlers",),
    )
    try:
        return asyncio.run(run(options))
    except LocalError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    sys.exit(main())
