"""`/api/v1/placements`, from the recorded request to the answer."""

from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from tests.builders import NOON
from tests.functions.conftest import Answer, Office

PLACEMENTS = "/api/v1/placements"
EVERYTHING = {
    "app_bundle": "com.example.tv",
    "channel": "News 24",
    "default_break_ms": 120_000,
    "max_ads": 4,
    "min_ad_ms": 5_000,
    "max_ad_ms": 60_000,
    "vast_version": "4.1",
    "floor_cpm_micros": 5_000_000,
    "blocked_categories": ["1002"],
    "blocked_domains": ["casino.example"],
    "accepted_mimes": ["video/mp4", "application/x-mpegurl"],
    "max_bitrate_kbps": 8_000,
    "max_width_px": 1_920,
    "max_height_px": 1_080,
    "trusted_caller": True,
}


def a_key() -> str:
    return f"news.{new_id()}"


def make(office: Office, **fields: Any) -> Answer:
    body = {"key": a_key(), "name": "News pre-roll", **fields}
    return office.send("campaigns", "POST", PLACEMENTS, body)


def change(office: Office, placement_id: str, **fields: Any) -> Answer:
    return office.send("campaigns", "PATCH", f"{PLACEMENTS}/{placement_id}", fields)


def test_a_placement_is_made_with_everything_that_can_be_said_of_it(office: Office) -> None:
    made = make(office, **EVERYTHING)
    assert (made.status, made.headers["etag"]) == (201, '"1"'), made.body
    assert {name: made.json[name] for name in EVERYTHING} == EVERYTHING
    read = office.send("campaigns", "GET", f"{PLACEMENTS}/{made.json['id']}")
    assert (read.status, read.json, read.headers["etag"]) == (200, made.json, '"1"')


def test_what_a_placement_accepts_of_files_is_published(office: Office) -> None:
    key, bare_key = make(office, **EVERYTHING).json["key"], make(office).json["key"]
    placements = office.world.source.load(now=NOON).placements
    published, bare = placements[key], placements[bare_key]
    assert published.accepted_mimes == ("video/mp4", "application/x-mpegurl")
    limits = (published.max_bitrate_kbps, published.max_width_px, published.max_height_px)
    assert limits == (8_000, 1_920, 1_080)
    assert (bare.accepted_mimes, bare.max_bitrate_kbps, bare.max_width_px) == ((), None, None)


def test_types_of_file_are_known_in_any_case(office: Office) -> None:
    made = make(office, accepted_mimes=["application/x-mpegURL", "application/x-mpegurl"])
    assert made.json["accepted_mimes"] == ["application/x-mpegurl"]


def test_a_key_that_is_taken_is_refused_whosever_it_is(office: Office) -> None:
    other = office.world.a_tenant()
    answers = [make(office, key=t.placement_key) for t in (office.tenant, other)]
    for refused in answers:
        refused.assert_problem(409, "conflict", "key")
    assert answers[0].json == answers[1].json


def test_a_deleted_placement_keeps_its_key(office: Office) -> None:
    made = make(office).json
    path = f"{PLACEMENTS}/{made['id']}"
    assert office.send("campaigns", "DELETE", path).status == 204
    office.send("campaigns", "GET", path).assert_problem(404, "not-found")
    make(office, key=made["key"]).assert_problem(409, "conflict", "key")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"max_ads": 0}, "max_ads"),
        ({"accepted_mimes": ["mp4"]}, "accepted_mimes.0"),
        ({"max_bitrate_kbps": 0}, "max_bitrate_kbps"),
        ({"max_width_px": "1920"}, "max_width_px"),
        ({"max_height_px": -1}, "max_height_px"),
        ({"max_ads": True}, "max_ads"),
        ({"default_break_ms": 0}, "default_break_ms"),
        ({"default_break_ms": 86_400_001}, "default_break_ms"),
        ({"min_ad_ms": "5000"}, "min_ad_ms"),
        ({"vast_version": "9.9"}, "vast_version"),
        ({"floor_cpm_micros": -1}, "floor_cpm_micros"),
        ({"floor_cpm_micros": None}, "floor_cpm_micros"),
        ({"blocked_categories": ["alcohol"]}, "blocked_categories.0"),
        ({"blocked_domains": ["ok.example", "not a domain"]}, "blocked_domains.1"),
        ({"trusted_caller": 1}, "trusted_caller"),
        ({"app_bundle": "a\u0000b"}, "app_bundle"),
        ({"min_ad_ms": 2, "max_ad_ms": 1}, "max_ad_ms"),
    ],
)
def test_a_wrong_field_is_told_by_its_path(
    office: Office, fields: dict[str, Any], path: str
) -> None:
    make(office, **fields).assert_problem(422, "invalid-request", path)
    placement_id = office.tenant.placement_id
    change(office, placement_id, **fields).assert_problem(422, "invalid-request", path)


@pytest.mark.parametrize("key", ["", "-x", "Upper", "a b", "ä", "x" * 64, "x\n"])
def test_a_key_is_a_short_plain_word(office: Office, key: str) -> None:
    make(office, key=key).assert_problem(422, "invalid-request", "key")


def test_a_key_is_never_taken_for_an_id(office: Office) -> None:
    for key in (office.world.a_tenant().placement_id, new_id()):
        refused = make(office, key=key, min_ad_ms=2, max_ad_ms=1)
        refused.assert_problem(422, "invalid-request", "key", "max_ad_ms")
        assert make(office, key=f"news.{key}").status == 201


def test_a_key_never_changes(office: Office) -> None:
    made = make(office).json
    change(office, made["id"], key=a_key()).assert_problem(422, "invalid-request", "key")


def test_only_what_is_sent_is_changed_and_that_is_announced(office: Office) -> None:
    made = make(office, **EVERYTHING).json
    assert change(office, made["id"]).json == made
    office.changes.reasons.clear()
    changed = change(office, made["id"], channel=None, blocked_domains=[])
    assert (changed.status, changed.headers["etag"]) == (200, '"2"')
    expected = EVERYTHING | {"channel": None, "blocked_domains": []}
    assert {name: changed.json[name] for name in EVERYTHING} == expected
    assert len(office.changes.reasons) == 1


def test_lengths_are_compared_with_what_is_stored(office: Office) -> None:
    made = make(office, min_ad_ms=10_000).json
    refused = change(office, made["id"], max_ad_ms=9_999)
    refused.assert_problem(422, "invalid-request", "max_ad_ms")
    assert change(office, made["id"], max_ad_ms=10_000).status == 200


def test_a_new_placement_is_published_until_it_is_deleted(office: Office) -> None:
    made = make(office).json
    assert made["key"] in office.world.source.load(now=NOON).placements
    office.send("campaigns", "DELETE", f"{PLACEMENTS}/{made['id']}")
    assert made["key"] not in office.world.source.load(now=NOON).placements
    assert len(office.changes.reasons) == 2


def test_lists_are_filtered_and_searched(office: Office) -> None:
    make(office, name="Sports", channel="S1", app_bundle="com.s")
    make(office, name="News", channel="N1", app_bundle="com.n")
    for query, names in (
        ("?q=spor", ["Sports"]),
        ("?channel=N1", ["News"]),
        ("?app_bundle=com.s", ["Sports"]),
        ("?q=sports&channel=N1", []),
        ("?sort=name", ["News", "Pre-roll", "Sports"]),
    ):
        found = office.send("campaigns", "GET", f"{PLACEMENTS}{query}").json
        assert [item["name"] for item in found["items"]] == names, query
        assert found["totals"] == {"count": len(names)}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_those_who_only_look_may_not_change(office: Office, role: Role) -> None:
    path, token = f"{PLACEMENTS}/{office.tenant.placement_id}", office.token(role=role)
    for method, where, body in (
        ("POST", PLACEMENTS, {"key": a_key(), "name": "News"}),
        ("PATCH", path, {"name": "News"}),
        ("DELETE", path, None),
    ):
        refused = office.send("campaigns", method, where, body, token=token)
        refused.assert_problem(403, "forbidden")


def test_another_tenants_placement_is_not_found(office: Office) -> None:
    path = f"{PLACEMENTS}/{office.world.a_tenant().placement_id}"
    for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
        office.send("campaigns", method, path, body).assert_problem(404, "not-found")
