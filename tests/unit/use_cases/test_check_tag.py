"""A third party's tag is followed to its ad and judged, within limits."""

from collections.abc import Mapping
from itertools import pairwise

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.media import RejectionCode
from ctv_ads.domain.vast_tag import TagFacts
from ctv_ads.ports.vast_tags import TagCheck, TagFetchError
from ctv_ads.use_cases.check_tag import TIME_LIMIT_S, CheckTag

TAG = "https://tag.example/"
NO_AD = "<VAST/>"


class Web:
    """What the internet answers, each answer after a second."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self.documents = documents
        self.now = 100.0
        self.asked: list[str] = []
        self.deadlines: set[float] = set()

    def fetch(self, url: str, *, deadline: float) -> bytes:
        self.asked.append(url)
        self.deadlines.add(deadline)
        self.now += 1
        if url not in self.documents:
            raise TagFetchError(RejectionCode.TAG_UNREACHABLE, "It answered 404.")
        return self.documents[url].encode()


def check(web: Web, url: str = TAG) -> tuple[TagFacts | None, list[RejectionCode]]:
    use_case = CheckTag(web, max_duration_ms=60_000, monotonic=lambda: web.now)
    verdict = use_case(TagCheck(CreativeId(new_id()), url))
    return verdict.facts, [rejection.code for rejection in verdict.rejections]


def media(bitrate: int = 5000, kind: str = "video/mp4", more: str = "") -> str:
    return (
        f'<MediaFile delivery="progressive" type="{kind}" bitrate="{bitrate}" width="1920"'
        f' height="1080" {more}>https://m.example/{bitrate}.mp4</MediaFile>'
    )


def inline(*files: str, duration: str = "<Duration>00:00:15</Duration>") -> str:
    return (
        "<VAST><Ad><InLine><AdSystem>Them</AdSystem><Creatives><Creative><Linear>"
        f"{duration}<MediaFiles>{''.join(files)}</MediaFiles>"
        "</Linear></Creative></Creatives></InLine></Ad></VAST>"
    )


def wrapper(url: str) -> str:
    address = f"<VASTAdTagURI><![CDATA[{url}]]></VASTAdTagURI>"
    return f"<VAST><Ad><Wrapper>{address}</Wrapper></Ad></VAST>"


def chain(wrappers: int) -> Web:
    """Return a web where the tag leads over so many wrappers to an ad."""
    urls = [TAG, *(f"https://w{number}.example/" for number in range(wrappers))]
    documents = {url: wrapper(following) for url, following in pairwise(urls)}
    return Web(documents | {urls[-1]: inline(media())})


def test_a_fit_tag_gets_the_facts_of_what_will_be_seen() -> None:
    web = Web({TAG: inline(media(800), media(5000), media(9000, "video/webm"))})
    assert check(web) == (
        TagFacts(
            duration_ms=15_000,
            mime_type="video/mp4",
            width_px=1920,
            height_px=1080,
            bitrate_kbps=5000,
            codec=None,
            media_url="https://m.example/5000.mp4",
            wrappers=0,
            ad_system="Them",
        ),
        [],
    )


@pytest.mark.parametrize("wrappers", range(5))
def test_wrappers_are_followed_as_far_as_players_do(wrappers: int) -> None:
    facts, rejections = check(chain(wrappers))
    assert rejections == []
    assert facts is not None
    assert facts.wrappers == wrappers


@pytest.mark.parametrize("wrappers", [5, 6, 50])
def test_a_longer_chain_is_refused_without_walking_it(wrappers: int) -> None:
    web = chain(wrappers)
    assert check(web) == (None, [RejectionCode.TAG_TOO_MANY_WRAPPERS])
    assert len(web.asked) == 5


@pytest.mark.parametrize(
    "documents",
    [
        {TAG: wrapper(TAG)},
        {TAG: wrapper("https://a.example/"), "https://a.example/": wrapper(TAG)},
    ],
)
def test_a_circle_is_noticed_on_its_first_round(documents: Mapping[str, str]) -> None:
    web = Web(documents)
    assert check(web) == (None, [RejectionCode.TAG_LOOP])
    assert len(web.asked) == len(documents)


def test_the_whole_chain_has_one_deadline() -> None:
    web = chain(4)
    check(web)
    assert web.deadlines == {100.0 + TIME_LIMIT_S}


def test_macros_are_filled_in_as_a_player_would() -> None:
    web = Web({"https://t.example/?cb=12345678&ifa=-1&x=-1": inline(media())})
    facts, _ = check(web, "https://t.example/?cb=[CACHEBUSTING]&ifa=[IFA]&x=%5BGDPRCONSENT%5D")
    assert facts is not None


@pytest.mark.parametrize(
    ("document", "codes"),
    [
        ("no xml", [RejectionCode.TAG_NOT_VAST]),
        (NO_AD, [RejectionCode.TAG_NO_AD]),
        ("<VAST><Ad/></VAST>", [RejectionCode.TAG_NO_AD]),
        (
            "<VAST><Ad><InLine/></Ad><Ad><InLine/></Ad></VAST>",
            [RejectionCode.TAG_SEVERAL_ADS],
        ),
        ("<VAST><Ad><InLine/></Ad></VAST>", [RejectionCode.TAG_NOT_LINEAR]),
        (inline(), [RejectionCode.TAG_NO_PLAYABLE_MEDIA]),
        (inline(media(kind="video/webm")), [RejectionCode.TAG_NO_PLAYABLE_MEDIA]),
        (inline(media(more='apiFramework="VPAID"')), [RejectionCode.TAG_NO_PLAYABLE_MEDIA]),
        (inline(media(), duration=""), [RejectionCode.TAG_NO_DURATION]),
        (
            inline(duration=""),
            [RejectionCode.TAG_NO_PLAYABLE_MEDIA, RejectionCode.TAG_NO_DURATION],
        ),
        (inline(media(), duration="<Duration>00:01:00.001</Duration>"), [RejectionCode.TOO_LONG]),
        (inline(media(), duration="<Duration>00:00:00.999</Duration>"), [RejectionCode.TOO_SHORT]),
    ],
)
def test_an_unfit_tag_says_every_reason(document: str, codes: list[RejectionCode]) -> None:
    assert check(Web({TAG: document})) == (None, codes)
    behind = Web({TAG: wrapper("https://a.example/"), "https://a.example/": document})
    assert check(behind) == (None, codes)


def test_a_tag_that_cannot_be_fetched_says_so() -> None:
    assert check(Web({})) == (None, [RejectionCode.TAG_UNREACHABLE])
