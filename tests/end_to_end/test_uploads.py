"""Files go straight to S3, and become creatives only if a TV can play them."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import media
from tests.end_to_end.people import Person, a_creative, post_to_s3
from tests.end_to_end.test_booking import assert_problem
from tests.end_to_end.videos import Video
from tests.media import JUNK, truncated

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_an_uploaded_file_is_measured(owner: Person, video: Video) -> None:
    campaign = owner.create_campaign()
    registered = owner.register(campaign, video)
    assert registered["creative"]["status"] == "uploading"
    assert post_to_s3(registered["upload"], video).is_success

    ready = owner.verdict(registered["creative"])
    assert ready["status"] == "ready", ready["rejection_reasons"]
    assert ready["duration_ms"] == video.duration_ms
    assert (ready["width_px"], ready["height_px"]) == (video.width_px, video.height_px)
    assert ready["frame_rate_milli"] == video.frame_rate_milli
    assert (ready["video_codec"], ready["audio_codec"]) == (video.video_codec, video.audio_codec)
    assert ready["size_bytes"] == len(video.content)
    assert ready["bitrate_kbps"] == round(len(video.content) * 8 / video.duration_ms)
    assert ready["sha256"] == video.sha256
    assert owner.get(f"/campaigns/{campaign['id']}/creatives")["items"] == [ready]


def test_the_readmes_curl_uploads_a_file(owner: Person, video: Video, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl on this machine")
    (tmp_path / "ad.mp4").write_bytes(video.content)
    registered = owner.register(owner.create_campaign(), video)
    form = registered["upload"]
    fields = [part for name, value in form["fields"].items() for part in ("-F", f"{name}={value}")]
    subprocess.run(
        [curl, "--silent", "--show-error", "--fail", *fields, "-F", "file=@ad.mp4", form["url"]],
        cwd=tmp_path,
        check=True,
    )
    assert owner.verdict(registered["creative"])["sha256"] == video.sha256


@pytest.mark.parametrize(
    ("unfit", "code"),
    [
        pytest.param(lambda: JUNK, "not_a_video", id="junk"),
        pytest.param(lambda: truncated(media.good_mp4(), 0.5), "truncated", id="cut off"),
        pytest.param(media.audio_only_mp4, "no_video_track", id="sound only"),
        pytest.param(media.vp9_webm, "type_mismatch", id="webm declared as mp4"),
        pytest.param(media.quicktime_mov, "unsupported_container", id="mov declared as mp4"),
        pytest.param(media.hevc_mp4, "unsupported_video_codec", id="HEVC"),
        pytest.param(media.interlaced_mp4, "interlaced", id="interlaced"),
        pytest.param(media.long_mp4, "too_long", id="over two minutes"),
    ],
)
def test_a_file_that_no_tv_plays_is_rejected_with_reasons(
    owner: Person, video: Video, unfit: Callable[[], Path | bytes], code: str
) -> None:
    campaign = owner.create_campaign()
    made = unfit()
    content = made if isinstance(made, bytes) else made.read_bytes()
    rejected = owner.upload(campaign, video.with_content(content))
    assert rejected["status"] == "rejected"
    reasons = {reason["code"]: reason["message"] for reason in rejected["rejection_reasons"]}
    assert code in reasons
    assert all(message.endswith(".") for message in reasons.values()), "each is a sentence"
    assert rejected["media_url"] is None

    start = owner.api.put(f"/campaigns/{campaign['id']}/status", json={"status": "active"})
    assert_problem(start, 409)


def test_a_file_over_the_limit_is_refused_before_it_is_sent(owner: Person, video: Video) -> None:
    path = f"/campaigns/{owner.create_campaign()['id']}/creatives"
    too_large = owner.api.post(path, json=a_creative(video, size_bytes=100_000_001))
    assert_problem(too_large, 422)
    assert [(error["path"], error["code"]) for error in too_large.json()["errors"]] == [
        ("size_bytes", "too_large")
    ]
    not_video = owner.api.post(path, json=a_creative(video, content_type="image/gif"))
    assert_problem(not_video, 422)
    assert owner.get(path.removeprefix("/api/v1"))["items"] == [], "nothing was registered"


def test_s3_refuses_what_was_not_announced(owner: Person, video: Video) -> None:
    registered = owner.register(owner.create_campaign(), video)
    form = registered["upload"]
    larger = post_to_s3(form, video.with_content(video.content + b"\0"))
    assert larger.status_code == 400, larger.text
    assert "EntityTooLarge" in larger.text
    smaller = post_to_s3(form, video.with_content(video.content[:-1]))
    assert smaller.status_code == 400, smaller.text
    other_type = post_to_s3(form, video, fields={"Content-Type": "text/html"})
    assert other_type.status_code == 403, other_type.text
    other_place = post_to_s3(form, video, fields={"key": "creatives/elsewhere"})
    assert other_place.status_code == 403, other_place.text

    waiting = owner.get(f"/creatives/{registered['creative']['id']}")
    assert waiting["status"] == "uploading", "nothing has arrived"


def test_a_ready_creative_keeps_its_file(owner: Person, video: Video) -> None:
    registered = owner.register(owner.create_campaign(), video)
    assert post_to_s3(registered["upload"], video).is_success
    ready = owner.verdict(registered["creative"])

    # The form is still valid, so somebody may send other bytes of the same length.
    swapped = video.with_content(video.content[:-1] + b"\xff")
    assert post_to_s3(registered["upload"], swapped).is_success
    owner.upload(owner.create_campaign(), video)  # judged after it, in the same queue
    now = owner.get(f"/creatives/{ready['id']}")
    assert now.pop("duplicate_of"), "the same file serves the other campaign"
    assert now == {name: value for name, value in ready.items() if name != "duplicate_of"}
