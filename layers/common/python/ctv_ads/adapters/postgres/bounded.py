"""A connection that gives up a server which holds the line and says nothing.

libpq waits for answers without end. `tcp_user_timeout` does not help against a stopped server:
its kernel goes on acknowledging.
"""

from time import monotonic

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.rows import DictRow


class AnswerTimeoutError(psycopg.OperationalError):
    """PostgreSQL did not answer before the deadline; the connection is closed."""


class BoundedConnection(psycopg.Connection[DictRow]):
    """Closes itself when an answer does not come before the deadline that is set."""

    _deadline: float | None = None

    def answer_by(self, deadline: float) -> None:
        """Let everything from now on be answered by then, in seconds of `monotonic`."""
        self._deadline = deadline

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait as psycopg does for every answer, but not beyond the deadline."""
        if timeout is not None or self._deadline is None:
            return super().wait(gen, interval, timeout)
        remaining_s = max(0.0, self._deadline - monotonic())
        try:
            return super().wait(gen, interval, remaining_s)
        except psycopg.OperationalError as error:
            # What the server says has a state; a deadline that passed has none.
            if error.sqlstate is not None or monotonic() < self._deadline:
                raise
            self.close()
            raise AnswerTimeoutError("no answer before the deadline") from error
