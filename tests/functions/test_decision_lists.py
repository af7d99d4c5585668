"""Finding decisions among those of everybody: nothing is passed over, or it is said how far was looked."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.decision_records import ValkeyDecisionRecords
from ctv_ads.bootstrap.door import door_of, session_keys_by
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.domain.decision_record import AnswerForm, DecisionNote
from ctv_ads.domain.ids import DecisionId, OrganizationId, PlacementId
from ctv_ads.domain.placement import VastVersion
from ctv_ads.door_settings import DoorSettings
from ctv_ads.errors import InvalidRequestError
from ctv_ads.ports.decisions import DecisionFilter
from ctv_ads.web.keys import session_key
from local.valkey import ValkeyServer
from tests.builders import KEYS, NOON, a_servable_line_item
from tests.functions.conftest import Office
from tests.functions.explaining import Server, a_server
from tests.functions.test_decisions import DECISIONS, VAST, ask_list, of

NOTHING = b"\x00\x00\x00\x00\x00"
MINE, THEIRS = OrganizationId("o-mine"), OrganizationId("o-theirs")


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


def a_note(decision_id: str, organization_id: OrganizationId) -> bytes:
    return encode_note(
        DecisionNote(
            DecisionId(decision_id), NOON, 1, "v", organization_id, PlacementId("p"),
            AdRequest("p"), AnswerForm.VAST, VastVersion.V4_2, "https://x", "k1", 60, 60, (),
        )
    )  # fmt: skip


class Streams:
    """Streams that are written by hand, each entry at a time of its own choosing."""

    def __init__(self, server: Server) -> None:
        self._client = server.client

    def add(self, entry_id: str, organization_id: OrganizationId, shard: int = 0) -> str:
        at_ms = int(entry_id.partition("-")[0])
        decision_id = f"{at_ms:012x}{new_id().replace('-', '')[12:]}"
        decision_id = "-".join(decision_id[a:b] for a, b in pairwise((0, 8, 12, 16, 20, 32)))
        self.put(entry_id, decision_id, organization_id, shard)
        return decision_id

    def put(
        self, entry_id: str, decision_id: str, organization_id: OrganizationId, shard: int = 0
    ) -> None:
        fields = {"d": a_note(decision_id, organization_id), "r": NOTHING}
        self._client.xadd(f"rec:{{s{shard}}}", fields, id=entry_id)  # type: ignore[arg-type]

    def crowd(self, first_ms: int, count: int) -> None:
        pipeline = self._client.pipeline()
        note = a_note(new_id(), THEIRS)
        for number in range(count):
            pipeline.xadd(
                "rec:{s0}",
                {"d": note, "r": NOTHING},
                id=f"{first_ms + number // 100}-{number % 100 + 1}",
            )
        pipeline.execute()


def test_a_small_tenant_finds_its_decisions_behind_those_of_a_large_one(server: Server) -> None:
    streams = Streams(server)
    mine = streams.add("1000000-1", MINE)
    streams.crowd(1_000_001, 25_000)
    records = ValkeyDecisionRecords(server.connection)
    first = records.recent(DecisionFilter(MINE), limit=50)
    assert first.records == []
    assert first.next_cursor is not None
    assert first.looked_back_to is not None
    second = records.recent(DecisionFilter(MINE), limit=50, cursor=first.next_cursor)
    assert [one.note.decision_id for one in second.records] == [mine]
    assert second.next_cursor is None
    assert second.looked_back_to is not None
    assert second.looked_back_to < first.looked_back_to


def test_a_decision_is_found_in_the_middle_of_a_rush(server: Server) -> None:
    streams = Streams(server)
    streams.crowd(5_000_000, 30_000)  # 100 a millisecond
    mine = streams.add("5000300-1", MINE)
    streams.crowd(5_000_301, 30_000)
    assert ValkeyDecisionRecords(server.connection).find(DecisionId(mine), MINE) is not None


@pytest.mark.parametrize("apart_ms", [-59_000, -9_000, -900, 0, 1_900, 9_000, 59_000])
def test_clocks_may_differ_by_a_minute(server: Server, apart_ms: int) -> None:
    streams = Streams(server)
    entered_ms = 9_000_000
    made_ms = entered_ms - apart_ms
    decision_id = f"{made_ms >> 16:08x}-{made_ms & 0xFFFF:04x}-7000-8000-000000000001"
    streams.put(f"{entered_ms}-1", decision_id, MINE, shard=1)
    records = ValkeyDecisionRecords(server.connection, shards=2)
    assert records.find(DecisionId(decision_id), MINE) is not None
    assert records.find(DecisionId(decision_id), THEIRS) is None


def test_pages_go_through_all_shards_and_miss_nothing(server: Server) -> None:
    streams = Streams(server)
    added = [
        streams.add(f"{2_000_000 + at}-{number}", MINE, shard)
        for at in range(4)
        for number in (1, 2)
        for shard in range(3)
    ]
    records = ValkeyDecisionRecords(server.connection, shards=3, looked_at=5)
    seen: list[str] = []
    cursor = None
    while True:
        page = records.recent(DecisionFilter(MINE), limit=4, cursor=cursor)
        seen += [one.note.decision_id for one in page.records]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == added[::-1]


@pytest.mark.parametrize("cursor", ["", "x", "1-2", "1-2-3-4", "-1-2-3", "1-2-99999"])
def test_a_cursor_that_is_none_is_refused(server: Server, cursor: str) -> None:
    with pytest.raises(InvalidRequestError):
        ValkeyDecisionRecords(server.connection).recent(
            DecisionFilter(MINE), limit=4, cursor=cursor
        )


def test_a_list_says_how_far_it_looked(office: Office, server: Server) -> None:
    server.publish(of(office, a_servable_line_item()))
    nothing = office.send("decisions", "GET", DECISIONS).json
    assert nothing == {"items": [], "looked_back_to": None, "next_cursor": None}
    made = [server.answer(VAST)["x-decision-id"] for _ in range(3)]
    page = office.send("decisions", "GET", f"{DECISIONS}?limit=2").json
    assert [one["decision_id"] for one in page["items"]] == made[:0:-1]
    rest = office.send("decisions", "GET", f"{DECISIONS}?cursor={page['next_cursor']}").json
    assert [one["decision_id"] for one in rest["items"]] == made[:1]
    assert rest["next_cursor"] is None
    assert rest["looked_back_to"] <= page["looked_back_to"]
    wrong = office.send("decisions", "GET", f"{DECISIONS}?cursor=1")
    wrong.assert_problem(422, "invalid-request", "cursor")


def test_a_session_is_asked_for_by_its_own_name(office: Office, server: Server) -> None:
    server.publish(of(office, a_servable_line_item()))
    made = [server.answer(f"{VAST}&session_id={name}")["x-decision-id"] for name in "aba"]
    rows = ask_list(office, "?session_id=a")
    assert [row["decision_id"] for row in rows] == [made[2], made[0]]
    assert ask_list(office, "?session_id=c") == []


def test_a_session_is_known_by_the_keys_it_had_before_a_rotation() -> None:
    old = door_of(KEYS, DoorSettings())
    rotated = TokenKeys("k2", {**KEYS.keys, "k2": b"the-second-key-of-the-tests-is-32-by"})
    new = door_of(rotated, DoorSettings())
    keys = session_keys_by(rotated)("o", "evening")
    assert keys == (session_key(new.key, "o", "evening"), session_key(old.key, "o", "evening"))
