"""Breaks that the first candidates cannot fill: more are looked for, and all is explained."""

from collections import Counter
from collections.abc import Iterator

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import AdvertiserId
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import Separation, SeparationBy, SeparationExtent
from local.valkey import ValkeyServer
from tests.builders import a_servable_creative, a_servable_line_item, an_inventory
from tests.functions.conftest import Office
from tests.functions.explaining import Server, a_server

VAST = "/api/v1/vast?placement=preroll"
ONCE = (FrequencyCap(1, 86_400_000, CapScope.LINE_ITEM, CapKey.SESSION),)


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


def publish(office: Office, server: Server, *line_items: ServableLineItem) -> None:
    server.publish(an_inventory(*line_items, organization_id=office.tenant.organization_id))


def questions_of(server: Server, path: str) -> tuple[dict[str, str], int]:
    """Return an answer, and how often the pod filler was asked for it."""
    server.client.config_resetstat()
    answer = dict(server.answer(path))
    stats = server.client.info("commandstats")
    return answer, int(stats["cmdstat_fcall"]["calls"])


def explained(office: Office, decision_id: str) -> list[tuple[str, str]]:
    found = office.send("decisions", "GET", f"/api/v1/decisions/{decision_id}")
    return [(one["line_item_id"], one["verdict"]["name"]) for one in found.json["candidates"]]


def test_a_pod_is_filled_from_one_advertiser_if_nobody_else_is_there(
    office: Office, server: Server
) -> None:
    only = AdvertiserId(new_id())
    publish(office, server, *(a_servable_line_item(advertiser_id=only) for _ in range(12)))
    server.answer(VAST)
    for slots, needed in ((2, 1), (8, 2), (12, 3)):
        answer, questions = questions_of(server, f"{VAST}&max_ads={slots}")
        assert (answer["body"].count("<Ad "), questions) == (slots, needed)
        verdicts = Counter(verdict for _, verdict in explained(office, answer["x-decision-id"]))
        assert verdicts["chosen"] == slots


def test_ten_minutes_are_filled_to_the_end(office: Office, server: Server) -> None:
    publish(office, server, *(a_servable_line_item() for _ in range(45)))
    server.answer(VAST)
    answer, questions = questions_of(server, f"{VAST}&duration_ms=600000")
    assert (answer["body"].count("<Ad "), questions) == (40, 2)


def test_a_hundred_ads_are_as_many_as_may_be_asked_for(office: Office, server: Server) -> None:
    publish(office, server, *(a_servable_line_item() for _ in range(120)))
    server.answer(VAST)
    answer, _ = questions_of(server, f"{VAST}&max_ads=100")
    assert answer["body"].count("<Ad ") == 100


def test_a_full_pod_takes_one_question(office: Office, server: Server) -> None:
    publish(office, server, *(a_servable_line_item() for _ in range(40)))
    server.answer(VAST)
    for path in (VAST, f"{VAST}&duration_ms=60000", f"{VAST}&max_ads=9"):
        assert questions_of(server, path)[1] == 1


def test_a_pod_that_nobody_else_could_fill_takes_one_question(
    office: Office, server: Server
) -> None:
    publish(office, server, *(a_servable_line_item() for _ in range(3)))
    server.answer(VAST)
    answer, questions = questions_of(server, f"{VAST}&duration_ms=120000")
    assert (answer["body"].count("<Ad "), questions) == (3, 1)


def test_who_has_seen_the_first_ones_gets_the_next(office: Office, server: Server) -> None:
    publish(office, server, *(a_servable_line_item(frequency_caps=ONCE) for _ in range(90)))
    seen: set[str] = set()
    for _ in range(90):
        answer = server.answer(f"{VAST}&session_id=evening")
        seen |= {
            line_item_id
            for line_item_id, verdict in explained(office, answer["x-decision-id"])
            if verdict == "chosen"
        }
    assert len(seen) == 90
    last = server.answer(f"{VAST}&session_id=evening")
    assert last["x-no-fill-reason"] == "frequency_capped"


def test_rivals_at_the_front_do_not_keep_a_break_empty(office: Office, server: Server) -> None:
    rule = (Separation(SeparationBy.CATEGORY, SeparationExtent.POD),)
    rivals = [a_servable_line_item(priority=4, category="1001", separation=rule) for _ in range(30)]
    publish(office, server, *rivals, *(a_servable_line_item() for _ in range(3)))
    answer = server.answer(f"{VAST}&duration_ms=60000")
    assert answer["body"].count("<Ad ") == 4


def test_who_has_no_tokens_is_not_offered_again(office: Office, server: Server) -> None:
    only = AdvertiserId(new_id())
    poor = [a_servable_line_item(priority=4, advertiser_id=only) for _ in range(2)]
    publish(office, server, *poor, *(a_servable_line_item(advertiser_id=only) for _ in range(2)))
    for line_item in poor:
        server.grant(line_item.line_item_id, 0)
    answer = server.answer(f"{VAST}&max_ads=2")
    assert answer["body"].count("<Ad ") == 2
    assert {verdict for _, verdict in explained(office, answer["x-decision-id"])} == {"chosen"}


def test_a_decision_that_went_far_is_made_again_to_the_byte(office: Office, server: Server) -> None:
    only = AdvertiserId(new_id())
    films = [a_servable_creative(), a_servable_creative()]
    several = [a_servable_line_item(advertiser_id=only, creatives=films) for _ in range(8)]
    publish(office, server, *several)
    answer = server.answer(f"{VAST}&duration_ms=60000&session_id=s")
    found = office.send(
        "decisions", "POST", f"/api/v1/decisions/{answer['x-decision-id']}/replay"
    ).json
    assert found["answer"] == answer["body"]
    assert found["same_candidates"] is True
    supposed = office.send(
        "decisions",
        "POST",
        f"/api/v1/decisions/{answer['x-decision-id']}/what-if",
        body={"changes": {"ad_break.duration_ms": 45_000}},
    )
    assert len(supposed.json["pod"]) == 3
