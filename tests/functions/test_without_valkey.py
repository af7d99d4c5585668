"""Signing in and using the API while Valkey does not answer."""

from collections.abc import Iterator

import pytest

from ctv_ads.adapters.valkey.denied_tokens import ValkeyDeniedTokens
from ctv_ads.adapters.valkey.rate_limits import ValkeyRateLimits
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap import guards
from local.ports import free_port
from tests.functions.conftest import Guards, Office
from tests.functions.test_accounts import an_email, post, register


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guards]:
    with RespConnection(f"redis://127.0.0.1:{free_port()}/0", timeout_ms=50) as connection:
        made = Guards(
            connection,
            guards.OpenRateLimits(ValkeyRateLimits(connection, failed_logins=1, first_delay_s=9)),
            guards.OpenDeniedTokens(ValkeyDeniedTokens(connection, lifetime_s=900)),
        )
        monkeypatch.setattr(guards, "limits", lambda: made.limits)
        monkeypatch.setattr(guards, "rate_limits", lambda: made.rate_limits)
        monkeypatch.setattr(guards, "denied_tokens", lambda: made.denied_tokens)
        yield made


def test_people_sign_in_work_and_sign_out(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    email = an_email()
    session = register(office, email=email).json["session"]
    for _ in range(3):
        post(office, "login", email=email, password="wrong").assert_problem(401, "unauthenticated")
    token = session["access_token"]
    assert office.send("auth", "GET", "/api/v1/auth/profile", token=token).status == 200
    assert office.send("auth", "POST", "/api/v1/auth/logout", token=token).status == 204
    refused = post(office, "refresh", refresh_token=session["refresh_token"])
    refused.assert_problem(401, "unauthenticated")
    assert "GuardsUnavailable" in capsys.readouterr().out
