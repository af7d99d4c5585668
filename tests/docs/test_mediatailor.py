"""MediaTailor's templates in the documentation are understood, every parameter of them."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from ctv_ads.domain.ad_request import AdRequest, BreakType
from ctv_ads.settings import TokenSettings
from ctv_ads.web.door import Door
from functions.ad_request.query import ad_request_of, asked_by

PAGE = Path(__file__).parents[2] / "docs" / "mediatailor.md"
TEMPLATES = [
    "".join(block.split())
    for block in re.findall(r"```template\n(.+?)```", PAGE.read_text(), re.DOTALL)
]
LONGEST_ADDRESS = 25_000
# What MediaTailor knows by itself, and of that what it does not know when it prefetches.
SESSION = {
    "session.id": "1234567",
    "session.uuid": "e039fd39-09f0-46b2-aca9-9871cc116cde",
    "session.client_ip": "203.0.113.9",
    "session.user_agent": "Roku/DVP-12.0 (12.0.0 build 4182)",
    "session.referer": "",
}
AVAIL = {
    "session.avail_duration_ms": "90000",
    "session.avail_duration_secs": "90",
    "avail.index": "3",
    "avail.random": "4711",
    "scte.event_id": "100",
    "scte.unique_program_id": "7",
}
PLAYER = {
    "ifa": "6D92078A-8246-4BA4-AE5B-76104861E7DC",
    "ifa_type": "rida",
    "lmt": "0",
    "session_id": "session-of-the-player",
    "ip": "203.0.113.9",
    "device_type": "ctv",
    "os": "roku",
    "make": "Roku",
    "app_bundle": "com.example.news",
    "content_id": "episode-1",
    "channel": "News & more",
    "genre": "News",
    "rating": "TV-G",
    "language": "en-US",
    "country": "US",
    "gdpr": "0",
    "gdpr_consent": "",
    "gpp": "",
    "gpp_sid": "",
    "us_privacy": "1---",
    "coppa": "0",
}


def asked(template: str, known: dict[str, str]) -> AdRequest:
    """Return what we understand when MediaTailor fills in what it knows."""
    address = re.sub(r"\[([^]]+)\]", lambda match: quote(known.get(match[1], "")), template)
    assert len(address) < LONGEST_ADDRESS
    query = urlsplit(address).query
    event = {
        "rawQueryString": query,
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)),
        "headers": {},
        "requestContext": {"http": {"method": "GET", "sourceIp": "198.51.100.1"}},
    }
    return ad_request_of(asked_by(event), trusted=True, scope="org", door=Door(key=b"k" * 32))


def of_player(values: dict[str, str]) -> dict[str, str]:
    return {f"player_params.{name}": value for name, value in values.items()}


def test_there_is_a_template_for_breaks_now_and_breaks_ahead() -> None:
    assert len(TEMPLATES) == 2


@pytest.mark.parametrize("template", TEMPLATES, ids=["live", "prefetch"])
def test_every_variable_is_one_of_mediatailors(template: str) -> None:
    named = set(re.findall(r"\[([^]]+)\]", template))
    assert named <= SESSION.keys() | AVAIL.keys() | of_player(PLAYER).keys()


def test_what_is_prefetched_asks_for_nothing_of_the_session() -> None:
    assert set(re.findall(r"\[([^]]+)\]", TEMPLATES[1])).isdisjoint(SESSION)


@pytest.mark.parametrize(
    ("template", "session"), [(TEMPLATES[0], SESSION), (TEMPLATES[1], {})], ids=["live", "prefetch"]
)
def test_all_of_it_is_understood(template: str, session: dict[str, str]) -> None:
    request = asked(template, session | AVAIL | of_player(PLAYER))
    assert request.ignored == ()
    assert request.placement == "news-live"
    assert request.vast_version == "4.2"
    assert request.ad_break.duration_ms == 90_000
    assert request.ad_break.avail_index == 3
    assert request.ad_break.break_type is BreakType.MIDROLL
    assert not request.ad_break.is_length_unknown
    viewer = request.viewer
    assert None not in {viewer.session_key, viewer.device_key, viewer.household_key}
    assert (viewer.device_type, viewer.os) == ("ctv", "roku")
    assert request.content.app_bundle == "com.example.news"
    assert request.content.livestream is True


@pytest.mark.parametrize("template", TEMPLATES, ids=["live", "prefetch"])
def test_what_the_player_does_not_say_counts_as_absent(template: str) -> None:
    request = asked(template, {**AVAIL, "session.avail_duration_ms": "300000"})
    assert request.ignored == ()
    assert request.ad_break.is_length_unknown
    assert request.viewer.session_key is None
    assert request.viewer.device_key is None


@pytest.mark.parametrize("template", TEMPLATES, ids=["live", "prefetch"])
def test_variables_that_were_left_in_place_count_as_absent(template: str) -> None:
    left = {name: f"[{name}]" for name in re.findall(r"\[([^]]+)\]", template)}
    request = asked(template, left)
    assert request.ignored == ()
    assert request.ad_break.duration_ms is None
    assert request.key_values == {}


def test_the_page_says_how_long_a_prefetched_ad_is_reserved() -> None:
    (prefetch,) = re.findall(r"### Prefetch\n(.+?)\n### ", PAGE.read_text(), re.DOTALL)
    minutes = TokenSettings.from_environment().reservation_lifetime_s // 60
    said = f"`Expires` says for how long: `RESERVATION_LIFETIME_S`, {minutes} minutes unless"
    assert said in " ".join(prefetch.split())
