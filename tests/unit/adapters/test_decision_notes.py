"""The note of a decision: what is written is read, and noise is refused."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.adapters.decision_notes import decode_note, encode_note
from ctv_ads.domain.ad_request import (
    AdBreak,
    AdRequest,
    BreakType,
    Content,
    Ignored,
    Privacy,
    Viewer,
)
from ctv_ads.domain.decision_record import AnswerForm, DecisionNote
from ctv_ads.domain.ids import DecisionId, LineItemId, OrganizationId, PlacementId
from ctv_ads.domain.placement import VastVersion
from tests.builders import NOON

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_MAYBE = st.none() | _TEXT
_TEXTS = st.lists(_TEXT, max_size=3).map(tuple)
_MS = st.none() | st.integers(1, 10**9)
_ID = st.uuids().map(str)

_REQUESTS = st.builds(
    AdRequest,
    placement=_TEXT,
    ad_break=st.builds(
        AdBreak,
        duration_ms=_MS,
        max_ads=_MS,
        break_type=st.none() | st.sampled_from(BreakType),
        is_length_unknown=st.booleans(),
    ),
    viewer=st.builds(Viewer, session_key=_MAYBE, country=_MAYBE, segments=_TEXTS),
    content=st.builds(Content, genres=_TEXTS, livestream=st.none() | st.booleans()),
    privacy=st.builds(
        Privacy,
        may_use_device_id=st.booleans(),
        signals=st.dictionaries(_TEXT, _TEXT, max_size=2),
        refusals=_TEXTS,
    ),
    key_values=st.dictionaries(_TEXT, _TEXTS, max_size=2),
    vast_version=_MAYBE,
    accepted_mimes=_TEXTS,
    ignored=st.lists(st.builds(Ignored, _TEXT, _TEXT), max_size=2).map(tuple),
)
_NOTES = st.builds(
    DecisionNote,
    decision_id=_ID.map(DecisionId),
    decided_at=st.integers(0, 10**10).map(lambda ms: NOON + timedelta(milliseconds=ms)),
    seed=st.integers(0, 2**32 - 1),
    snapshot_version=_TEXT,
    organization_id=_ID.map(OrganizationId),
    placement_id=_ID.map(PlacementId),
    request=_REQUESTS,
    form=st.sampled_from(AnswerForm),
    vast_version=st.sampled_from(VastVersion),
    base_url=_TEXT,
    key_id=_TEXT,
    beacon_lifetime_s=st.integers(0, 10**6),
    expires_s=st.integers(0, 10**6),
    candidates=st.lists(_ID.map(LineItemId), max_size=4).map(tuple),
    reach=st.integers(0, 2),
    latency_us=st.none() | st.integers(0, 10**6),
    degraded=_MAYBE,
)


@given(_NOTES)
def test_what_is_written_is_read(note: DecisionNote) -> None:
    assert decode_note(encode_note(note)) == note


def a_note(**changes: Any) -> bytes:
    note = DecisionNote(
        DecisionId("0193593b-0000-7000-8000-00000000000d"), NOON, 7, "v", OrganizationId("o"),
        PlacementId("p"), AdRequest("demo"), AnswerForm.VAST, VastVersion.V4_2, "https://x", "k1",
        60, 30, (),
    )  # fmt: skip
    return json.dumps(json.loads(encode_note(note)) | changes).encode()


@pytest.mark.parametrize(
    "blob",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(a_note(at="now"), id="a time that is none"),
        pytest.param(a_note(at=10**30), id="a time beyond all times"),
        pytest.param(a_note(form="smartxml"), id="an unknown form"),
        pytest.param(a_note(vast="9.9"), id="an unknown version"),
        pytest.param(a_note(candidates="AAAA"), id="ids that are none"),
        pytest.param(a_note(candidates="%"), id="ids that are no base64"),
        pytest.param(a_note(reach="far"), id="a reach that is none"),
        pytest.param(a_note(request={}), id="no request"),
        pytest.param(a_note(request={"placement": "demo"}), id="half a request"),
    ],
)
def test_what_is_no_note_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_note(blob)
