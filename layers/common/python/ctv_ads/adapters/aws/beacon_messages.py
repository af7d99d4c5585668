"""The beacons of one call as one queue message, so that all of them are taken or none.

One beacon is `encode_beacon`'s JSON object; several are a JSON list of such objects, deflated,
because 500 of them as text would pass SQS's limit of 256 KiB. Forged ones have no claims, so they
are one object with their number.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ctv_ads.adapters.aws.beacon_form import beacon_document, decode_beacon, read_beacon
from ctv_ads.domain.beacon import MAX_BEACONS_OF_A_CALL, Beacon, ForgedBeacon

_DEFLATED = "z:"
_MAX_JSON_BYTES = 4 * 1024 * 1024


def encode_message(beacons: Sequence[Beacon | ForgedBeacon]) -> str:
    """Return the message body of one call's beacons, at least one."""
    documents = [_document(beacon) for beacon in beacons]
    if len(documents) == 1:
        return json.dumps(documents[0], separators=(",", ":"))
    packed = zlib.compress(json.dumps(documents, separators=(",", ":")).encode(), level=6)
    return _DEFLATED + base64.b64encode(packed).decode()


def decode_message(body: str) -> Sequence[Beacon | ForgedBeacon]:
    """Return the beacons of a message body.

    Raises:
        ValueError: the body holds something that is no beacon; none of it is returned.
    """
    if not body.startswith(_DEFLATED):
        return (_read(body),)
    try:
        inflater = zlib.decompressobj()
        text = inflater.decompress(
            base64.b64decode(body.removeprefix(_DEFLATED), validate=True), _MAX_JSON_BYTES
        )
        documents = json.loads(text)
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        raise ValueError(f"not a batch of beacons: {str(error)[:200]}") from error
    if not isinstance(documents, list):
        raise ValueError("not a batch of beacons: no list")  # noqa: TRY004 - the message's fault
    if len(documents) > MAX_BEACONS_OF_A_CALL:
        raise ValueError(f"not a batch of beacons: {len(documents)} are more than a call may hold")
    return tuple(_of(document) for document in documents)


def _document(beacon: Beacon | ForgedBeacon) -> dict[str, Any]:
    if isinstance(beacon, Beacon):
        return beacon_document(beacon)
    return {
        "forged": True,
        "received_at": beacon.received_at.isoformat(),
        "client_network": beacon.client_network,
        "user_agent_class": beacon.user_agent_class,
        "beacons": beacon.beacons,
    }


def _read(body: str) -> Beacon | ForgedBeacon:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return decode_beacon(body)  # says what is wrong
    return _of(document)


def _of(document: Any) -> Beacon | ForgedBeacon:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(document, dict) or document.get("forged") is not True:
        return read_beacon(document)
    try:
        received_at = datetime.fromisoformat(document["received_at"])
        network, agent = document["client_network"], document["user_agent_class"]
        beacons = document.get("beacons", 1)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a beacon: {error}") from error
    texts_fit = all(
        isinstance(text, str) and len(text) <= 100 and text.isprintable()
        for text in (network or "", agent)
    )
    is_number = type(beacons) is int and 1 <= beacons <= MAX_BEACONS_OF_A_CALL
    if received_at.tzinfo is None or not texts_fit or not is_number:
        raise ValueError("not a beacon: a forged one with malformed fields")
    return ForgedBeacon(received_at, network, agent, beacons)
