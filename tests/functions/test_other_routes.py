"""What no route fits: unknown paths, and methods that a path does not have."""

import re

import pytest

from ctv_ads.web import resolver
from ctv_ads.web.security import SECURITY_HEADERS
from functions.manifest import EVERYTHING_ELSE, FUNCTIONS
from functions.platform import handler
from functions.platform.other_routes import methods_of
from tests.functions.conftest import Answer, answer_of
from tests.functions.recorded import api_event

ORIGIN = "https://console.example.com"
ROUTES = {
    (route.method, route.path)
    for function in FUNCTIONS
    for route in function.routes
    if route != EVERYTHING_ELSE
}
FITS_TWO = "/api/v1/campaigns/status"
PATHS = sorted({path for _, path in ROUTES} - {FITS_TWO})
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def ask(method: str, path: str, origin: str | None = None) -> Answer:
    headers = {"origin": origin} if origin else None
    event = api_event(method, path, headers=headers) | {"routeKey": "$default"}
    answer = answer_of(handler.lambda_handler(event, object()))  # type: ignore[arg-type]
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name.lower()] == value
    return answer


@pytest.mark.parametrize("path", PATHS)
def test_a_path_tells_the_methods_that_the_manifest_gives_it(path: str) -> None:
    sent = re.sub(r"\{\w+\}", "0193593b-0000-7000-8000-00000000000d", path)
    has = {method for method, other in ROUTES if other == path} | {"OPTIONS"}
    assert methods_of(sent) == tuple(sorted(has))
    for method in set(METHODS) - has:
        answer = ask(method, sent)
        answer.assert_problem(405, "method-not-allowed")
        assert answer.headers["allow"] == ", ".join(sorted(has))


def test_a_path_that_fits_two_has_the_methods_of_both() -> None:
    assert methods_of(FITS_TWO) == ("DELETE", "GET", "OPTIONS", "PATCH", "POST")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/health/",
        "/Health",
        "/api/v1/nothing",
        "/api/v1/campaigns/",
        "/api//v1/campaigns",
        "/api/v1/campaigns/x/y/z",
    ],
)
def test_an_unknown_path_is_not_found_whatever_is_asked_of_it(path: str) -> None:
    for method in METHODS:
        answer = ask(method, path)
        answer.assert_problem(404, "not-found")
        assert "allow" not in answer.headers


def test_pages_of_configured_origins_may_read_the_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "_allowed_origins", lambda: (ORIGIN,))
    for path in ("/api/v1/nothing", "/health"):
        answer = ask("PUT", path, ORIGIN)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
    beforehand = ask("OPTIONS", "/health", ORIGIN)
    assert (beforehand.status, beforehand.body) == (204, "")
    assert beforehand.headers["access-control-allow-origin"] == ORIGIN
