"""`python -m local run` starts the whole product and stays; `reset` deletes its data."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from local.console import Console
from local.data_folder import DataFolder
from local.options import Options
from local.processes import LocalError
from local.stack import LocalStack


def main() -> int:
    """Run the command and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=["run", "reset"])
    parser.add_argument(
        "--inproc", action="store_true", help="run all functions in this process, to debug or load"
    )
    arguments = parser.parse_args()
    command = arguments.command
    try:
        options = replace(Options.from_environment(os.environ), inproc=arguments.inproc)
        if command == "reset":
            left = DataFolder(options.data_dir).empty()
            if left:
                print(f"deleted the product's data in {options.data_dir}; left {', '.join(left)}")
            else:
                print(f"deleted {options.data_dir}")
            return 0
        return asyncio.run(run(options))
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


async def run(options: Options) -> int:
    """Start everything, stay until told to stop, and return the exit status.

    Raises:
        LocalError: something does not start, or died for good; everything is stopped.
    """
    console = Console()
    stack = LocalStack(options, console)
    stop = _stop_on_signals(stack, console)
    try:
        if await _finishes(stack.start(), unless=stop):
            console.ready(options.ports, data_dir=options.data_dir, seeded=options.seed)
            await _finishes(stack.failure(), unless=stop)
    finally:
        await stack.stop()
    console.say("stopped")
    return 0


def _stop_on_signals(stack: LocalStack, console: Console) -> asyncio.Event:
    stop = asyncio.Event()

    def stop_or_kill() -> None:
        if stop.is_set():
            stack.kill()
            os._exit(1)
        console.say("\nstopping; once more to kill")
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop_or_kill)
    return stop


async def _finishes(work: Coroutine[Any, Any, None], *, unless: asyncio.Event) -> bool:
    """Do the work and return True; or cancel it and return False once the event is set."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(unless.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait([working])
        return False
    working.result()
    return True


if __name__ == "__main__":
    sys.exit(main())
