"""Staying signed in and signing out: refresh tokens, cookies, denied access tokens."""

from datetime import timedelta
from typing import Any

import bcrypt
import psycopg
import pytest

from ctv_ads.access_settings import LimitSettings
from ctv_ads.adapters import passwords
from ctv_ads.bootstrap import guards
from ctv_ads.domain.access import Role
from ctv_ads.web.hops import CLOUDFRONT_PROOF
from tests.builders import Tenant, a_tenant
from tests.functions.conftest import Answer, Office
from tests.functions.recorded import api_event

LOGIN, REFRESH, LOGOUT, PROFILE = (
    f"/api/v1/auth/{name}" for name in ("login", "refresh", "logout", "profile")
)
PASSWORD = "correct horse"
PROOF = "a-proof-of-the-tests-with-32-characters"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture
def person(office: Office) -> Tenant:
    tenant = a_tenant(role=Role.ADMIN, password_hash=HASH)
    office.world.add(tenant)
    return tenant


def login(office: Office, person: Tenant, password: str = PASSWORD, host: str = "") -> Answer:
    body = {"email": person.account.email, "password": password}
    event = api_event("POST", LOGIN, body=body)
    if host:
        event["requestContext"]["domainName"] = host
    return office.call("auth", event)


def refresh(office: Office, token: str | None = None, cookie: str = "") -> Answer:
    event = api_event("POST", REFRESH, body={"refresh_token": token} if token else None)
    event["cookies"] = [cookie] if cookie else []
    return office.call("auth", event)


def profile(office: Office, signed_in: Answer) -> Answer:
    return office.send("auth", "GET", PROFILE, token=signed_in.json["access_token"])


def rows(office: Office, query: str, *values: Any) -> list[Any]:
    with psycopg.connect(office.world.schema.owner_dsn) as connection:
        return connection.execute(query.encode(), values).fetchall()


def test_signing_in_gives_a_refresh_token_in_a_cookie_that_scripts_cannot_read(
    office: Office, person: Tenant
) -> None:
    answer = login(office, person)
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert cookie == f"__Secure-ctv-refresh={answer.json['refresh_token']}"
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/api/v1/auth"} <= set(attributes)
    assert f"Max-Age={answer.json['refresh_expires_in']}" in attributes
    local = login(office, person, host="localhost").headers["set-cookie"]
    assert local.startswith("ctv-refresh=")
    assert "Secure" in local


def test_refresh_tokens_are_kept_as_hashes_only(office: Office, person: Tenant) -> None:
    token = login(office, person).json["refresh_token"]
    kept = rows(
        office,
        "SELECT token_hash FROM refresh_tokens JOIN sessions USING (session_id) WHERE user_id = %s",
        person.caller.user_id,
    )
    assert len(kept) == 1
    assert token not in kept[0][0]
    assert len(kept[0][0]) == 64


def test_a_refresh_token_in_the_body_gives_its_successor_in_the_body(
    office: Office, person: Tenant
) -> None:
    signed_in = login(office, person)
    renewed = refresh(office, signed_in.json["refresh_token"])
    assert renewed.status == 200
    assert renewed.json["refresh_token"] != signed_in.json["refresh_token"]
    assert "set-cookie" not in renewed.headers
    assert profile(office, renewed).json["id"] == person.caller.user_id
    assert refresh(office, renewed.json["refresh_token"]).status == 200


def test_a_refresh_token_in_the_cookie_gives_its_successor_in_the_cookie_alone(
    office: Office, person: Tenant
) -> None:
    cookie = login(office, person).headers["set-cookie"].split(";")[0]
    renewed = refresh(office, cookie=cookie)
    assert renewed.status == 200
    assert renewed.json["refresh_token"] is None
    successor = renewed.headers["set-cookie"].split(";")[0]
    assert successor != cookie
    assert refresh(office, cookie=successor).status == 200


def test_an_old_refresh_token_ends_the_whole_session(office: Office, person: Tenant) -> None:
    signed_in = login(office, person)
    other_session = login(office, person)
    renewed = refresh(office, signed_in.json["refresh_token"])
    refresh(office, signed_in.json["refresh_token"]).assert_problem(401, "unauthenticated")
    refresh(office, renewed.json["refresh_token"]).assert_problem(401, "unauthenticated")
    profile(office, renewed).assert_problem(401, "unauthenticated")
    assert refresh(office, other_session.json["refresh_token"]).status == 200
    query = "SELECT revoked_because FROM sessions WHERE user_id = %s AND revoked_at IS NOT NULL"
    assert rows(office, query, person.caller.user_id) == [("reuse",)]


def test_a_refresh_token_that_was_not_used_in_time_is_none(office: Office, person: Tenant) -> None:
    token = login(office, person).json["refresh_token"]
    office.now[0] += timedelta(days=30)
    refresh(office, token).assert_problem(401, "unauthenticated")


@pytest.mark.parametrize("token", ["x", "\u0000", "é", "x" * 200])
def test_a_made_up_refresh_token_is_none(office: Office, token: str) -> None:
    refresh(office, token).assert_problem(401, "unauthenticated")


def test_without_any_refresh_token_there_is_nothing_to_renew(office: Office) -> None:
    refresh(office).assert_problem(401, "unauthenticated")
    refresh(office, cookie="ctv-refresh=").assert_problem(401, "unauthenticated")
    refresh(office, cookie="another=x").assert_problem(401, "unauthenticated")


def test_renewing_takes_the_role_as_it_is_now(office: Office, person: Tenant) -> None:
    signed_in = login(office, person)
    with psycopg.connect(office.world.schema.owner_dsn) as connection:
        connection.execute(
            "UPDATE memberships SET role = 'viewer' WHERE user_id = %s", (person.caller.user_id,)
        )
    renewed = refresh(office, signed_in.json["refresh_token"])
    assert renewed.json["user"]["role"] == "viewer"


def test_who_was_removed_cannot_renew(office: Office, person: Tenant) -> None:
    signed_in = login(office, person)
    with psycopg.connect(office.world.schema.owner_dsn) as connection:
        connection.execute("DELETE FROM memberships WHERE user_id = %s", (person.caller.user_id,))
    refresh(office, signed_in.json["refresh_token"]).assert_problem(401, "unauthenticated")


def test_signing_out_ends_access_and_refresh_tokens_and_takes_the_cookie_back(
    office: Office, person: Tenant
) -> None:
    signed_in = login(office, person)
    assert profile(office, signed_in).status == 200
    bye = office.send("auth", "POST", LOGOUT, token=signed_in.json["access_token"])
    assert (bye.status, bye.body) == (204, "")
    assert "Max-Age=0" in bye.headers["set-cookie"]
    profile(office, signed_in).assert_problem(401, "unauthenticated")
    refresh(office, signed_in.json["refresh_token"]).assert_problem(401, "unauthenticated")
    denied = [
        key
        for key in office.guards.valkey.call("KEYS", "denied:*")
        if person.caller.user_id.encode() in key
    ]
    assert 0 < office.guards.valkey.call("TTL", denied[0]) <= 900


def test_signing_out_leaves_other_sessions_alone(office: Office, person: Tenant) -> None:
    one, other = login(office, person), login(office, person)
    office.send("auth", "POST", LOGOUT, token=one.json["access_token"])
    assert profile(office, other).status == 200
    assert refresh(office, other.json["refresh_token"]).status == 200


def test_who_has_only_a_refresh_token_may_sign_out_too(office: Office, person: Tenant) -> None:
    signed_in = login(office, person)
    event = api_event("POST", LOGOUT)
    event["cookies"] = [signed_in.headers["set-cookie"].split(";")[0]]
    assert office.call("auth", event).status == 204
    profile(office, signed_in).assert_problem(401, "unauthenticated")
    nothing = office.call("auth", api_event("POST", LOGOUT))
    nothing.assert_problem(401, "unauthenticated")


def test_signing_in_and_out_is_audited(office: Office, person: Tenant) -> None:
    signed_in = login(office, person)
    office.send("auth", "POST", LOGOUT, token=signed_in.json["access_token"])
    found = rows(
        office,
        "SELECT action, after ->> 'revoked_because', after::text"
        " FROM audit_events WHERE entity = 'session' AND actor_id = %s"
        " ORDER BY audit_event_id",
        person.caller.user_id,
    )
    assert [row[:2] for row in found] == [("create", None), ("update", "logout")]


@pytest.mark.parametrize("known", [True, False])
def test_every_refused_login_costs_one_bcrypt(
    office: Office, person: Tenant, known: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = []
    real = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        costs.append(hashed.split(b"$")[2])
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    office.call(
        "auth",
        api_event(
            "POST",
            LOGIN,
            body={
                "email": person.account.email if known else "nobody@example.com",
                "password": "wrong",
            },
        ),
    )
    assert costs == [HASH.encode().split(b"$")[2] if known else b"12"]
    assert passwords.hash_password("x").split("$")[2] == "12"


def test_after_five_failures_an_account_waits_longer_and_longer(
    office: Office, person: Tenant
) -> None:
    for _ in range(5):
        login(office, person, "wrong").assert_problem(401, "unauthenticated")
    closed = login(office, person)
    closed.assert_problem(429, "rate-limited")
    assert 25 <= int(closed.headers["retry-after"]) <= 30
    for key in office.guards.valkey.call("KEYS", "login:*:closed"):
        office.guards.valkey.call("DEL", key)
    login(office, person, "wrong").assert_problem(401, "unauthenticated")
    assert 55 <= int(login(office, person).headers["retry-after"]) <= 60


def test_a_login_that_succeeds_forgets_the_failures(office: Office, person: Tenant) -> None:
    for _ in range(3):
        for _ in range(4):
            login(office, person, "wrong").assert_problem(401, "unauthenticated")
        assert login(office, person).status == 200


def test_an_address_may_knock_so_often_and_no_more(office: Office) -> None:
    office.guards.limits = LimitSettings(auth_rate_limit=2, auth_rate_window_s=900)
    seen = [refresh(office, "x") for _ in range(3)]
    assert [answer.status for answer in seen] == [401, 401, 429]
    assert [answer.headers["ratelimit-policy"] for answer in seen] == ['"auth";q=2;w=900'] * 3
    assert [answer.headers["ratelimit"] for answer in seen] == [
        f'"auth";r={left};t=900' for left in (1, 0, 0)
    ]
    assert seen[2].headers["retry-after"] == "900"
    seen[2].assert_problem(429, "rate-limited")


@pytest.mark.parametrize(
    ("proof", "shown", "statuses"),
    [
        (PROOF, PROOF, [401, 401, 401]),
        (PROOF, "a guess", [401, 429, 429]),
        (PROOF, None, [401, 429, 429]),
        (None, "None", [401, 429, 429]),
    ],
    ids=["through CloudFront", "with a guess", "without proof", "where nothing proves it"],
)
def test_only_cloudfront_is_believed_whose_request_it_brings(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    proof: str | None,
    shown: str | None,
    statuses: list[int],
) -> None:
    office.guards.limits = LimitSettings(auth_rate_limit=1, auth_rate_window_s=900)
    monkeypatch.setattr(guards, "proof_of_cloudfront", lambda: proof)

    def knock(named: str) -> int:
        headers = {"x-viewer-address": named} | ({CLOUDFRONT_PROOF: shown} if shown else {})
        event = api_event("POST", REFRESH, body={"refresh_token": "x"}, headers=headers)
        return office.call("auth", event).status

    assert [knock(f"203.0.113.{number}") for number in range(3)] == statuses


def test_a_person_may_ask_so_often_and_no_more(office: Office) -> None:
    office.guards.limits = LimitSettings(user_rate_limit=2, user_rate_window_s=60)
    seen = [office.send("auth", "GET", PROFILE) for _ in range(3)]
    assert [answer.status for answer in seen] == [200, 200, 429]
    assert seen[0].headers["ratelimit"] == '"user";r=1;t=60'
    office.world.add(other := a_tenant())
    assert office.send("auth", "GET", PROFILE, token=office.token(other)).status == 200
