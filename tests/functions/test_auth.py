"""`/api/v1/auth`: signing in, and who is signed in."""

from datetime import timedelta
from typing import Any

import bcrypt
import jwt
import pytest

from ctv_ads.adapters.access_tokens import AccessTokens
from ctv_ads.domain.access import Role
from tests.builders import NOON, Tenant, a_tenant
from tests.functions.conftest import SECRET, Answer, Office
from tests.functions.recorded import api_event
from tests.worlds import World

LOGIN, PROFILE = "/api/v1/auth/login", "/api/v1/auth/profile"
PASSWORD = "correct horse, ümläut"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture(scope="module")
def person(postgres_of_session: World, password_hash: str) -> Tenant:
    tenant = a_tenant(role=Role.ADMIN, email="ada@example.com", password_hash=password_hash)
    postgres_of_session.add(tenant)
    return tenant


def sign_in(office: Office, **body: Any) -> Answer:
    return office.call("auth", api_event("POST", LOGIN, body=body))


def test_the_right_password_opens(office: Office, person: Tenant) -> None:
    signed_in = sign_in(office, email=" ADA@Example.com ", password=PASSWORD)
    assert signed_in.status == 200
    assert (signed_in.json["token_type"], signed_in.json["expires_in"]) == ("Bearer", 900)
    assert "password" not in signed_in.body.replace(PASSWORD, "password")
    profile = office.send("auth", "GET", PROFILE, token=signed_in.json["access_token"])
    assert profile.json == signed_in.json["user"]
    assert profile.json == {
        "email_verified": True,
        "advertiser_ids": None,
        "id": person.caller.user_id,
        "email": "ada@example.com",
        "name": "Ada Lovelace",
        "role": "admin",
        "organization_id": person.organization_id,
        "organization_name": "Channel Eins",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"email": "ada@example.com", "password": "wrong"},
        {"email": "ada@example.com", "password": ""},
        {"email": "ada@example.com", "password": PASSWORD + "x"},
        {"email": "ada@example.com", "password": "\u0000"},
        {"email": "ada@example.com", "password": "x" * 200},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": "", "password": PASSWORD},
    ],
)
def test_a_wrong_password_and_an_unknown_address_look_the_same(
    office: Office, person: Tenant, given: dict[str, str]
) -> None:
    refused = sign_in(office, **given)
    refused.assert_problem(401, "unauthenticated")
    assert refused.json["detail"] == "the email or the password is wrong"


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({}, ["email", "password"]),
        ({"email": "a@example.com"}, ["password"]),
        ({"email": "a" * 321, "password": "x"}, ["email"]),
        ({"email": "a\u0000b@example.com", "password": "x"}, ["email"]),
        ({"email": "a@example.com", "password": "x" * 201}, ["password"]),
        ({"email": "a@example.com", "password": "x", "role": "owner"}, ["role"]),
        ({"email": ["a@example.com"], "password": "x"}, ["email"]),
    ],
)
def test_wrong_credentials_in_form_are_told_by_field(
    office: Office, given: dict[str, Any], paths: list[str]
) -> None:
    sign_in(office, **given).assert_problem(422, "invalid-request", *paths)


def test_a_refusal_never_repeats_the_password(office: Office) -> None:
    refused = sign_in(office, email=5, password="a-secret-word" * 20)
    assert "a-secret-word" not in refused.body


def test_a_person_who_is_gone_has_no_profile(office: Office) -> None:
    gone = office.token(a_tenant())
    refused = office.send("auth", "GET", PROFILE, token=gone)
    refused.assert_problem(401, "unauthenticated")


def forged(office: Office, key: str = SECRET["k1"], kid: Any = "k1", **claims: Any) -> str:
    whole = {
        "iss": "ctv-ads",
        "sub": office.tenant.caller.user_id,
        "org": office.tenant.organization_id,
        "role": "owner",
        "iat": int(NOON.timestamp()),
        "exp": int((NOON + timedelta(minutes=5)).timestamp()),
    } | claims
    given = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(given, key, "HS256", headers={"kid": kid})


def test_the_forged_tokens_below_differ_from_a_good_one_in_one_thing_each(office: Office) -> None:
    assert office.send("auth", "GET", PROFILE, token=forged(office)).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "another-key-of-the-tests-32-characters"},
        {"kid": "k9"},
        {"kid": "current"},
        {"iss": "somebody-else"},
        {"exp": None},
        {"exp": int(NOON.timestamp())},
        {"sub": None},
        {"iat": None},
    ],
)
def test_a_token_that_is_wrong_in_one_thing_is_no_token(
    office: Office, changes: dict[str, Any]
) -> None:
    refused = office.send("auth", "GET", PROFILE, token=forged(office, **changes))
    refused.assert_problem(401, "unauthenticated")


def test_tokens_of_a_former_key_are_good_until_the_key_is_gone(office: Office) -> None:
    former = AccessTokens(SECRET, lifetime=timedelta(minutes=5), clock=lambda: NOON)
    token = former.issue(office.tenant.account)
    rotated = {"current": "k2", "k2": "the-next-key-of-the-tests-of-32-bytes"}
    both = AccessTokens(SECRET | rotated, lifetime=timedelta(1), clock=lambda: NOON)
    assert both.read(token) == office.tenant.caller
    assert jwt.get_unverified_header(both.issue(office.tenant.account))["kid"] == "k2"
    alone = AccessTokens(rotated, lifetime=timedelta(1), clock=lambda: NOON)
    with pytest.raises(Exception, match="not valid"):
        alone.read(token)


@pytest.mark.parametrize(
    "secret",
    [
        {},
        {"current": "k1"},
        {"k1": "x" * 32},
        {"current": "k1", "k1": "x" * 31},
        {"current": "k1", "k1": "x" * 32, "k0": ""},
        {"current": "k1", "k1": "x" * 32, "k0": "guess"},
    ],
)
def test_a_secret_by_which_somebody_could_sign_is_refused(secret: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="secret needs"):
        AccessTokens(secret, lifetime=timedelta(1), clock=lambda: NOON)
