"""One PostgreSQL connection per process, kept over invocations and mended when it breaks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

import orjson
import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg.types.string import BytesBinaryDumper, TextLoader

from ctv_ads.adapters.postgres.bounded import AnswerTimeoutError, BoundedConnection
from ctv_ads.domain.access import Caller
from ctv_ads.errors import DependencyUnavailableError

Connection = psycopg.Connection[DictRow]

# What a transaction may take beyond its longest statement, so that the server, which can say
# what it was doing, gives up before we do.
_BEYOND_STATEMENTS_MS = 1000
_LAST_WORDS_S = 1
# A peer that is gone, not just busy: nothing acknowledged, no keepalive answered.
_PEER_IS_GONE = {
    "tcp_user_timeout": 10_000,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}

# The end of a session that was idle for too long is an InternalError to psycopg.
_NO_ANSWER = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)

_SET_IDENTITY = """
SELECT set_config('app.organization_id', %s, true), set_config('app.user_id', %s, true),
       set_config('app.request_id', %s, true), set_config('app.advertiser_ids', %s, true)"""


def connection_parameters(secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return psycopg's parameters from a secret as Secrets Manager keeps it for RDS.

    Connections are encrypted unless the secret's `sslmode` says otherwise.
    """
    return {
        "host": secret["host"],
        "port": int(secret["port"]),
        "dbname": secret["dbname"],
        "user": secret["username"],
        "password": secret["password"],
        "sslmode": secret.get("sslmode", "require"),
        "application_name": "ctv-ads",
        **_PEER_IS_GONE,
    }


def _server_limits(statement_timeout_ms: int) -> str:
    """Return what makes the server give up by itself; locks before what waits for them."""
    limits = {
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": statement_timeout_ms * 4 // 5,
        "idle_in_transaction_session_timeout": statement_timeout_ms,
        # Compiling a statement, or starting workers for it, takes longer than ours run.
        "jit": "off",
        "max_parallel_workers_per_gather": 0,
    }
    return " ".join(f"-c {name}={value}" for name, value in limits.items())


class Database:
    """Opens transactions on one database with one role's credentials.

    Not for several threads: Lambda gives each invocation its own process.
    """

    def __init__(
        self,
        secret: Mapping[str, Any],
        *,
        connect_timeout_s: int = 3,
        statement_timeout_ms: int = 5000,
    ) -> None:
        """Take the credentials as Secrets Manager keeps them for RDS.

        A statement may take `statement_timeout_ms`; a whole transaction, with connecting and
        what happens between its statements, a second more. Both belong below the function's
        own timeout: after that nobody is left to say which dependency it was.
        """
        self._bound_s = (statement_timeout_ms + _BEYOND_STATEMENTS_MS) / 1000
        self._parameters = {
            **connection_parameters(secret),
            "connect_timeout": connect_timeout_s,
            "options": _server_limits(statement_timeout_ms),
        }
        self._connection: BoundedConnection | None = None
        self._open: tuple[str, ...] | None = None
        self._held: list[Callable[[], None]] = []

    @contextmanager
    def transaction(self, caller: Caller | None = None) -> Iterator[Connection]:
        """Open a transaction; for a caller, row-level security shows one organization only.

        It commits when the block ends and rolls back when it raises. A transaction opened
        inside another of the same caller is part of it: the outer one commits both.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer in time, or went away meanwhile.
        """
        identity = _identity(caller)
        if self._open is not None and self._connection is not None:
            if self._open != identity:
                raise RuntimeError("a transaction is open for somebody else")
            yield self._connection
            return
        try:
            connection = self._begin(identity)
            self._open = identity
            try:
                yield connection
                if connection.info.transaction_status is TransactionStatus.INERROR:
                    self._held.clear()  # PostgreSQL answers its COMMIT by rolling back
                connection.commit()
            finally:
                self._open = None
                held, self._held = self._held, []
                if not connection.closed:
                    connection.answer_by(monotonic() + _LAST_WORDS_S)
                    connection.rollback()
        except _NO_ANSWER as error:
            self.close()
            raise DependencyUnavailableError("postgresql", str(error).strip()) from error
        for action in held:
            action()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Do this once the open transaction has committed, and not at all if it does not.

        Without an open transaction it is done at once.
        """
        if self._open is None:
            action()
        else:
            self._held.append(action)

    def close(self) -> None:
        """Give the connection up; the next transaction opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begin(self, identity: tuple[str, ...]) -> BoundedConnection:
        """Return a connection inside a transaction; a kept one that has died is replaced."""
        deadline = monotonic() + self._bound_s
        if self._connection is not None:
            try:
                self._connection.answer_by(deadline)
                self._connection.execute(_SET_IDENTITY, identity)
            except AnswerTimeoutError:
                raise  # the server is not dead but silent, and would be to a new connection
            except _NO_ANSWER:
                self.close()
            else:
                return self._connection
        self._connection = BoundedConnection.connect(**self._parameters, row_factory=dict_row)
        # Ids are text everywhere: no UUID is made of each only to be written out again.
        self._connection.adapters.register_loader("uuid", TextLoader)
        # Else those of `psycopg.Binary` write them, which are not compiled.
        self._connection.adapters.register_dumper(bytes, BytesBinaryDumper)
        # Line items are mostly jsonb: the json module would take half of what publishing takes.
        set_json_loads(orjson.loads, self._connection)
        self._connection.answer_by(deadline)
        self._connection.execute(_SET_IDENTITY, identity)
        return self._connection


def _identity(caller: Caller | None) -> tuple[str, ...]:
    """Return organization, person and request, as row-level security and audit read them."""
    if caller is None:
        return ("", "", "", "")
    scope = caller.advertiser_ids
    advertisers = "" if scope is None else f"{{{','.join(sorted(scope))}}}"
    return (caller.organization_id, caller.user_id, caller.request_id, advertisers)
