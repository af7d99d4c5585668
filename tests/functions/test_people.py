"""Members, invitations and API keys."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from tests.builders import NOON, Tenant, a_tenant
from tests.functions.conftest import Answer, Office, quick_hash
from tests.functions.recorded import api_event
from tests.functions.test_accounts import PASSWORD, an_email, register, token_in_mail

MEMBERS, INVITATIONS, KEYS = (f"/api/v1/{name}" for name in ("members", "invitations", "api-keys"))


@pytest.fixture
def host(office: Office) -> Tenant:
    tenant = a_tenant(role=Role.OWNER, password_hash=quick_hash(PASSWORD))
    office.world.add(tenant)
    return tenant


def as_role(office: Office, host: Tenant, role: Role = Role.OWNER) -> Any:
    token = office.token(host, role, session_id=new_id())

    def send(method: str, path: str, body: object = None) -> Answer:
        return office.send("auth", method, path, body, token=token)

    return send


def invite(office: Office, host: Tenant, role: str = "analyst", **more: Any) -> tuple[str, str]:
    email = an_email()
    sent = as_role(office, host)("POST", INVITATIONS, {"email": email, "role": role, **more})
    assert sent.status == 201, sent.body
    assert token_in_mail(office, email) not in sent.body
    return email, token_in_mail(office, email)


def join(office: Office, host: Tenant, role: str = "analyst", **more: Any) -> dict[str, Any]:
    email, token = invite(office, host, role, **more)
    answer = register(office, email=email, organization_name=None, invitation_token=token)
    assert answer.status == 201, answer.body
    joined: dict[str, Any] = answer.json
    return joined


def test_who_is_invited_joins_with_the_role_that_was_given(office: Office, host: Tenant) -> None:
    user = join(office, host, "trafficker")["user"]
    assert (user["role"], user["organization_id"]) == ("trafficker", host.organization_id)
    assert user["email_verified"] is True
    members = as_role(office, host)("GET", MEMBERS).json["items"]
    assert {member["id"]: member["role"] for member in members} == {
        host.caller.user_id: "owner",
        user["id"]: "trafficker",
    }
    assert as_role(office, host)("GET", INVITATIONS).json["items"] == []


def test_an_invitation_works_once_in_time_and_for_its_address(office: Office, host: Tenant) -> None:
    def accept(email: str, token: str) -> Answer:
        return register(office, email=email, organization_name=None, invitation_token=token)

    email, token = invite(office, host)
    accept(an_email(), token).assert_problem(422, "invalid-request", "invitation_token")
    office.now[0] += timedelta(days=7)
    accept(email, token).assert_problem(422, "invalid-request", "invitation_token")
    office.now[0] = NOON
    assert accept(email, token).status == 201
    accept(email, token).assert_problem(422, "invalid-request", "invitation_token")


def test_an_invitation_that_was_withdrawn_or_replaced_is_void(office: Office, host: Tenant) -> None:
    send = as_role(office, host)
    email, first = invite(office, host)
    assert send("POST", INVITATIONS, {"email": email, "role": "viewer"}).status == 201
    (listed,) = send("GET", INVITATIONS).json["items"]
    assert (listed["email"], listed["role"]) == (email, "viewer")
    second = token_in_mail(office, email)
    assert send("DELETE", f"{INVITATIONS}/{listed['id']}").status == 204
    send("DELETE", f"{INVITATIONS}/{listed['id']}").assert_problem(404, "not-found")
    for token in (first, second):
        refused = register(office, email=email, organization_name=None, invitation_token=token)
        refused.assert_problem(422, "invalid-request", "invitation_token")


def test_a_member_is_not_invited_again(office: Office, host: Tenant) -> None:
    body = {"email": host.account.email, "role": "viewer"}
    as_role(office, host)("POST", INVITATIONS, body).assert_problem(409, "conflict", "email")


def test_who_was_removed_is_out_at_once_and_may_be_invited_again(
    office: Office, host: Tenant
) -> None:
    joined = join(office, host)
    user_id, token = joined["user"]["id"], joined["session"]["access_token"]
    assert as_role(office, host)("DELETE", f"{MEMBERS}/{user_id}").status == 204
    profile = office.send("auth", "GET", "/api/v1/auth/profile", token=token)
    profile.assert_problem(401, "unauthenticated")
    as_role(office, host)("DELETE", f"{MEMBERS}/{user_id}").assert_problem(404, "not-found")
    email = joined["user"]["email"]
    again = as_role(office, host)("POST", INVITATIONS, {"email": email, "role": "viewer"})
    assert again.status == 201
    back = register(
        office,
        email=email,
        organization_name=None,
        invitation_token=token_in_mail(office, email),
    )
    assert (back.json["user"]["id"], back.json["user"]["role"]) == (user_id, "viewer")


def test_another_role_holds_from_the_next_request_on(office: Office, host: Tenant) -> None:
    joined = join(office, host, "trafficker")
    path = f"{MEMBERS}/{joined['user']['id']}"
    changed = as_role(office, host)("PATCH", path, {"role": "viewer"})
    assert (changed.status, changed.json["role"]) == (200, "viewer")
    old = joined["session"]
    stale = office.send("auth", "GET", "/api/v1/auth/profile", token=old["access_token"])
    stale.assert_problem(401, "unauthenticated")
    office.now[0] += timedelta(seconds=1)
    event = api_event("POST", "/api/v1/auth/refresh", body={"refresh_token": old["refresh_token"]})
    renewed = office.call("auth", event)
    assert renewed.json["user"]["role"] == "viewer"
    token = renewed.json["access_token"]
    assert office.send("auth", "GET", "/api/v1/auth/profile", token=token).status == 200


def test_an_organization_never_loses_its_last_owner(office: Office, host: Tenant) -> None:
    send, me = as_role(office, host), f"{MEMBERS}/{host.caller.user_id}"
    send("PATCH", me, {"role": "admin"}).assert_problem(409, "conflict")
    send("DELETE", me).assert_problem(409, "conflict")
    join(office, host, "owner")
    assert send("DELETE", me).status == 204


def test_an_admin_has_no_say_over_owners(office: Office, host: Tenant) -> None:
    send, owner = as_role(office, host, Role.ADMIN), f"{MEMBERS}/{host.caller.user_id}"
    other = f"{MEMBERS}/{join(office, host, 'analyst')['user']['id']}"
    send("PATCH", owner, {"role": "viewer"}).assert_problem(403, "forbidden")
    send("PATCH", other, {"role": "owner"}).assert_problem(403, "forbidden")
    invitation = {"email": an_email(), "role": "owner"}
    send("POST", INVITATIONS, invitation).assert_problem(403, "forbidden")
    assert send("PATCH", other, {"role": "admin"}).status == 200


def test_a_viewer_may_be_bound_to_advertisers(office: Office, host: Tenant) -> None:
    joined = join(office, host, "viewer", advertiser_ids=[host.advertiser_id])
    assert joined["user"]["advertiser_ids"] == [host.advertiser_id]
    send, path = as_role(office, host), f"{MEMBERS}/{joined['user']['id']}"
    wrong: list[dict[str, Any]] = [
        {"role": "admin", "advertiser_ids": [host.advertiser_id]},
        {"advertiser_ids": [new_id()]},
        {"advertiser_ids": []},
    ]
    for body in wrong:
        send("PATCH", path, body).assert_problem(422, "invalid-request", "advertiser_ids")
    assert send("PATCH", path, {}).json["advertiser_ids"] == [host.advertiser_id]
    assert send("PATCH", path, {"advertiser_ids": None}).json["advertiser_ids"] is None


def test_a_bound_viewer_sees_no_other_advertisers_campaigns(office: Office, host: Tenant) -> None:
    office.world.a_campaign(host)
    bound = join(office, host, "viewer", advertiser_ids=[host.advertiser_id])["session"]
    listed = office.send("campaigns", "GET", "/api/v1/campaigns", token=bound["access_token"])
    assert len(listed.json["items"]) == 1
    account = office.tokens.read(bound["access_token"])
    assert account.advertiser_ids == frozenset({str(host.advertiser_id)})


def test_a_key_is_shown_once_and_opens_the_api(office: Office, host: Tenant) -> None:
    send = as_role(office, host)
    made = send("POST", KEYS, {"name": "Stitcher", "role": "analyst"})
    assert made.status == 201, made.body
    key, view = made.json["key"], made.json["api_key"]
    assert key.startswith(f"{view['begins_with']}_")
    assert send("GET", KEYS).json["items"] == [view]
    assert view["last_used_at"] is None
    assert key not in send("GET", KEYS).body
    assert office.send("campaigns", "GET", "/api/v1/campaigns", token=key).status == 200
    used = send("GET", KEYS).json["items"][0]["last_used_at"]
    assert used == NOON.isoformat().replace("+00:00", "Z")
    office.now[0] += timedelta(seconds=59)
    office.send("campaigns", "GET", "/api/v1/campaigns", token=key)
    assert send("GET", KEYS).json["items"][0]["last_used_at"] == used
    assert send("DELETE", f"{KEYS}/{view['id']}").status == 204
    refused = office.send("campaigns", "GET", "/api/v1/campaigns", token=key)
    refused.assert_problem(401, "unauthenticated")
    send("DELETE", f"{KEYS}/{view['id']}").assert_problem(404, "not-found")


def test_a_key_is_kept_as_a_hash_only(office: Office, host: Tenant) -> None:
    key = as_role(office, host)("POST", KEYS, {"name": "k", "role": "viewer"}).json["key"]
    with psycopg.connect(office.world.schema.owner_dsn) as owner:
        query = "SELECT api_keys::text FROM api_keys WHERE organization_id = %s"
        ((text,),) = owner.execute(query, (host.organization_id,)).fetchall()
    assert key.rpartition("_")[2] not in text


def test_a_key_does_what_its_role_and_its_maker_may(office: Office, host: Tenant) -> None:
    analyst = as_role(office, host)("POST", KEYS, {"name": "k", "role": "analyst"}).json["key"]
    made = office.send("campaigns", "POST", "/api/v1/campaigns", {}, token=analyst)
    assert made.status in {403, 422}
    members = office.send("auth", "GET", MEMBERS, token=analyst)
    assert members.status == 200
    office.send("auth", "GET", KEYS, token=analyst).assert_problem(403, "forbidden")
    admin = as_role(office, host, Role.ADMIN)
    admin("POST", KEYS, {"name": "k", "role": "owner"}).assert_problem(403, "forbidden")


def test_a_key_makes_no_keys(office: Office, host: Tenant) -> None:
    key = as_role(office, host)("POST", KEYS, {"name": "k", "role": "owner"}).json["key"]
    body = {"name": "child", "role": "viewer"}
    office.send("auth", "POST", KEYS, body, token=key).assert_problem(403, "forbidden")


def test_a_key_ends_when_it_was_to_end_or_its_maker_goes(office: Office, host: Tenant) -> None:
    send = as_role(office, host)
    past = {"name": "k", "role": "viewer", "expires_at": NOON.isoformat()}
    send("POST", KEYS, past).assert_problem(422, "invalid-request", "expires_at")
    soon = past | {"expires_at": (NOON + timedelta(minutes=1)).isoformat()}
    key = send("POST", KEYS, soon).json["key"]
    assert office.send("auth", "GET", "/api/v1/auth/profile", token=key).status == 200
    lasting = send("POST", KEYS, {"name": "k", "role": "viewer"}).json["key"]
    join(office, host, "owner")
    office.now[0] += timedelta(minutes=1)
    refused = office.send("auth", "GET", "/api/v1/auth/profile", token=key)
    refused.assert_problem(401, "unauthenticated")
    assert office.send("auth", "GET", "/api/v1/auth/profile", token=lasting).status == 200
    assert send("DELETE", f"{MEMBERS}/{host.caller.user_id}").status == 204
    refused = office.send("auth", "GET", "/api/v1/auth/profile", token=lasting)
    refused.assert_problem(401, "unauthenticated")


@pytest.mark.parametrize("key", ["ctv_", "ctv_x_y", "ctv_aaaaaaaaaaaa_", "ctv_é_ü"])
def test_a_made_up_key_is_none(office: Office, key: str) -> None:
    refused = office.send("auth", "GET", "/api/v1/auth/profile", token=key)
    refused.assert_problem(401, "unauthenticated")


def test_a_key_with_another_secret_is_none(office: Office, host: Tenant) -> None:
    key = as_role(office, host)("POST", KEYS, {"name": "k", "role": "viewer"}).json["key"]
    refused = office.send("auth", "GET", "/api/v1/auth/profile", token=key[:-1] + "*")
    refused.assert_problem(401, "unauthenticated")
