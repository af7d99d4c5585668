"""Creatives beside the plain upload: in parts, replaced, looked at, third parties' tags."""

from typing import Any

import httpx
import pytest

from tests.end_to_end.people import Person, a_creative, post_to_s3
from tests.end_to_end.videos import Video

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
