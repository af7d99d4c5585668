"""Nonsense is refused as the caller's mistake: nothing that is sent makes the server fail."""

import json

import httpx
import pytest

from tests.end_to_end.people import Document, Person, Player, a_campaign
from tests.end_to_end.product import Product
from tests.end_to_end.test_booking import assert_problem

pytestmark = pytest.mark.xdist_group("end_to_end")

_JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"\x1f\x8b\x08\x00", id="compressed"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(b"1" * 5_000, id="figures without end"),
    ],
)
def test_a_body_that_is_no_json_is_malformed(product: Product, owner: Person, body: bytes) -> None:
    api = f"{product.base_url}/api/v1"
    for path in ("auth/login", "impression", "ad-request"):
        answer = httpx.post(f"{api}/{path}", content=body, headers=_JSON)
        assert_problem(answer, 400)
    assert_problem(owner.api.post("/campaigns", content=body, headers=_JSON), 400)
    stranger = httpx.post(f"{api}/campaigns", content=body, headers=_JSON)
    assert_problem(stranger, 401)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"ends_at": "9999-12-31T23:59:59-14:00"}, "ends_at"),
        ({"name": "a\0b"}, "name"),
        ({"budget_micros": 10**16}, "budget_micros"),
        ({"timezone": "../etc/passwd"}, "timezone"),
    ],
)
def test_a_value_that_nothing_can_hold_is_named(owner: Person, change: Document, path: str) -> None:
    refused = owner.api.post("/campaigns", json=a_campaign(**change))
    assert_problem(refused, 422)
    assert [error["path"] for error in refused.json()["errors"]] == [path]


@pytest.mark.parametrize("email", ["\0", "a\0@b.example", "\ud800"])
def test_an_address_that_cannot_be_one_is_refused(product: Product, email: str) -> None:
    body = json.dumps({"email": email, "password": "x"})
    answer = httpx.post(f"{product.base_url}/api/v1/auth/login", content=body, headers=_JSON)
    assert_problem(answer, 422)


def test_odd_addresses_are_not_found(product: Product, owner: Person) -> None:
    for path in ("/media/", "/media/..%2f..%2fetc%2fpasswd", "/media/%00", "/media/x" * 200):
        assert httpx.get(product.base_url + path).status_code == 404, path
    for path in ("/campaigns/%00", "/campaigns/%F0%9F%98%80", "/campaigns/%2e%2e"):
        assert owner.api.get(path).status_code in {404, 422}, path


def test_odd_tokens_open_nothing(product: Product) -> None:
    campaigns = f"{product.base_url}/api/v1/campaigns"
    for header in (
        b"Bearer",
        b"Bearer \xc3\xa9",
        b"Bearer a.b.c",
        b"Basic x",
        b"Bearer " + b"a" * 9000,
    ):
        assert_problem(httpx.get(campaigns, headers={b"authorization": header}), 401)


def test_odd_ad_requests_are_answered(player: Player) -> None:
    for query in ("placement=%00", f"placement={'a' * 5000}"):
        assert_problem(player.http.get(f"/api/v1/vast?{query}"), 400)
    for query in ("placement=%ff", "placement=a&placement=b"):
        answer = player.http.get(f"/api/v1/vast?{query}")
        assert answer.status_code == 200
        assert answer.headers["x-no-fill-reason"] == "unknown_placement"
