"""Registering, one's own account, passwords, and mails that prove an address."""

import re
from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from tests.builders import a_tenant
from tests.functions.conftest import Answer, Office, quick_hash
from tests.functions.recorded import api_event

AUTH = "/api/v1/auth"
PASSWORD = "correct horse battery"


def post(office: Office, path: str, **body: Any) -> Answer:
    return office.call("auth", api_event("POST", f"{AUTH}/{path}", body=body))


def an_email() -> str:
    return f"{new_id()}@example.com"


def register(office: Office, **changes: Any) -> Answer:
    body = {
        "email": an_email(),
        "password": PASSWORD,
        "name": "Grace Hopper",
        "organization_name": "Channel Zwei",
    } | changes
    return post(office, "register", **{k: v for k, v in body.items() if v is not None})


def token_in_mail(office: Office, to: str) -> str:
    mail = next(mail for mail in reversed(office.guards.mailer.sent) if mail.to == to)
    found = re.search(r"#(?:token|invitation)=([\w-]+)", mail.text)
    assert found
    return found[1]


def get_profile(office: Office, token: str) -> Answer:
    return office.send("auth", "GET", f"{AUTH}/profile", token=token)


def test_who_registers_owns_a_new_organization_and_is_signed_in(office: Office) -> None:
    email = an_email()
    answer = register(office, email=email.upper())
    assert answer.status == 201, answer.body
    assert "ctv-refresh=" in answer.headers["set-cookie"]
    user = answer.json["user"]
    assert (user["email"], user["role"], user["organization_name"]) == (
        email,
        "owner",
        "Channel Zwei",
    )
    assert get_profile(office, answer.json["session"]["access_token"]).json == user
    again = post(office, "login", email=email, password=PASSWORD)
    assert again.json["user"]["id"] == user["id"]
    campaigns = office.send(
        "campaigns", "GET", "/api/v1/campaigns", token=again.json["access_token"]
    )
    assert campaigns.json["items"] == []


def test_an_address_registers_once(office: Office) -> None:
    email = an_email()
    assert register(office, email=email).status == 201
    register(office, email=f" {email.upper()} ").assert_problem(409, "conflict", "email")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"password": "too short"}, "password"),
        ({"password": "x" * 73}, "password"),
        ({"password": "ü" * 40}, "password"),
        ({"password": "ten\u0000characters"}, "password"),
        ({"email": "nobody"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "a@example.com\r\nBcc: b@example.com"}, "email"),
        ({"email": "a\x00b@example.com"}, "email"),
        ({"email": "a\x7fb@example.com"}, "email"),
        ({"name": " "}, "name"),
        ({"organization_name": None}, "body"),
        ({"invitation_token": "x"}, "body"),
        ({"organization_name": None, "invitation_token": "x"}, "invitation_token"),
    ],
)
def test_a_wrong_registration_is_told_by_field(
    office: Office, changes: dict[str, Any], path: str
) -> None:
    register(office, **changes).assert_problem(422, "invalid-request", path)


def test_a_name_changes_unless_somebody_changed_it_meanwhile(office: Office) -> None:
    token = register(office).json["session"]["access_token"]
    etag = get_profile(office, token).headers["etag"]

    def rename(name: str) -> Answer:
        return office.send(
            "auth",
            "PATCH",
            f"{AUTH}/profile",
            {"name": name},
            token=token,
            headers={"if-match": etag},
        )

    changed = rename("Rear Admiral")
    assert (changed.json["name"], changed.headers["etag"]) == ("Rear Admiral", '"2"')
    rename("Captain").assert_problem(412, "changed-meanwhile")
    unchanged = office.send("auth", "PATCH", f"{AUTH}/profile", {}, token=token)
    assert unchanged.json == get_profile(office, token).json == changed.json


def test_changing_the_password_ends_the_other_sessions(office: Office) -> None:
    email = an_email()
    here = register(office, email=email).json["session"]
    there = post(office, "login", email=email, password=PASSWORD).json

    def change(**body: str) -> Answer:
        return office.send("auth", "PUT", f"{AUTH}/password", body, token=here["access_token"])

    wrong = change(current_password="wrong", new_password="another password")
    wrong.assert_problem(422, "invalid-request", "current_password")
    assert get_profile(office, there["access_token"]).status == 200
    assert change(current_password=PASSWORD, new_password="another password").status == 204
    assert get_profile(office, here["access_token"]).status == 200
    assert post(office, "refresh", refresh_token=here["refresh_token"]).status == 200
    get_profile(office, there["access_token"]).assert_problem(401, "unauthenticated")
    refused = post(office, "refresh", refresh_token=there["refresh_token"])
    refused.assert_problem(401, "unauthenticated")
    post(office, "login", email=email, password=PASSWORD).assert_problem(401, "unauthenticated")
    assert post(office, "login", email=email, password="another password").status == 200


def test_a_stolen_token_guesses_the_password_no_faster_than_signing_in(office: Office) -> None:
    email = an_email()
    session = register(office, email=email).json["session"]

    def change(current: str) -> Answer:
        body = {"current_password": current, "new_password": "another password"}
        return office.send("auth", "PUT", f"{AUTH}/password", body, token=session["access_token"])

    for _ in range(4):
        change("wrong").assert_problem(422, "invalid-request", "current_password")
    assert change(PASSWORD).status == 204
    for _ in range(5):
        change("wrong").assert_problem(422, "invalid-request", "current_password")
    closed = change("another password")
    closed.assert_problem(429, "rate-limited")
    assert 25 <= int(closed.headers["retry-after"]) <= 30
    post(office, "login", email=email, password="another password").assert_problem(
        429, "rate-limited"
    )


@pytest.mark.parametrize("way", ["password_changed", "password_reset"])
def test_a_new_password_ends_sessions_in_every_organization(office: Office, way: str) -> None:
    email = an_email()
    here = register(office, email=email).json["session"]
    host = a_tenant(role=Role.OWNER)
    office.world.add(host)
    invitation = {"email": email, "role": "analyst"}
    host_token = office.token(host, Role.OWNER)
    office.send("auth", "POST", "/api/v1/invitations", invitation, token=host_token)
    token = token_in_mail(office, email)
    joined = register(office, email=email, organization_name=None, invitation_token=token)
    there = joined.json["session"]
    assert there["user"]["organization_id"] != here["user"]["organization_id"]
    if way == "password_changed":
        body = {"current_password": PASSWORD, "new_password": "another password"}
        done = office.send("auth", "PUT", f"{AUTH}/password", body, token=here["access_token"])
    else:
        post(office, "password-reset", email=email)
        token = token_in_mail(office, email)
        done = post(office, "password-reset/confirm", token=token, new_password="another password")
    assert done.status == 204, done.body
    get_profile(office, there["access_token"]).assert_problem(401, "unauthenticated")
    refused = post(office, "refresh", refresh_token=there["refresh_token"])
    refused.assert_problem(401, "unauthenticated")
    audit = office.send("campaigns", "GET", "/api/v1/audit?entity=session", token=host_token)
    revoked = audit.json["items"][0]
    assert revoked["after"]["revoked_because"] == way


def test_a_forgotten_password_is_set_by_a_token_that_works_once(office: Office) -> None:
    email = an_email()
    old = register(office, email=email).json["session"]
    office.now[0] += timedelta(seconds=1)
    assert post(office, "password-reset", email=email).status == 202
    body = {"token": token_in_mail(office, email), "new_password": "another password"}
    assert post(office, "password-reset/confirm", **body).status == 204
    again = post(office, "password-reset/confirm", **body)
    again.assert_problem(422, "invalid-request", "token")
    get_profile(office, old["access_token"]).assert_problem(401, "unauthenticated")
    refused = post(office, "refresh", refresh_token=old["refresh_token"])
    refused.assert_problem(401, "unauthenticated")
    assert post(office, "login", email=email, password="another password").status == 200


def test_nobody_learns_by_a_reset_which_addresses_exist(office: Office) -> None:
    known, unknown = an_email(), an_email()
    register(office, email=known)
    sent = len(office.guards.mailer.sent)
    answers = [post(office, "password-reset", email=email) for email in (known, unknown)]
    assert [(answer.status, answer.body) for answer in answers] == [(202, "")] * 2
    assert [mail.to for mail in office.guards.mailer.sent[sent:]] == [known]


def test_a_reset_token_lasts_an_hour_and_only_the_newest_works(office: Office) -> None:
    email = an_email()
    register(office, email=email)
    tokens = []
    for _ in range(2):
        post(office, "password-reset", email=email)
        tokens.append(token_in_mail(office, email))

    def confirm(token: str) -> Answer:
        return post(office, "password-reset/confirm", token=token, new_password="another password")

    confirm(tokens[0]).assert_problem(422, "invalid-request", "token")
    office.now[0] += timedelta(hours=1)
    confirm(tokens[1]).assert_problem(422, "invalid-request", "token")
    verification = office.guards.mailer.sent[-3]
    assert "verify" in verification.text
    confirm("made up").assert_problem(422, "invalid-request", "token")


def test_where_it_is_required_nobody_signs_in_before_the_address_is_verified(
    office: Office,
) -> None:
    office.guards.verification_is_required = True
    email = an_email()
    registered = register(office, email=email)
    assert (registered.status, registered.json["session"]) == (201, None)
    assert "set-cookie" not in registered.headers
    post(office, "login", email=email, password=PASSWORD).assert_problem(403, "forbidden")
    token = token_in_mail(office, email)
    assert post(office, "email-verification", token=token).status == 204
    signed_in = post(office, "login", email=email, password=PASSWORD)
    assert signed_in.json["user"]["email_verified"] is True
    used = post(office, "email-verification", token=token)
    used.assert_problem(422, "invalid-request", "token")


def test_a_session_without_a_person_behind_it_changes_no_password(office: Office) -> None:
    body = {"current_password": "x", "new_password": "another password"}
    answer = office.send("auth", "PUT", f"{AUTH}/password", body)
    answer.assert_problem(403, "forbidden")


def test_of_several_organizations_one_may_be_chosen(office: Office) -> None:
    email = an_email()
    first = register(office, email=email).json["user"]
    host = a_tenant(role=Role.OWNER)
    office.world.add(host)
    invited = office.send(
        "auth",
        "POST",
        "/api/v1/invitations",
        {"email": email, "role": "analyst"},
        token=office.token(host, Role.OWNER),
    )
    assert invited.status == 201, invited.body
    token = token_in_mail(office, email)
    wrong = register(
        office, email=email, organization_name=None, invitation_token=token, password="x" * 10
    )
    wrong.assert_problem(401, "unauthenticated")
    joined = register(office, email=email, organization_name=None, invitation_token=token)
    assert joined.json["user"]["organization_id"] == host.organization_id
    for organization in (first["organization_id"], host.organization_id):
        answer = post(office, "login", email=email, password=PASSWORD, organization_id=organization)
        assert answer.json["user"]["organization_id"] == organization
    nowhere = post(office, "login", email=email, password=PASSWORD, organization_id=new_id())
    nowhere.assert_problem(401, "unauthenticated")


def test_the_audit_knows_that_a_password_changed_and_keeps_none(office: Office) -> None:
    session = register(office).json["session"]
    office.send(
        "auth",
        "PUT",
        f"{AUTH}/password",
        {"current_password": PASSWORD, "new_password": "another password"},
        token=session["access_token"],
    )
    with office.world.api.transaction(office.tokens.read(session["access_token"])) as connection:
        found = connection.execute(
            "SELECT entity, before::text || after::text AS text FROM audit_events"
            " WHERE entity = 'user'"
        ).fetchall()
    assert len(found) == 1
    assert "password_changed_at" in found[0]["text"]
    assert "$2b$" not in found[0]["text"]
    assert quick_hash("x").startswith("$2b$")
