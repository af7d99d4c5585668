"""Breaks, targeting, caps, pacing and explanations, over HTTP as customers have them."""

from typing import Any

import httpx
import pytest
from lxml import etree

from tests.end_to_end.people import Document, Person, Player
from tests.end_to_end.product import Product, eventually
from tests.end_to_end.vast import assert_matches_xsd
from tests.end_to_end.videos import Video, another
from tests.vast_tools import KIT, assert_valid_vmap

pytestmark = pytest.mark.xdist_group("end_to_end")

_WITHIN_S = 5.0


def vast(player: Player, **parameters: Any) -> httpx.Response:
    answer = player.http.get("/api/v1/vast", params={"placement": player.placement, **parameters})
    assert answer.status_code == 200
    return answer


def ads_in(answer: httpx.Response) -> int:
    return answer.text.count("<Ad ")


def change_line_item(owner: Person, campaign: Document, **changes: Any) -> Document:
    """Change the terms of a campaign's only line item."""
    path = f"/line-items/{campaign['line_items'][0]['id']}"
    etag = owner.api.get(path).headers["etag"]
    answer = owner.api.patch(path, json=changes, headers={"if-match": etag})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def soon(check: Any, what: str) -> None:
    eventually(check, within_s=_WITHIN_S, what=what)


def test_a_break_is_filled_with_as_many_ads_as_it_has_time_for(
    owner: Person, player: Player, video: Video
) -> None:
    for number in range(2):
        owner.run_campaign(another(video, number))
    soon(lambda: ads_in(vast(player, duration_ms=4_000)) == 2, "two ads of 2 s in 4 s")
    assert ads_in(vast(player, duration_ms=3_999)) == 1
    assert ads_in(vast(player, duration_ms=60_000)) == 2, "each line item once"
    assert ads_in(vast(player, max_ads=2)) == 2
    assert ads_in(vast(player)) == 1
    pod = vast(player, duration_ms=4_000)
    assert 'sequence="1"' in pod.text
    assert 'sequence="2"' in pod.text
    for version in ("2.0", "3.0", "4.0", "4.1", "4.2", "4.3"):
        answer = vast(player, duration_ms=4_000, version=version)
        assert f'<VAST version="{version}"' in answer.text
        assert_matches_xsd(answer.content)


def test_a_stitcher_posts_what_a_player_gets(owner: Person, player: Player, video: Video) -> None:
    owner.run_campaign(video)
    player.ad()
    asked = {"placement": player.placement, "max_ads": "1"}
    for answer in (
        player.http.post("/api/v1/vast", json=asked),
        player.http.post("/api/v1/vast", data=asked),
        player.http.post("/api/v1/vast", params=asked, content=b""),
    ):
        assert answer.status_code == 200
        assert ads_in(answer) == 1
        assert_matches_xsd(answer.content)


def test_a_vmap_has_a_break_at_each_place(owner: Person, player: Player, video: Video) -> None:
    owner.run_campaign(video)
    player.ad()
    parameters = {"placement": player.placement, "breaks": "start,00:10:00.000,50%,end"}
    inline = player.http.get("/api/v1/vmap", params=parameters)
    assert inline.status_code == 200
    breaks = etree.fromstring(inline.content).findall("{*}AdBreak")
    offsets = [str(item.get("timeOffset")) for item in breaks]
    assert offsets == parameters["breaks"].split(",")
    assert ads_in(inline) == 4
    by_tag = player.http.get("/api/v1/vmap", params={**parameters, "mode": "tag"})
    (address, *_) = etree.fromstring(by_tag.content).iterfind(".//{*}AdTagURI")
    assert ads_in(httpx.get(str(address.text).strip())) == 1
    if KIT.is_dir():
        for document in (inline, by_tag):
            assert_valid_vmap(document.text, "4.2")  # type: ignore[arg-type]


def test_targeting_decides_who_sees_a_line_item(
    owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    player.ad()
    targeting = {"genre": {"include": ["Sports"]}, "kv.section": {"exclude": ["crime"]}}
    change_line_item(owner, campaign, targeting=targeting)
    soon(lambda: ads_in(vast(player)) == 0, "the change is in force")
    assert ads_in(vast(player, genre="Sports")) == 1
    assert ads_in(vast(player, genre="sports,News", **{"kv.section": "politics"})) == 1
    assert ads_in(vast(player, genre="News")) == 0
    answer = vast(player, genre="Sports", **{"kv.section": "crime"})
    assert ads_in(answer) == 0
    explained = owner.get(f"/decisions/{answer.headers['x-decision-id']}")
    (removed,) = explained["removed"]
    assert removed["reason"]["name"] == "key_value"
    assert removed["line_item_ids"] == [campaign["line_items"][0]["id"]]


def test_a_cap_holds_for_one_viewer_and_no_other(
    owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    player.ad()
    cap = {"limit": 2, "window_ms": 3_600_000, "scope": "line_item", "key": "device"}
    change_line_item(owner, campaign, frequency_caps=[cap])
    soon(lambda: ads_in(vast(player)) == 0, "nobody can be counted who does not say who he is")
    viewer = {"ifa": "b3a1f5ce-0000-4000-8000-000000000001", "session_id": "evening"}
    assert [ads_in(vast(player, **viewer)) for _ in range(4)] == [1, 1, 0, 0]
    assert vast(player, **viewer).headers["x-no-fill-reason"] == "frequency_capped"
    other = {**viewer, "ifa": "b3a1f5ce-0000-4000-8000-000000000002"}
    assert ads_in(vast(player, **other)) == 1
    limited = {**viewer, "lmt": "1"}
    assert ads_in(vast(player, **limited)) == 1, "the device is not known, the session is new"


@pytest.mark.parametrize("version", ["2.0", "4.2"])
def test_a_decision_is_explained_and_made_again_to_the_byte(
    owner: Person, player: Player, video: Video, version: str
) -> None:
    campaigns = [owner.run_campaign(another(video, number)) for number in range(2)]
    soon(lambda: ads_in(vast(player, max_ads=2)) == 2, "both are on air")
    answer = vast(player, max_ads=2, version=version, session_id="s", genre="Drama")
    path = f"/decisions/{answer.headers['x-decision-id']}"
    explained = owner.get(path)
    shown = {ad["line_item_id"] for ad in explained["pod"]}
    assert shown == {campaign["line_items"][0]["id"] for campaign in campaigns}
    for campaign in campaigns:
        owner.set_status(campaign, "paused")
    soon(lambda: ads_in(vast(player)) == 0, "what was decided on is in force no more")
    again = owner.api.post(f"{path}/replay")
    assert again.status_code == 200, again.text
    assert again.json()["answer"] == answer.text
    assert again.json()["same_candidates"] is True


def test_asap_is_granted_at_once_what_even_is_granted_over_days(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    budget = {"budget_micros": 100_000_000}
    paced = {
        pacing: owner.run_campaign(video, name=pacing, pacing=pacing, **budget)
        for pacing in ("asap", "even")
    }
    player.ad()

    def granted() -> dict[str, int] | None:
        rows = product.rows(
            "SELECT line_item_id::text AS line_item, max(granted_micros) AS micros"
            " FROM token_buckets WHERE campaign_id = ANY(%s::uuid[]) GROUP BY line_item_id",
            [[campaign["id"] for campaign in paced.values()]],
        )
        found = {row["line_item"]: row["micros"] for row in rows}
        names = {name: campaign["line_items"][0]["id"] for name, campaign in paced.items()}
        return {name: found[key] for name, key in names.items()} if len(found) == 2 else None

    tokens = eventually(granted, within_s=_WITHIN_S, what="both have been granted tokens").value
    assert 0 < tokens["even"] < tokens["asap"] <= budget["budget_micros"]
