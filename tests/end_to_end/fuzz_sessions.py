"""Hooks of schemathesis for what ends sessions: each request has a session of its own.

Every request is sent by somebody who has just signed in, and some well-formed changes of password
say the password in force, so that the change is made and the next sign-in needs it.
"""

import os
from itertools import count
from typing import Any

import httpx
import schemathesis

_LOGIN = f"{os.environ['FUZZ_BASE_URL']}/api/v1/auth/login"
_TO_SIGN_IN = "Bearer to-sign-in"
_EMAIL = os.environ["FUZZ_EMAIL"]
_PASSWORD_PATH = "/api/v1/auth/password"
_password = [os.environ["FUZZ_PASSWORD"]]
_changes = count()
_CHANGED_EVERY = 4
"""Each change costs a hash, and one more at every sign-in from then on."""


@schemathesis.auth(refresh_interval=None)
class FreshSession:
    """Marks the requests that are to be sent by somebody who is signed in."""

    def get(self, _case: Any, _context: schemathesis.AuthContext) -> str:
        """Return the mark."""
        return _TO_SIGN_IN

    def set(self, case: Any, mark: str, _context: schemathesis.AuthContext) -> None:
        """Put the mark where the token will be."""
        case.headers["Authorization"] = mark


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: Any, _kwargs: dict[str, object]) -> None:
    """Sign in only now: a change of password between making and sending would end the session."""
    if case.headers.get("Authorization") == _TO_SIGN_IN:
        credentials = {"email": _EMAIL, "password": _password[-1]}
        answer = httpx.post(_LOGIN, json=credentials, timeout=30).raise_for_status()
        case.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        if _is_change(case) and _is_well_formed(case) and next(_changes) % _CHANGED_EVERY == 0:
            case.body["current_password"] = _password[-1]


@schemathesis.hook
def after_call(
    _context: schemathesis.HookContext, case: Any, response: schemathesis.Response
) -> None:
    """Remember the password that is in force from now on."""
    if _is_change(case) and response.status_code == 204:
        _password.append(case.body["new_password"])


def _is_change(case: Any) -> bool:
    return bool(case.operation.path == _PASSWORD_PATH and case.method == "PUT")


def _is_well_formed(case: Any) -> bool:
    return bool(case.meta) and case.meta.generation.mode.is_positive
