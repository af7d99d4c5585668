"""Which of a creative's files a player is offered."""

import pytest

from ctv_ads.domain.inventory import Rendition, accepted_by
from tests.builders import a_servable_creative

FILES = tuple(
    Rendition(f"https://media.example.com/{kbps}", mime, 1280, 720, kbps, "avc1.64001f")
    for mime, kbps in (("video/mp4", 2_500), ("application/x-mpegURL", 4_000), ("video/mp4", 8_000))
)


@pytest.mark.parametrize(
    ("mimes", "max_kbps", "left"),
    [
        ((), None, [2_500, 4_000, 8_000]),
        ((), 8_000, [2_500, 4_000, 8_000]),
        ((), 7_999, [2_500, 4_000]),
        (("video/mp4",), None, [2_500, 8_000]),
        (("video/mp4",), 4_000, [2_500]),
        (("video/webm",), None, []),
    ],
)
def test_a_player_is_offered_the_renditions_that_it_accepts(
    mimes: tuple[str, ...], max_kbps: int | None, left: list[int]
) -> None:
    creative = a_servable_creative(renditions=FILES)
    kept = accepted_by(creative, mimes, max_kbps)
    assert [one.bitrate_kbps for one in kept.renditions] == left
    assert (kept is creative) == (len(left) == len(FILES)), "what fits is known again"
