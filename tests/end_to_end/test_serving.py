"""An active campaign serves within two seconds, a paused one stops within two seconds."""

from typing import Any

import httpx
import pytest

from tests.end_to_end.people import CLICK_THROUGH_URL, CPM_MICROS, Person, Player
from tests.end_to_end.product import Product, eventually
from tests.end_to_end.vast import assert_lint_free, assert_matches_xsd, play
from tests.end_to_end.videos import Video

pytestmark = pytest.mark.xdist_group("end_to_end")

_ON_AIR_WITHIN_S = 2.0
_CTV_EVENTS = {"start", "firstQuartile", "midpoint", "thirdQuartile", "complete"}


def test_activation_and_pause_reach_viewers_within_two_seconds(
    owner: Person, player: Player, video: Video, figure: Any
) -> None:
    campaign = owner.create_campaign()
    owner.upload(campaign, video)
    assert player.decision()["no_fill_reason"] is not None, "a draft does not serve"

    owner.set_status(campaign, "active")
    on_air = eventually(
        lambda: player.decision()["ads"], within_s=_ON_AIR_WITHIN_S, what="the campaign serves"
    )
    figure("activation to servable", on_air.seconds)
    assert on_air.value[0]["campaign_id"] == campaign["id"]

    owner.set_status(campaign, "paused")
    off_air = eventually(
        lambda: not player.decision()["ads"], within_s=_ON_AIR_WITHIN_S, what="it is off air"
    )
    figure("pause to off air", off_air.seconds)
    # Its tokens are taken back first, so that nobody spends them; then it is unpublished.
    eventually(
        lambda: player.decision()["no_fill_reason"] == "no_line_item",
        within_s=_ON_AIR_WITHIN_S,
        what="it is unpublished",
    )
    empty = player.vast()
    assert play(empty.content) is None
    assert empty.headers["x-no-fill-reason"] == "no_line_item"
    assert_lint_free(empty.content)

    owner.set_status(campaign, "active")
    player.ad()
    assert owner.api.delete(f"/campaigns/{campaign['id']}").status_code == 204
    eventually(
        lambda: not player.decision()["ads"], within_s=_ON_AIR_WITHIN_S, what="deleted: off air"
    )


def test_json_and_vast_tell_the_same_ad(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video, name="Käse <fein> & Wein")
    ad = player.ad()
    assert ad["campaign_id"] == campaign["id"]
    assert ad["line_item_id"] == campaign["line_items"][0]["id"]
    assert ad["duration_ms"] == video.duration_ms
    assert ad["click_through_url"] == CLICK_THROUGH_URL
    (media,) = ad["media"]
    assert (media["type"], media["width"], media["height"]) == ("video/mp4", 640, 360)
    assert media["bitrate_kbps"] == round(len(video.content) * 8 / video.duration_ms)
    assert {"impression", "clickTracking", "error"} | _CTV_EVENTS <= set(ad["tracking"])

    answer = player.vast()
    assert answer.headers["content-type"].startswith("application/xml")
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["access-control-allow-origin"] == "*"
    played = play(answer.content)
    assert played is not None
    assert played.media_url == media["url"]
    assert played.media_url.startswith(f"{product.base_url}/media/"), "one origin for everything"
    assert played.media == {
        "delivery": "progressive",
        "type": "video/mp4",
        "width": "640",
        "height": "360",
        "codec": video.video_codec,
        "bitrate": str(media["bitrate_kbps"]),
        "fileSize": str(len(video.content)),
    }
    assert played.duration == "00:00:02.000"
    assert (played.title, played.advertiser) == ("Launch spot", "Acme & Sons")
    assert played.click_through == CLICK_THROUGH_URL
    assert set(played.tracking) >= _CTV_EVENTS
    again = play(player.vast().content)
    assert again is not None
    assert again.serving_id != played.serving_id, "every ad served has its own AdServingId"


def test_the_vast_is_what_validators_accept(owner: Person, player: Player, video: Video) -> None:
    campaign = owner.create_campaign()
    path = f"/campaigns/{campaign['id']}/creatives"
    empty = player.vast().content
    owner.upload(campaign, video)
    assert owner.get(path)["items"][0]["status"] == "ready"
    owner.set_status(campaign, "active")
    player.ad()
    document = player.vast().content
    assert_lint_free(document)
    for each in (document, empty):
        assert_matches_xsd(each)


def test_the_media_file_plays(owner: Person, player: Player, video: Video) -> None:
    owner.run_campaign(video)
    url = player.ad()["media"][0]["url"]
    whole = httpx.get(url)
    assert whole.status_code == 200
    assert whole.content == video.content
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["access-control-allow-origin"] == "*", "web players fetch() it"

    part = httpx.get(url, headers={"range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == video.content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(video.content)}"
    tail = httpx.get(url, headers={"range": "bytes=-50"})
    assert (tail.status_code, tail.content) == (206, video.content[-50:])
    beyond = httpx.get(url, headers={"range": f"bytes={len(video.content)}-"})
    assert beyond.status_code == 416
    head = httpx.head(url)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(video.content)))
    assert httpx.get(url + "x").status_code == 404
    unchanged = httpx.get(url, headers={"if-none-match": whole.headers["etag"]})
    assert unchanged.status_code == 304


def test_the_higher_cpm_wins(owner: Person, player: Player, video: Video) -> None:
    low = owner.run_campaign(video)
    assert player.ad()["campaign_id"] == low["id"]
    high = owner.run_campaign(video, cpm_micros=CPM_MICROS + 1000)
    eventually(
        lambda: player.ad()["campaign_id"] == high["id"], within_s=2, what="the better payer serves"
    )
    assert {ad["campaign_id"] for ad in player.ads(10)} == {high["id"]}
    owner.set_status(high, "paused")
    eventually(
        lambda: player.ad()["campaign_id"] == low["id"], within_s=2, what="the other one is next"
    )


def test_creatives_take_turns_until_they_are_deleted(
    owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    second = owner.upload(campaign, video)
    eventually(
        lambda: player.ad()["creative_id"] == second["id"], within_s=5, what="the new one serves"
    )
    assert len({ad["creative_id"] for ad in player.ads(30)}) == 2, "both serve"

    assert owner.api.delete(f"/creatives/{second['id']}").status_code == 204
    (first,) = owner.get(f"/campaigns/{campaign['id']}/creatives")["items"]
    eventually(
        lambda: {ad["creative_id"] for ad in player.ads(10)} == {first["id"]},
        within_s=_ON_AIR_WITHIN_S,
        what="the deleted one is off air",
    )


def test_campaigns_serve_only_in_their_flight_and_on_their_own_channel(
    owner: Person, player: Player, video: Video
) -> None:
    owner.run_campaign(video, starts_at="2098-01-01T00:00:00Z", ends_at="2099-01-01T00:00:00+02:00")
    eventually(
        lambda: player.decision()["no_fill_reason"] == "no_line_item",
        within_s=2,
        what="the campaign is known but waits for its flight",
    )
    elsewhere = player.http.get("/api/v1/vast", params={"placement": "no-such-placement"})
    assert elsewhere.status_code == 200
    assert elsewhere.headers["x-no-fill-reason"] == "unknown_placement"
    assert play(elsewhere.content) is None


@pytest.mark.parametrize("max_ad_ms", ["1999", "2000", "[BREAKMAXADLENGTH]", "-1", "junk", ""])
def test_an_ad_fits_its_break_and_odd_values_count_as_absent(
    owner: Person, player: Player, video: Video, max_ad_ms: str
) -> None:
    owner.run_campaign(video)
    player.ad()
    parameters = {"placement": player.placement, "max_ad_ms": max_ad_ms, "cb": "[CACHEBUSTING]"}
    answer = player.http.get("/api/v1/vast", params=parameters)
    assert answer.status_code == 200
    assert (play(answer.content) is None) == (max_ad_ms == "1999")


def test_a_request_without_placement_is_told_so(player: Player) -> None:
    for answer in (
        player.http.get("/api/v1/vast"),
        player.http.get("/api/v1/vast", params={"placement": "[PLACEMENTID]"}),
        player.http.post("/api/v1/ad-request", content=b"{"),
        player.http.post("/api/v1/ad-request", json={"placement": 7}),
    ):
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"


def test_web_players_of_any_origin_may_ask(player: Player) -> None:
    origin = "https://player.example"
    preflight = player.http.options("/api/v1/ad-request", headers={"origin": origin})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == origin
    answer = player.http.post(
        "/api/v1/ad-request",
        content=f'{{"placement": "{player.placement}"}}',
        headers={"origin": origin, "content-type": "text/plain"},
    )
    assert answer.status_code == 200, "Prebid posts JSON as text/plain"
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"
