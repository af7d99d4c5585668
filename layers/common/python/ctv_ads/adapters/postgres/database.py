"""One PostgreSQL connection per process, kept over invocations and mended when it breaks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from ctv_ads.errors import DependencyUnavailableError

Connection = psycopg.Connection[DictRow]

_SET_ORGANIZATION = "SELECT set_config('app.organization_id', %s, true)"


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
    }


class Database:
    """Opens transactions on one database with one role's credentials.

    Not for several threads: Lambda gives each invocation its own process.
    """

    def __init__(self, secret: Mapping[str, Any], *, connect_timeout_s: int = 3) -> None:
        """Take the credentials as Secrets Manager keeps them for RDS."""
        self._parameters = {
            **connection_parameters(secret),
            "connect_timeout": connect_timeout_s,
        }
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self, organization_id: str = "") -> Iterator[Connection]:
        """Open a transaction; with `organization_id`, row-level security shows that one only.

        It commits when the block ends and rolls back when it raises.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer, or went away meanwhile.
        """
        try:
            connection = self._begin(organization_id)
            try:
                yield connection
                connection.commit()
            finally:
                if not connection.closed:
                    connection.rollback()
        except psycopg.OperationalError as error:
            self.close()
            raise DependencyUnavailableError("postgresql", str(error).strip()) from error

    def close(self) -> None:
        """Give the connection up; the next transaction opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begin(self, organization_id: str) -> Connection:
        """Return a connection inside a transaction; a kept one that has died is replaced."""
        if self._connection is not None:
            try:
                self._connection.execute(_SET_ORGANIZATION, (organization_id,))
            except psycopg.OperationalError:
                self.close()
            else:
                return self._connection
        self._connection = psycopg.connect(**self._parameters, row_factory=dict_row)
        self._connection.execute(_SET_ORGANIZATION, (organization_id,))
        return self._connection
