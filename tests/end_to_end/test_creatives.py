"""Creatives beside the plain upload: in parts, replaced, looked at, third parties' tags."""

from typing import Any

import httpx
import pytest

from tests.end_to_end.people import Person, Player, a_creative, post_to_s3
from tests.end_to_end.product import eventually
from tests.end_to_end.videos import Video, make_small_video

pytestmark = pytest.mark.xdist_group("end_to_end")


def sent_in_parts(upload: dict[str, Any], content: bytes) -> list[dict[str, Any]]:
    size = upload["part_size_bytes"]
    parts = []
    for part in upload["parts"]:
        start = (part["part_number"] - 1) * size
        answer = httpx.put(part["url"], content=content[start : start + size], timeout=30)
        assert answer.status_code == 200, answer.text
        parts.append({"part_number": part["part_number"], "etag": answer.headers["etag"]})
    return parts


def complete(owner: Person, registered: dict[str, Any], content: bytes) -> httpx.Response:
    upload = registered["upload"]
    body = {"upload_id": upload["upload_id"], "parts": sent_in_parts(upload, content)}
    return owner.api.post(f"/creatives/{registered['creative']['id']}/multipart", json=body)


def in_two_parts(video: Video) -> Video:
    """Return the same film, longer than one part: MP4 allows any padding behind its end."""
    padding = (8 + 17 * 2**20).to_bytes(4) + b"free" + bytes(17 * 2**20)
    return video.with_content(video.content + padding)


def test_a_file_sent_in_parts_is_measured_like_every_other(owner: Person, video: Video) -> None:
    long = in_two_parts(video)
    registered = owner.register(owner.create_campaign(), long, multipart=True)
    assert len(registered["upload"]["parts"]) == 2
    assert complete(owner, registered, long.content).status_code == 200
    ready = owner.verdict(registered["creative"])
    assert ready["status"] == "ready", ready["rejection_reasons"]
    assert ready["sha256"] == long.sha256
    assert httpx.get(ready["media_url"]).content == long.content


def test_fewer_parts_than_announced_are_rejected_and_can_be_looked_at(
    owner: Person, video: Video
) -> None:
    long = in_two_parts(video)
    registered = owner.register(owner.create_campaign(), long, multipart=True)
    registered["upload"]["parts"].pop()
    assert complete(owner, registered, long.content).status_code == 200
    rejected = owner.verdict(registered["creative"])
    assert "size_mismatch" in [reason["code"] for reason in rejected["rejection_reasons"]]
    shown = httpx.get(owner.get(f"/creatives/{rejected['id']}/preview")["url"])
    assert shown.headers["content-type"] == "video/mp4"
    assert shown.content == long.content[: registered["upload"]["part_size_bytes"]]


def test_a_replacement_archives_its_predecessor(owner: Person, video: Video) -> None:
    campaign = owner.create_campaign()
    old = owner.upload(campaign, video)
    file = {key: a_creative(video)[key] for key in ("filename", "content_type", "size_bytes")}
    made = owner.api.post(f"/creatives/{old['id']}/replacement", json=file)
    assert made.status_code == 201, made.text
    assert post_to_s3(made.json()["upload"], video).is_success
    new = owner.verdict(made.json()["creative"])
    assert (new["status"], new["replaces"]) == ("ready", old["id"])
    assert owner.get(f"/creatives/{old['id']}")["status"] == "archived"


def add_rendition(owner: Person, film: dict[str, Any], video: Video) -> dict[str, Any]:
    file = {key: a_creative(video)[key] for key in ("filename", "content_type", "size_bytes")}
    made = owner.api.post(f"/creatives/{film['id']}/renditions", json=file)
    assert made.status_code == 201, made.text
    assert post_to_s3(made.json()["upload"], video).is_success
    return owner.verdict(made.json()["creative"])


def test_a_rendition_is_measured_and_offered_behind_the_better_file(
    owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    (film,) = owner.get(f"/campaigns/{campaign['id']}/creatives")["items"]
    other = add_rendition(owner, film, make_small_video(seconds=4))
    assert [reason["code"] for reason in other["rejection_reasons"]] == ["duration_mismatch"]
    small = add_rendition(owner, film, make_small_video(seconds=2))
    assert (small["status"], small["width_px"], small["height_px"]) == ("ready", 320, 180)
    assert small["bitrate_kbps"] < film["bitrate_kbps"]
    offered = eventually(
        lambda: media if len(media := player.ad()["media"]) == 2 else None,
        within_s=10,
        what="both are offered",
    ).value
    assert [one["url"] for one in offered] == [film["media_url"], small["media_url"]]
    assert httpx.get(offered[1]["url"]).content == make_small_video(seconds=2).content
    most = {"placement": player.placement, "max_bitrate_kbps": small["bitrate_kbps"]}
    (ad,) = player.http.post("/api/v1/ad-request", json=most).json()["ads"]
    assert [one["width"] for one in ad["media"]] == [320]


@pytest.mark.parametrize(
    "tag_url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://2130706433/",
        "http://[::ffff:169.254.169.254]/latest/meta-data/",
        "http://10.0.0.1:6379/",
    ],
)
def test_a_tag_on_a_private_network_is_rejected(owner: Person, tag_url: str) -> None:
    path = f"/campaigns/{owner.create_campaign()['id']}/creatives"
    body = {"kind": "vast_tag", "name": "Inside", "tag_url": tag_url}
    made = owner.api.post(path, json=body)
    assert made.status_code == 201, made.text
    assert made.json()["creative"]["status"] == "validating"
    rejected = owner.verdict(made.json()["creative"])
    codes = [reason["code"] for reason in rejected["rejection_reasons"]]
    assert codes == ["tag_address_refused"]


def test_a_rejected_tag_is_checked_again_when_asked_and_not_by_itself(owner: Person) -> None:
    path = f"/campaigns/{owner.create_campaign()['id']}/creatives"
    body = {"kind": "vast_tag", "name": "Inside", "tag_url": "http://127.0.0.1/"}
    rejected = owner.verdict(owner.api.post(path, json=body).json()["creative"])
    assert rejected["status"] == "rejected"
    again = owner.api.post(f"/creatives/{rejected['id']}/check")
    assert (again.status_code, again.json()["status"]) == (200, "validating"), again.text
    judged = owner.verdict(again.json())
    assert (judged["status"], judged["version"]) == ("rejected", rejected["version"] + 2)
