"""The whole stack starts, keeps its data, survives deaths, and leaves no process behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import httpx
import psutil
import psycopg
import pytest

from local import stack
from local.__main__ import run
from local.data_folder import DataFolder
from local.emulator import Emulator
from local.options import Options
from local.ports import Ports, free_block
from local.postgres import DATABASE, OWNER
from local.processes import REPOSITORY, LocalError
from local.secrets import Secrets

pytestmark = pytest.mark.xdist_group("local stack")


class Copy:
    """A running copy of the small stack."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.ports = Ports(port)
        self.output = folder.parent / f"{folder.name}-{port}.out"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.local.small_stack"],
                cwd=REPOSITORY,
                env={**os.environ, "PORT": str(port), "DATA_DIR": str(folder)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str, *, within_s: float = 30) -> None:
        deadline = monotonic() + within_s
        while text not in self.text:
            assert self.process.poll() is None, self.text
            assert monotonic() < deadline, self.text
            sleep(0.05)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, name: str) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        (found,) = [child for child in children if child.name() == name]
        return found

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.ports.gateway}{path}")

    def dsn(self) -> str:
        password = Secrets.load(self.folder / "secrets.json").owner_password
        return f"postgresql://{OWNER}:{password}@127.0.0.1:{self.ports.postgres}/{DATABASE}"

    def emulator(self) -> Emulator:
        return Emulator(self.folder / "aws", self.ports.emulator)


@contextmanager
def a_copy(folder: Path, port: int | None = None) -> Iterator[Copy]:
    copy = Copy(folder, port or free_block())
    try:
        copy.wait_for("ready in ")
        yield copy
    finally:
        if copy.process.poll() is None:
            copy.process.send_signal(signal.SIGTERM)
            try:
                copy.process.wait(20)
            finally:
                copy.process.kill()


@pytest.fixture(scope="module")
def parent_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="ctv-stack-") as folder:
        yield Path(folder)


def gone(processes: list[psutil.Process], *, within_s: float = 5) -> bool:
    deadline = monotonic() + within_s
    while any(map(_lives, processes)):
        if monotonic() > deadline:
            return False
        sleep(0.05)
    return True


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it ended just now
        return []


def _lives(process: psutil.Process) -> bool:
    try:
        # An orphan stays a zombie where the container's first process does not reap.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop_well(copy: Copy, by: signal.Signals) -> None:
    """Stop the copy and check that it ended well, and everything with it."""
    children = copy.children()
    copy.process.send_signal(by)
    assert copy.process.wait(20) == 0, copy.text
    assert gone(children)
    assert copy.text.endswith("stopped\n")
    assert "!" not in copy.text


def test_a_signal_stops_everything_and_the_next_start_finds_its_data(parent_folder: Path) -> None:
    with a_copy(parent_folder / "kept") as copy:
        answer = copy.get("/hello/tv")
        assert (answer.status_code, answer.text) == (200, "GET /hello/{name}")
        with psycopg.connect(copy.dsn()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS figure")
        copy.emulator().s3.put_object(Bucket="ctv-media", Key="a.mp4", Body=b"film")
        stop_well(copy, signal.SIGTERM)
    with a_copy(parent_folder / "kept") as copy:
        with psycopg.connect(copy.dsn()) as connection:
            assert connection.execute("SELECT figure FROM kept").fetchone() == (7,)
        assert copy.get("/media/a.mp4").content == b"film"
        stop_well(copy, signal.SIGINT)


def test_a_killed_copy_leaves_no_process(parent_folder: Path) -> None:
    with a_copy(parent_folder / "killed") as copy:
        children = copy.children()
        assert len(children) >= 5
        copy.process.kill()
        copy.process.wait()
        assert gone(children)


def test_servers_that_die_come_back_and_others_end_everything(parent_folder: Path) -> None:
    with a_copy(parent_folder / "deaths") as copy:
        copy.child("valkey-server").kill()
        copy.child("postgres").kill()
        copy.wait_for("! valkey: was killed by signal 9; starting it again in 2 s")
        copy.wait_for("! postgresql: was killed by signal 9; starting it again in 2 s")
        copy.wait_for("! valkey: runs again")
        copy.wait_for("! postgresql: runs again")
        with psycopg.connect(copy.dsn()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        children = copy.children()
        [emulator] = [child for child in children if "ministack" in _command(child)]
        emulator.kill()
        assert copy.process.wait(20) == 1
        assert "error: the AWS emulator was killed by signal 9" in copy.text
        assert gone(children)


@pytest.fixture
def free(tmp_path: Path) -> Options:
    return Options(port=free_block(), data_dir=tmp_path / "data", functions=(), seed=False)


def test_a_second_copy_with_the_same_data_is_told_so(free: Options) -> None:
    first = DataFolder(free.data_dir)
    first.open()
    with pytest.raises(LocalError, match="another copy runs with the data in") as refused:
        asyncio.run(run(free))
    assert "PORT=3100 DATA_DIR=.local-2 make run" in str(refused.value)
    first.close()


def test_busy_ports_are_named_with_a_way_out(
    free: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "_PORTS_PATIENCE_S", 0)
    busy = socket.create_server(("127.0.0.1", free.ports.valkey))
    with busy, pytest.raises(LocalError) as refused:
        asyncio.run(run(free))
    assert f"port {free.ports.valkey} (Valkey) is in use on 127.0.0.1" in str(refused.value)
    assert f"PORT={free.port + 100} make run" in str(refused.value)


_WITH_A_BROKEN_VALKEY = """
import sys
from local import valkey
from local.__main__ import main
valkey._binary = lambda broken=sys.argv.pop(): broken
sys.exit(main())
"""


def test_a_valkey_that_does_not_start_is_named_with_its_own_words(parent_folder: Path) -> None:
    folder, broken = parent_folder / "no-valkey", parent_folder / "valkey-server"
    broken.write_text("#!/bin/sh\necho 'libssl.so.3: no such file'\nexit 127\n")
    broken.chmod(0o755)
    environment = {**os.environ, "PORT": str(free_block()), "DATA_DIR": str(folder)}
    ended = subprocess.run(
        [sys.executable, "-c", _WITH_A_BROKEN_VALKEY, "run", str(broken)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == "error: Valkey ended with status 127:\n  libssl.so.3: no such file\n"
    assert not [p for p in psutil.process_iter() if str(folder) in " ".join(_command(p))]
