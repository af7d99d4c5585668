"""People sign in, book campaigns, and see only what is theirs."""

from collections.abc import Callable

import httpx
import pytest

from tests.end_to_end.people import Document, Person, a_campaign, a_creative, sign_in
from tests.end_to_end.product import Product
from tests.end_to_end.tenants import PASSWORD, Tenant, found_organization
from tests.end_to_end.videos import Video

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_a_person_signs_in_and_learns_who_they_are(product: Product, tenant: Tenant) -> None:
    answer = sign_in(product.base_url, tenant.email("owner"), PASSWORD)
    assert answer.status_code == 200
    signed_in = answer.json()
    assert signed_in["token_type"].lower() == "bearer"
    assert signed_in["expires_in"] > 0
    assert signed_in["user"]["email"] == tenant.email("owner")

    token = signed_in["access_token"]
    profile = httpx.get(
        f"{product.base_url}/api/v1/auth/profile", headers={"authorization": f"Bearer {token}"}
    )
    assert profile.json() == signed_in["user"]
    assert profile.json()["role"] == "owner"
    assert profile.json()["organization_id"] == tenant.organization_id


def test_strangers_stay_outside(product: Product, tenant: Tenant) -> None:
    wrong_password = sign_in(product.base_url, tenant.email("owner"), "password124")
    unknown = sign_in(product.base_url, "nobody@adserver.example", PASSWORD)
    assert_problem(wrong_password, 401)
    assert_problem(unknown, 401)
    assert wrong_password.json()["detail"] == unknown.json()["detail"], "tells who exists"

    without_token = httpx.get(f"{product.base_url}/api/v1/campaigns")
    assert_problem(without_token, 401)
    forged = httpx.get(
        f"{product.base_url}/api/v1/campaigns",
        headers={"authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
    )
    assert_problem(forged, 401)


def test_a_campaign_is_created_read_listed_and_deleted(owner: Person, tenant: Tenant) -> None:
    made = owner.create_campaign(name="Käse & Wein", advertiser_id=tenant.advertiser_id)
    assert made["status"] == "draft"
    assert made["billed_micros"] == 0
    assert [item["is_default"] for item in made["line_items"]] == [True]
    assert owner.get(f"/campaigns/{made['id']}") == made

    without_advertiser = owner.create_campaign()
    assert without_advertiser["advertiser_id"] == tenant.advertiser_id, "takes the first one"

    first_page = owner.get("/campaigns", limit="1")
    assert [item["id"] for item in first_page["items"]] == [without_advertiser["id"]]
    second_page = owner.get("/campaigns", limit="1", cursor=first_page["next_cursor"])
    assert [item["id"] for item in second_page["items"]] == [made["id"]]
    assert second_page["next_cursor"] is None

    assert owner.api.delete(f"/campaigns/{made['id']}").status_code == 204
    assert_problem(owner.api.get(f"/campaigns/{made['id']}"), 404)
    assert_problem(owner.api.delete(f"/campaigns/{made['id']}"), 404)
    assert [item["id"] for item in owner.get("/campaigns")["items"]] == [without_advertiser["id"]]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"budget_micros": -1}, "budget_micros"),
        ({"budget_micros": 12.5}, "budget_micros"),
        ({"cpm_micros": 0}, "cpm_micros"),
        ({"cpm_micros": 1001}, "cpm_micros"),
        ({"name": " "}, "name"),
        ({"starts_at": "2026-01-01T00:00:00"}, "starts_at"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"advertiser_id": "00000000-0000-4000-8000-000000000000"}, "advertiser_id"),
        ({"budget": 5}, "budget"),
    ],
)
def test_a_wrong_field_is_named(owner: Person, change: Document, path: str) -> None:
    answer = owner.api.post("/campaigns", json=a_campaign(**change))
    assert_problem(answer, 422)
    assert [error["path"] for error in answer.json()["errors"]] == [path]


def test_a_campaign_without_a_ready_creative_cannot_start(owner: Person) -> None:
    campaign = owner.create_campaign(budget_micros=0)
    path = f"/campaigns/{campaign['id']}/status"
    refused = owner.api.put(path, json={"status": "active"})
    assert_problem(refused, 409)
    codes = {error["code"] for error in refused.json()["errors"]}
    assert codes == {"no_ready_creative", "budget_too_small"}, "names everything that is missing"

    assert owner.set_status(campaign, "archived")["status"] == "archived"
    assert_problem(owner.api.put(path, json={"status": "active"}), 409)
    assert_problem(owner.api.put(path, json={"status": "running"}), 422)


def test_a_viewer_reads_but_does_not_write(
    product: Product, owner: Person, tenant: Tenant, video: Video
) -> None:
    campaign = owner.create_campaign()
    creative = owner.register(campaign, video)["creative"]
    with Person(product.base_url, tenant.email("viewer"), PASSWORD) as viewer:
        assert viewer.get(f"/campaigns/{campaign['id']}") == campaign
        assert viewer.statistics(campaign)["totals"]["impressions"] == 0
        for write in writes(viewer, campaign, creative, video):
            assert_problem(write(), 403)
    assert owner.get(f"/campaigns/{campaign['id']}") == campaign, "nothing was changed"


def test_another_organizations_things_do_not_exist(
    product: Product, owner: Person, tenant: Tenant, video: Video
) -> None:
    campaign = owner.create_campaign()
    creative = owner.register(campaign, video)["creative"]
    neighbours = found_organization(product)
    with Person(product.base_url, neighbours.email("owner"), PASSWORD) as neighbour:
        assert neighbour.get("/campaigns")["items"] == []
        for path in (
            f"/campaigns/{campaign['id']}",
            f"/campaigns/{campaign['id']}/stats",
            f"/campaigns/{campaign['id']}/creatives",
            f"/creatives/{creative['id']}",
        ):
            assert_problem(neighbour.api.get(path), 404)
        on_a_thing_of_theirs = writes(neighbour, campaign, creative, video)[1:]
        for write in on_a_thing_of_theirs:
            assert_problem(write(), 404)
        borrowed = a_campaign(advertiser_id=tenant.advertiser_id)
        assert_problem(neighbour.api.post("/campaigns", json=borrowed), 422)
    assert owner.get(f"/creatives/{creative['id']}") == creative, "nothing was changed"


def writes(
    person: Person, campaign: Document, creative: Document, video: Video
) -> list[Callable[[], httpx.Response]]:
    """Return every write that the API offers; the first one makes something new."""
    api, campaign_path = person.api, f"/campaigns/{campaign['id']}"
    return [
        lambda: api.post("/campaigns", json=a_campaign()),
        lambda: api.put(f"{campaign_path}/status", json={"status": "archived"}),
        lambda: api.post(f"{campaign_path}/creatives", json=a_creative(video)),
        lambda: api.delete(f"/creatives/{creative['id']}"),
        lambda: api.delete(campaign_path),
    ]


def assert_problem(answer: httpx.Response, status: int) -> None:
    """Check that the answer is a problem document with this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/")
    assert problem["detail"]
    assert problem["request_id"]
