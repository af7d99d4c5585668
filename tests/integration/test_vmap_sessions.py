"""A VMAP document with its ads is one session, also when it names none; on a real Valkey."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

import pytest

from ctv_ads.domain.access import Caller, Role
from ctv_ads.domain.beacon import BeaconClaims
from ctv_ads.domain.beacon_token import read_token
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import AdvertiserId, CampaignId, DecisionId, UserId
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import Separation, SeparationBy, SeparationExtent
from local.valkey import ValkeyServer
from tests.builders import KEYS, a_servable_creative, a_servable_line_item, an_inventory
from tests.functions.explaining import Server, a_server, explaining_by
from tests.pod_worlds import an_id

_IMPRESSION = re.compile(r"/t/impression/([A-Za-z0-9_-]+)")
_BREAKS = "/api/v1/vmap?placement=preroll&breaks=start,50%25,end"
APART = Separation(SeparationBy.CATEGORY, SeparationExtent.STREAM)
ONCE = FrequencyCap(1, None, CapScope.LINE_ITEM, CapKey.SESSION)


@dataclass(frozen=True, slots=True)
class Document:
    """The ads of each break that has some, and the session that their beacons name."""

    shown: list[list[str]]
    sessions: set[int]
    decisions: list[DecisionId]


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


def a_line_item(number: int, **terms: object) -> ServableLineItem:
    return a_servable_line_item(
        line_item_id=an_id(2, number),
        campaign_id=CampaignId(an_id(3, number)),
        advertiser_id=AdvertiserId(an_id(4, number)),
        price_micros=1000 - number,
        value_micros=1000 - number,
        creatives=[a_servable_creative(creative_id=an_id(1, number), media_sha256=f"{number}")],
        **terms,  # type: ignore[arg-type]
    )


def ask(server: Server, more: str = "") -> Document:
    answer = server.answer(_BREAKS + more)
    breaks = [
        [read_token(token, KEYS) for token in _IMPRESSION.findall(part)]
        for part in answer["body"].split("<vmap:AdBreak ")[1:]
    ]
    return Document(
        [[number_of(claims) for claims in ads] for ads in breaks],
        {claims.session for claims in chain(*breaks)},
        [DecisionId(text) for text in answer["x-decision-id"].split(",")],
    )


def number_of(claims: BeaconClaims) -> str:
    return f"{UUID(claims.line_item_id).int & 0xFF}"


def test_rivals_are_kept_apart_over_all_breaks_of_a_document(server: Server) -> None:
    rivals = [
        a_line_item(number, category="cars", separation=(APART,), frequency_caps=(ONCE,))
        for number in (1, 2)
    ]
    server.publish(an_inventory(*rivals, a_line_item(3, category="beer")))
    assert ask(server).shown == [["1"], ["3"], ["3"]], "1 is used up, and 2 is its rival"


def test_a_cap_of_the_session_holds_over_the_breaks_of_a_document(server: Server) -> None:
    server.publish(an_inventory(a_line_item(1, frequency_caps=(ONCE,)), a_line_item(2)))
    first, second = ask(server), ask(server)
    assert first.shown == second.shown == [["1"], ["2"], ["2"]]
    assert len(first.sessions) == len(second.sessions) == 1, "one session a document"
    assert 0 not in first.sessions | second.sessions
    assert first.sessions != second.sessions, "nothing tells that it was the same viewer"


def test_a_session_that_is_named_holds_over_documents(server: Server) -> None:
    server.publish(an_inventory(a_line_item(1, frequency_caps=(ONCE,)), a_line_item(2)))
    first, second = ask(server, "&session_id=s1"), ask(server, "&session_id=s1")
    assert (first.shown, second.shown) == ([["1"], ["2"], ["2"]], [["2"], ["2"], ["2"]])
    assert first.sessions == second.sessions


def test_each_decision_of_the_document_is_found_again(server: Server) -> None:
    inventory = an_inventory(a_line_item(1, frequency_caps=(ONCE,)), a_line_item(2))
    server.publish(inventory)
    made = ask(server)
    (organization,) = inventory.line_items
    caller = Caller(UserId(an_id(6, 1)), organization, Role.TRAFFICKER)
    explaining = explaining_by(server.connection)
    again = [explaining.replay(caller, decision) for decision in made.decisions]
    assert [one.is_same_search for one in again] == [True, True, True]
    tokens = [read_token(ad.token, KEYS) for one in again for ad in one.ads]
    assert {claims.session for claims in tokens} == made.sessions
    assert [[number_of(claims)] for claims in tokens] == made.shown
