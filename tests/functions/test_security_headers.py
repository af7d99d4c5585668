"""What every answer carries, whoever may call it from where.

The tests of the ad request and of the collector look at each of their answers.
"""

import base64
import hashlib
import re

import pytest

from ctv_ads.web import resolver
from ctv_ads.web.security import MACHINE_HEADERS, SECURITY_HEADERS
from functions.platform import handler as platform
from tests.functions.conftest import Answer, Office, answer_of
from tests.functions.recorded import api_event

ORIGIN = "https://console.example.com"


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "_allowed_origins", lambda: (ORIGIN,))


def ask_docs(path: str) -> Answer:
    return answer_of(platform.lambda_handler(api_event("GET", path), object()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/auth/profile", 200),
        ("GET", "/api/v1/auth/nowhere", 404),
        ("POST", "/api/v1/auth/login", 422),
        ("PATCH", "/api/v1/auth/profile", 422),
    ],
)
def test_every_answer_is_secured(office: Office, method: str, path: str, status: int) -> None:
    answer = office.send("auth", method, path, None if method == "GET" else {"x": 1})
    assert answer.status == status
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name.lower()] == value
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_what_players_get_may_be_read_by_any_page_and_run_in_none() -> None:
    assert MACHINE_HEADERS["x-content-type-options"] == "nosniff"
    assert MACHINE_HEADERS["cross-origin-resource-policy"] == "cross-origin"
    policy = MACHINE_HEADERS["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"
    assert "max-age=" in MACHINE_HEADERS["strict-transport-security"]


def test_the_documentation_runs_its_own_scripts_and_no_others() -> None:
    answer = ask_docs("/api/docs")
    policy = answer.headers["content-security-policy"]
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", answer.body, re.DOTALL)
    assert scripts
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert "unsafe-eval" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("allowed")
def test_pages_of_configured_origins_may_read_answers(office: Office) -> None:
    path = "/api/v1/auth/profile"
    theirs = office.send("auth", "GET", path, headers={"origin": ORIGIN})
    assert theirs.headers["access-control-allow-origin"] == ORIGIN
    assert theirs.headers["access-control-allow-credentials"] == "true"
    assert theirs.headers["vary"] == "Origin"
    others = office.send("auth", "GET", path, headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in others.headers
    assert others.headers["vary"] == "Origin"


@pytest.mark.usefixtures("allowed")
def test_browsers_learn_beforehand_what_such_a_page_may_send(office: Office) -> None:
    def preflight(origin: str) -> Answer:
        event = api_event("OPTIONS", "/api/v1/campaigns", headers={"origin": origin})
        return office.call("campaigns", event)

    theirs, others = preflight(ORIGIN), preflight("https://evil.example")
    assert (theirs.status, others.status) == (204, 204)
    assert theirs.headers["access-control-allow-origin"] == ORIGIN
    assert "PATCH" in theirs.headers["access-control-allow-methods"]
    assert "if-match" in theirs.headers["access-control-allow-headers"]
    assert not any(name.startswith("access-control") for name in others.headers)


def test_options_are_answered_to_those_who_are_no_page_too(office: Office) -> None:
    answer = office.call("campaigns", api_event("OPTIONS", "/api/v1/campaigns"))
    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_without_configuration_no_other_origin_may(office: Office) -> None:
    answer = office.send("auth", "GET", "/api/v1/auth/profile", headers={"origin": ORIGIN})
    assert not any(name.startswith("access-control") for name in answer.headers)
