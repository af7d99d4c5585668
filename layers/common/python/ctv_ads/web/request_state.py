"""What one request has found out so far: its caller, and headers for its answer.

A dependency of a route knows neither the answer nor the other dependencies; a context variable
carries between them what belongs to the request.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field

from ctv_ads.domain.access import Caller


@dataclass(slots=True)
class RequestState:
    """Begins anew with each request."""

    caller: Caller | None = None
    headers: dict[str, str] = field(default_factory=dict)


_STATE: ContextVar[RequestState | None] = ContextVar("request_state", default=None)


def begin_request() -> RequestState:
    """Forget the request before."""
    state = RequestState()
    _STATE.set(state)
    return state


def request_state() -> RequestState:
    """Return the state of the request in hand."""
    return _STATE.get() or begin_request()
