"""What a third party's ad has to be before it has facts."""

import pytest

from ctv_ads.domain.vast_tag import InlineAnswer, OfferedMedia, facts_of_tag

FILM = OfferedMedia("https://m.example/a.mp4", "video/mp4", None, None, None, None, False)  # noqa: FBT003


@pytest.mark.parametrize(("duration_ms", "media"), [(None, (FILM,)), (15_000, ())])
def test_an_unfit_ad_has_no_facts(duration_ms: int | None, media: tuple[OfferedMedia, ...]) -> None:
    ad = InlineAnswer("Them", has_linear=True, duration_ms=duration_ms, media=media)
    with pytest.raises(ValueError, match="no duration or no playable file"):
        facts_of_tag(ad, wrappers=0)


def test_of_files_without_a_bitrate_the_first_is_taken() -> None:
    other = OfferedMedia("https://m.example/b.mp4", "video/mp4", None, None, None, None, False)  # noqa: FBT003
    ad = InlineAnswer("Them", has_linear=True, duration_ms=15_000, media=(FILM, other))
    assert facts_of_tag(ad, wrappers=0).media_url == FILM.url
