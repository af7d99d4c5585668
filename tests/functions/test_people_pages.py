"""Members, invitations and API keys: pages, versions, and keys that are made once."""

from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from tests.builders import NOON, Tenant, a_tenant
from tests.functions.conftest import Answer, Office, quick_hash
from tests.functions.test_accounts import PASSWORD
from tests.functions.test_people import INVITATIONS, KEYS, MEMBERS, as_role, join


@pytest.fixture
def host(office: Office) -> Tenant:
    tenant = a_tenant(role=Role.OWNER, password_hash=quick_hash(PASSWORD))
    office.world.add(tenant)
    return tenant


def matching(office: Office, host: Tenant, if_match: str) -> Any:
    token = office.token(host, Role.OWNER, session_id=new_id())

    def send(method: str, path: str, body: object = None) -> Answer:
        return office.send("auth", method, path, body, token=token, headers={"if-match": if_match})

    return send


def made_once(office: Office, host: Tenant, once: str, **body: Any) -> Answer:
    token = office.token(host, Role.OWNER, session_id=new_id())
    headers = {"idempotency-key": once}
    return office.send("auth", "POST", KEYS, body, token=token, headers=headers)


def pages(send: Any, path: str, query: str) -> list[list[str]]:
    """Follow the cursors; return the ids of each page."""
    found, cursor = [], ""
    while True:
        page = send("GET", f"{path}?limit=2{query}{cursor}").json
        assert page["totals"]["count"] == 3
        found.append([item["id"] for item in page["items"]])
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


class TestPages:
    def test_members_come_in_the_order_in_which_they_joined(
        self, office: Office, host: Tenant
    ) -> None:
        joined = [join(office, host)["user"] for _ in range(2)]
        ids = [host.caller.user_id, *(user["id"] for user in joined)]
        send = as_role(office, host, Role.ANALYST)
        everybody = sorted(
            send("GET", MEMBERS).json["items"], key=lambda m: (m["joined_at"], m["id"])
        )
        in_order = [member["id"] for member in everybody]
        assert set(in_order) == set(ids)
        assert pages(send, MEMBERS, "") == [in_order[:2], in_order[2:]]
        backwards = in_order[::-1]
        assert pages(send, MEMBERS, "&sort=-joined_at") == [backwards[:2], backwards[2:]]
        found = send("GET", f"{MEMBERS}?q={joined[0]['email'][:20]}").json
        assert [member["id"] for member in found["items"]] == [joined[0]["id"]]
        assert found["totals"] == {"count": 1}

    def test_invitations_and_keys_come_newest_first(self, office: Office, host: Tenant) -> None:
        send = as_role(office, host)
        expected: dict[str, list[str]] = {INVITATIONS: [], KEYS: []}
        for number in range(3):
            office.now[0] = NOON + timedelta(minutes=number)
            body = {"email": f"{new_id()}@example.com", "role": "viewer"}
            expected[INVITATIONS].insert(0, send("POST", INVITATIONS, body).json["id"])
            key = send("POST", KEYS, {"name": f"k{number}", "role": "viewer"}).json["api_key"]
            expected[KEYS].insert(0, key["id"])
        for path, ids in expected.items():
            assert pages(send, path, "") == [ids[:2], ids[2:]]
            assert pages(send, path, "&sort=created_at") == [ids[:0:-1], ids[:1]]
        named = send("GET", f"{KEYS}?q=K1").json["items"]
        assert [key["name"] for key in named] == ["k1"]

    def test_an_invitation_that_ran_out_is_listed_no_longer(
        self, office: Office, host: Tenant
    ) -> None:
        send = as_role(office, host)
        send("POST", INVITATIONS, {"email": f"{new_id()}@example.com", "role": "viewer"})
        assert send("GET", INVITATIONS).json["totals"] == {"count": 1}
        office.now[0] += timedelta(days=7)
        token = office.token(host, Role.OWNER, session_id=new_id())
        later = office.send("auth", "GET", INVITATIONS, token=token).json
        assert (later["items"], later["totals"]) == ([], {"count": 0})

    @pytest.mark.parametrize("path", [MEMBERS, INVITATIONS, KEYS])
    def test_a_cursor_of_another_order_is_refused(
        self, office: Office, host: Tenant, path: str
    ) -> None:
        send = as_role(office, host)
        for query in ("cursor=x", "limit=0", "limit=201", "sort=role"):
            answer = send("GET", f"{path}?{query}")
            answer.assert_problem(422, "invalid-request", query.partition("=")[0])


class TestVersions:
    def test_a_member_is_read_with_the_version_that_a_change_may_name(
        self, office: Office, host: Tenant
    ) -> None:
        path = f"{MEMBERS}/{join(office, host)['user']['id']}"
        read = as_role(office, host)("GET", path)
        assert (read.status, read.headers["etag"], read.json["version"]) == (200, '"1"', 1)
        changed = matching(office, host, '"1"')("PATCH", path, {"role": "viewer"})
        assert (changed.status, changed.headers["etag"]) == (200, '"2"')
        assert as_role(office, host)("GET", path).json == changed.json

    def test_what_was_changed_meanwhile_is_not_overwritten(
        self, office: Office, host: Tenant
    ) -> None:
        path = f"{MEMBERS}/{join(office, host)['user']['id']}"
        as_role(office, host)("PATCH", path, {"role": "viewer"})
        for method, body in (("PATCH", {"role": "trafficker"}), ("DELETE", None)):
            refused = matching(office, host, '"1"')(method, path, body)
            refused.assert_problem(412, "changed-meanwhile")
            versions = refused.json["expected_version"], refused.json["current_version"]
            assert versions == (1, 2)
        assert as_role(office, host)("GET", path).json["role"] == "viewer"
        assert matching(office, host, '"2"')("DELETE", path).status == 204
        as_role(office, host)("GET", path).assert_problem(404, "not-found")

    def test_a_change_that_changes_nothing_is_none(self, office: Office, host: Tenant) -> None:
        joined = join(office, host)
        path, token = f"{MEMBERS}/{joined['user']['id']}", joined["session"]["access_token"]
        unchanged = as_role(office, host)("PATCH", path, {"role": joined["user"]["role"]})
        assert unchanged.headers["etag"] == '"1"'
        assert office.send("auth", "GET", "/api/v1/auth/profile", token=token).status == 200


class TestKeysMadeOnce:
    def test_a_repeat_tells_which_key_was_made_and_never_its_text(
        self, office: Office, host: Tenant
    ) -> None:
        once, body = new_id(), {"name": "k", "role": "viewer"}
        made = made_once(office, host, once, **body)
        assert made.status == 201
        repeat = made_once(office, host, once, **body)
        repeat.assert_problem(409, "conflict")
        assert repeat.json["api_key_id"] == made.json["api_key"]["id"]
        assert "shown once" in repeat.json["detail"]
        assert made.json["key"] not in repeat.body
        assert as_role(office, host)("GET", KEYS).json["totals"] == {"count": 1}

    def test_another_request_by_the_same_idempotency_key_is_refused(
        self, office: Office, host: Tenant
    ) -> None:
        once = new_id()
        made_once(office, host, once, name="k", role="viewer")
        other = made_once(office, host, once, name="k", role="analyst")
        other.assert_problem(409, "conflict", "Idempotency-Key")

    def test_a_request_that_was_refused_may_be_mended(self, office: Office, host: Tenant) -> None:
        once, past = new_id(), NOON.isoformat()
        refused = made_once(office, host, once, name="k", role="viewer", expires_at=past)
        refused.assert_problem(422, "invalid-request", "expires_at")
        assert made_once(office, host, once, name="k", role="viewer").status == 201

    def test_the_text_is_written_nowhere(self, office: Office, host: Tenant) -> None:
        key = made_once(office, host, new_id(), name="k", role="viewer").json["key"]
        query = "SELECT to_jsonb(k)::text AS text FROM idempotency_keys k"
        with office.world.api.transaction(host.caller) as connection:
            rows = connection.execute(query).fetchall()
        assert len(rows) == 1
        assert "api_key_id" in rows[0]["text"]
        assert key.rpartition("_")[2] not in rows[0]["text"]
