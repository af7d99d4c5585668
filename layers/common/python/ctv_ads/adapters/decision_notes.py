"""The form of a decision's note: JSON, as short as it goes without being a riddle.

The ad request writes it on every call, so it is made of what orjson writes fastest.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from ctv_ads.decisioning.segments.search import REACHES
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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID_BYTES = 16


def encode_note(note: DecisionNote) -> bytes:
    """Return the note as JSON."""
    document: dict[str, Any] = {
        "id": note.decision_id,
        "at": (note.decided_at - _EPOCH) // timedelta(milliseconds=1),
        "seed": note.seed,
        "snapshot": note.snapshot_version,
        "organization": note.organization_id,
        "placement": note.placement_id,
        "request": note.request,
        "form": note.form,
        "vast": note.vast_version,
        "base": note.base_url,
        "key": note.key_id,
        "lifetime_s": note.beacon_lifetime_s,
        "expires_s": note.expires_s,
        "candidates": packed_ids(note.candidates),
    }
    if note.reach:
        document["reach"] = note.reach
    if note.latency_us is not None:
        document["latency_us"] = note.latency_us
    if note.degraded is not None:
        document["degraded"] = note.degraded
    return orjson.dumps(document, default=dict)


def decode_note(blob: bytes) -> DecisionNote:
    """Return the note that `encode_note` wrote.

    Raises:
        ValueError: the blob is none.
    """
    try:
        document = orjson.loads(blob)
        return DecisionNote(
            decision_id=DecisionId(document["id"]),
            decided_at=_EPOCH + timedelta(milliseconds=document["at"]),
            seed=document["seed"],
            snapshot_version=document["snapshot"],
            organization_id=OrganizationId(document["organization"]),
            placement_id=PlacementId(document["placement"]),
            request=request_of(document["request"]),
            form=AnswerForm(document["form"]),
            vast_version=VastVersion(document["vast"]),
            base_url=document["base"],
            key_id=document["key"],
            beacon_lifetime_s=document["lifetime_s"],
            expires_s=document["expires_s"],
            candidates=tuple(unpacked_ids(document["candidates"])),
            reach=min(max(int(document.get("reach", 0)), 0), len(REACHES) - 1),
            latency_us=document.get("latency_us"),
            degraded=document.get("degraded"),
        )
    except (AttributeError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"not a decision's note: {error!r}") from error


def packed_ids(ids: Iterable[LineItemId]) -> str:
    """Return ids one behind the other, 22 characters each instead of 36."""
    raw = b"".join(map(_raw_id, ids))
    return base64.b64encode(raw).decode()


@lru_cache(maxsize=16_384)
def _raw_id(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


def unpacked_ids(packed: str) -> Sequence[LineItemId]:
    """Return the ids that `packed_ids` packed.

    Raises:
        ValueError: that is not what they are.
    """
    raw = base64.b64decode(packed, validate=True)
    if len(raw) % _ID_BYTES:
        raise ValueError("not a row of ids")
    texts = [raw[start : start + _ID_BYTES].hex() for start in range(0, len(raw), _ID_BYTES)]
    return [LineItemId(f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}") for t in texts]


def request_document(request: AdRequest) -> dict[str, Any]:
    """Return the request as JSON has it."""
    document: dict[str, Any] = orjson.loads(orjson.dumps(request, default=dict))
    return document


def request_of(document: Mapping[str, Any]) -> AdRequest:
    """Return the request that orjson wrote.

    Raises:
        KeyError, TypeError, ValueError: the document is none.
    """
    asked, privacy = document["ad_break"], document["privacy"]
    break_type = asked["break_type"]
    return AdRequest(
        **{
            **document,
            "ad_break": AdBreak(
                **{**asked, "break_type": None if break_type is None else BreakType(break_type)}
            ),
            "viewer": Viewer(**_with_tuples(document["viewer"], "segments")),
            "content": Content(**_with_tuples(document["content"], "genres")),
            "privacy": Privacy(**_with_tuples(privacy, "refusals")),
            "key_values": {name: tuple(them) for name, them in document["key_values"].items()},
            "accepted_mimes": tuple(document["accepted_mimes"]),
            "ignored": tuple(Ignored(**item) for item in document["ignored"]),
        }
    )


def _with_tuples(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**document, name: tuple(document[name])}
