"""`Idempotency-Key` on creates: the same key and body get the same answer, and one thing is made.

The key, the work and the kept answer are one transaction, so a crash anywhere leaves either all
of them or none. Errors are not kept: a refused create may be mended and sent again.
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from ctv_ads.domain.access import Caller
from ctv_ads.errors import ConflictError, FieldProblem, InvalidRequestError, ShownOnceError
from ctv_ads.ports.control_plane import GivenAnswer, Stores

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[!-~]{1,255}")
_KEPT_HEADERS = ("ETag", "Location")

Middleware = Callable[[APIGatewayHttpResolver, NextMiddleware], Response[Any]]


def idempotent(
    stores: Callable[[], Stores],
    caller_of: Callable[[Any], Caller],
    without_secret: Callable[[Any], dict[str, str]] | None = None,
) -> Middleware:
    """Return the middleware of a route that makes something.

    `caller_of` takes the Powertools request and raises `UnauthenticatedError`. Where an answer
    holds a secret, `without_secret` returns what of it may be kept: the ids of what was made. A
    repeat then raises `ShownOnceError` with them.
    """

    def once(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
        event = app.current_event
        key = event.headers.get(HEADER.lower())
        if key is None:
            return next_middleware(app)
        caller = caller_of(app.request)
        _refuse_bad_key(key)
        fingerprint = _fingerprint(event.http_method, event.path, event.json_body)
        with stores().transaction(caller) as store:
            given = store.idempotency_keys.claim(caller, key, fingerprint)
            if given is not None:
                return _repeat(given, fingerprint, is_shown_once=without_secret is not None)
            response = next_middleware(app)
            kept = without_secret(response.body) if without_secret else response.body
            body = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
            answer = GivenAnswer(fingerprint, response.status_code, body, _kept_headers(response))
            store.idempotency_keys.keep(caller, key, answer)
            return response

    return once


def _fingerprint(method: str, path: str, body: object) -> str:
    text = json.dumps([method, path, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_bad_key(key: str) -> None:
    if _KEY.fullmatch(key) is None:
        message = "1 to 255 visible characters of ASCII"
        raise InvalidRequestError(
            f"the header {HEADER} is wrong", [FieldProblem(HEADER, "bad_key", message)]
        )


def _kept_headers(response: Response[Any]) -> dict[str, str]:
    found = {name: response.headers.get(name) for name in _KEPT_HEADERS}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _repeat(given: GivenAnswer, fingerprint: str, *, is_shown_once: bool) -> Response[str]:
    if given.fingerprint != fingerprint:
        message = "this key was used for another request"
        raise ConflictError(message, [FieldProblem(HEADER, "key_reused", message)])
    if is_shown_once:
        message = "this request was answered before, with a secret that is shown once and not kept"
        raise ShownOnceError(message, json.loads(given.body))
    headers = {**given.headers, "Idempotent-Replay": "true"}
    return Response(given.status, "application/json", given.body, headers=headers)
