"""The form that counts of decisions have in the queue between decision plane and consumer.

`{"kind": "decisions", "id": <UUID>, "rows": [<DecidedRow>, ...]}`: the id is given by whoever
counted and makes the message count once. Standard library only: the decision plane writes it.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.ids import CreativeId, LineItemId, PlacementId, is_id
from ctv_ads.domain.reasons import NoFillReason

KIND = "decisions"
_COUNT_LIMIT = 2**40
_MAX_ROWS = 10_000
_COUNTRY, _DEVICE_TYPE = re.compile("([A-Z]{2})?"), re.compile("[a-z_]{0,32}")


def encode_decisions(counts: DecidedCounts) -> str:
    """Return the message body of counts of decisions; SQS takes up to 256 KiB."""
    rows = [row.document() for row in counts.rows]
    document = {"kind": KIND, "id": counts.message_id, "rows": rows}
    return json.dumps(document, separators=(",", ":"))


def is_decisions(body: str) -> bool:
    """Tell whether a message claims to be of this kind."""
    return body.startswith('{"kind":"decisions"')


def decode_decisions(body: str) -> DecidedCounts:
    """Return the counts of a message body.

    It is strict: one value that its column cannot hold would fail the whole batch.

    Raises:
        ValueError: the body holds no counts of decisions.
    """
    try:
        return _counts(json.loads(body))
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        reason = str(error)[:200] or type(error).__name__
        raise ValueError(f"no counts of decisions: {reason}") from error


def _counts(document: Mapping[str, Any]) -> DecidedCounts:
    if document["kind"] != KIND or not is_id(document["id"]):
        raise ValueError("kind or id is malformed")
    if len(document["rows"]) > _MAX_ROWS:
        raise ValueError("too many rows")
    return DecidedCounts(document["id"], tuple(map(_row, document["rows"])))


def _row(document: Mapping[str, Any]) -> DecidedRow:
    line_item_id, creative_id = document["line_item_id"], document["creative_id"]
    ids = (document["placement_id"], *(i for i in (line_item_id, creative_id) if i is not None))
    if not all(map(is_id, ids)) or (creative_id is not None and line_item_id is None):
        raise ValueError("an id is malformed")
    if not _COUNTRY.fullmatch(document["country"]):
        raise ValueError("country is malformed")
    if not _DEVICE_TYPE.fullmatch(document["device_type"]):
        raise ValueError("device_type is malformed")
    return DecidedRow(
        hour=_hour(document["hour"]),
        placement_id=PlacementId(document["placement_id"]),
        country=document["country"],
        device_type=document["device_type"],
        line_item_id=None if line_item_id is None else LineItemId(line_item_id),
        creative_id=None if creative_id is None else CreativeId(creative_id),
        requests=_count(document["requests"]),
        opportunities=_count(document["opportunities"]),
        no_fills=_count(document["no_fills"]),
        ads_served=_count(document["ads_served"]),
        no_fill_reasons=_reasons(document),
    )


def _reasons(document: Mapping[str, Any]) -> Mapping[NoFillReason, int]:
    # Versions before told no reasons.
    told = document.get("no_fill_reasons", {})
    reasons = {NoFillReason(name): _count(value) for name, value in told.items()}
    if reasons and sum(reasons.values()) != document["no_fills"]:
        raise ValueError("reasons do not add up to the no-fills")
    return reasons


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _COUNT_LIMIT:
        raise ValueError("a count is none, or out of range")
    return value


def _hour(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an hour lacks its zone")
    hour = moment.astimezone(UTC)
    if hour != hour.replace(minute=0, second=0, microsecond=0):
        raise ValueError("an hour is none")
    return hour
