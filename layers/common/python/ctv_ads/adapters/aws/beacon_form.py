"""The form a beacon has in the queue between collector and consumer."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ctv_ads.domain.beacon import Beacon, BeaconClaims, BeaconEvent
from ctv_ads.domain.ids import CreativeId, DecisionId, LineItemId, PlacementId, is_id
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.line_item import RateType

_SMALLINT, _BUCKET, _SESSION = 2**15, 2**32, 2**64
# Far beyond any price, and far enough below the end of a bigint for sums.
_MICROS = 2**53
_COUNTRY, _DEVICE_TYPE = re.compile("([A-Z]{2})?"), re.compile("[a-z_]{0,32}")
_MAX_TEXT = 100


def beacon_document(beacon: Beacon) -> dict[str, Any]:
    """Return a beacon as JSON has it."""
    claims = beacon.claims
    document: dict[str, Any] = {
        "event": beacon.event.value,
        "decision_id": claims.decision_id,
        "slot": claims.slot,
        "decided_at": claims.decided_at.isoformat(),
        "expires_at": claims.expires_at.isoformat(),
        "line_item_id": claims.line_item_id,
        "creative_id": claims.creative_id,
        "placement_id": claims.placement_id,
        "price_micros": claims.price_micros,
        "rate_type": claims.rate_type.value,
        "bucket": claims.bucket,
        "country": claims.country,
        "device_type": claims.device_type,
        "session": claims.session,
        "received_at": beacon.received_at.isoformat(),
        "client_network": beacon.client_network,
        "user_agent_class": beacon.user_agent_class,
        "vast_error_code": beacon.vast_error_code,
    }
    if beacon.invalid is not None:
        document["invalid"] = beacon.invalid.value
    return document


def encode_beacon(beacon: Beacon) -> str:
    """Return the message body of a beacon."""
    return json.dumps(beacon_document(beacon), separators=(",", ":"))


def decode_beacon(body: str) -> Beacon:
    """Return the beacon of a message body.

    Raises:
        ValueError: the body is no beacon.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a beacon: {str(error)[:200]}") from error
    return read_beacon(document)


def read_beacon(document: Any) -> Beacon:  # noqa: ANN401 - whatever JSON holds
    """Return the beacon that `beacon_document` wrote.

    It is strict: one value that its column cannot hold would fail the whole batch, again
    and again.

    Raises:
        ValueError: it is no beacon.
    """
    try:
        invalid = document.get("invalid")
        network, code = document["client_network"], document["vast_error_code"]
        return Beacon(
            event=BeaconEvent(document["event"]),
            claims=_claims(document),
            received_at=_moment(document["received_at"]),
            client_network=None if network is None else _plain(network),
            user_agent_class=_plain(document["user_agent_class"]),
            vast_error_code=None if code is None else _whole(code, below=_SMALLINT),
            invalid=None if invalid is None else InvalidTraffic(invalid),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"not a beacon: {str(error)[:200] or type(error).__name__}") from error


def _claims(document: Mapping[str, Any]) -> BeaconClaims:
    ids = ("decision_id", "line_item_id", "creative_id", "placement_id")
    if not all(is_id(document[name]) for name in ids):
        raise ValueError("an id is malformed")
    return BeaconClaims(
        decision_id=DecisionId(document["decision_id"]),
        slot=_whole(document["slot"], below=_SMALLINT),
        decided_at=_moment(document["decided_at"]),
        expires_at=_moment(document["expires_at"]),
        line_item_id=LineItemId(document["line_item_id"]),
        creative_id=CreativeId(document["creative_id"]),
        placement_id=PlacementId(document["placement_id"]),
        price_micros=_whole(document["price_micros"], below=_MICROS),
        # Messages of the version before these fields may still wait during a deployment.
        rate_type=RateType(document.get("rate_type", RateType.CPM)),
        bucket=_whole(document.get("bucket", 0), below=_BUCKET),
        country=_word(document.get("country", ""), _COUNTRY),
        device_type=_word(document.get("device_type", ""), _DEVICE_TYPE),
        session=_whole(document.get("session", 0), below=_SESSION),
    )


def _whole(value: object, *, below: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < below:
        raise ValueError("a number is none, or out of range")
    return value


def _plain(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT or not value.isprintable():
        raise ValueError("a text is none, too long, or not printable")
    return value


def _word(value: object, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError("a word is none of its kind")
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time lacks its zone")
    return moment.astimezone(UTC)
