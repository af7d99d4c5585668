"""One call of a function: its event, its fate, and how it can fail."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

# Lambda's limit for a synchronous request and for its response.
PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024


class FunctionFailedError(Exception):
    """The function gave no result: it raised, ran too long, died or never became ready.

    `error_type` and `message` are Lambda's own: `Sandbox.Timedout`, `Runtime.ExitError`, or the
    exception's class.
    """

    def __init__(
        self, function: str, error_type: str, message: str, stack_trace: tuple[str, ...] = ()
    ) -> None:
        super().__init__(f"{function}: {error_type}: {message}")
        self.function = function
        self.error_type = error_type
        self.message = message
        self.stack_trace = stack_trace

    @classmethod
    def from_report(cls, function: str, report: dict[str, Any]) -> "FunctionFailedError":
        """Read what the runtime client posts about an exception."""
        return cls(
            function,
            str(report.get("errorType") or "Unknown"),
            str(report.get("errorMessage") or ""),
            tuple(str(line) for line in report.get("stackTrace") or ()),
        )


@dataclass(slots=True, eq=False)
class Invocation:
    """An event on its way through a function; `result` gets the response or the failure."""

    payload: bytes
    request_id: str = field(default_factory=lambda: str(uuid4()))
    result: asyncio.Future[bytes] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def succeed(self, response: bytes) -> None:
        """Give the caller the response, unless it stopped waiting."""
        if not self.result.done():
            self.result.set_result(response)

    def fail(self, error: FunctionFailedError) -> None:
        """Give the caller the failure, unless it stopped waiting."""
        if not self.result.done():
            self.result.set_exception(error)


class Invokes(Protocol):
    """Something that runs a function."""

    async def invoke(self, event: object) -> bytes:
        """Return the handler's result as JSON, or raise FunctionFailedError."""
        ...
