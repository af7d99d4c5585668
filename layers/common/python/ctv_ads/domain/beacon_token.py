"""Signed beacon tokens: about 170 characters that say what was decided and cannot be forged.

Layout before base64url without padding: version (1 byte), key id length (1) and key id,
the claims as `_CLAIMS`, and the first 16 bytes of HMAC-SHA256 over all that.
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ctv_ads.domain.beacon import BeaconClaims
from ctv_ads.domain.ids import CreativeId, DecisionId, LineItemId, PlacementId
from ctv_ads.domain.line_item import RateType

_VERSION = 2
_SIGNATURE_BYTES = 16
_LEAST_KEY_BYTES = 32
_KEY_ID = re.compile("[A-Za-z0-9]{1,8}")
# decision, line item, creative, placement; slot; decided at (ms); lifetime (s); price (micros);
# bucket; session; country; rate type; device type
_CLAIMS = struct.Struct(">16s16s16s16sBQIQIQ2sBB")
# By number in the token: only ever add at the end.
_RATE_TYPES = (RateType.CPM, RateType.CPCV, RateType.FLAT)
_DEVICE_TYPES = ("", "ctv", "connected_device", "set_top_box", "phone", "tablet", "pc")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class BadTokenError(ValueError):
    """The token is not one of ours: malformed, forged, or of a key that is no longer valid."""


class UnknownKeyError(BadTokenError):
    """The token is well-formed and names a key that is not among the keys; it may be a newer one."""


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """The keys that sign and check tokens, by key id; `current` signs."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def from_secret(cls, secret: Mapping[str, str]) -> "TokenKeys":
        """Read keys from their secret: `{"current": "k1", "k1": "…", "k0": "…"}`.

        Raises:
            ValueError: there is no current key, a key is shorter than 32 characters, or an id
                is not 1 to 8 letters and digits. A former key checks tokens too, so a weak
                one would let anybody sign.
        """
        current = secret.get("current", "")
        keys = {key_id: text.encode() for key_id, text in secret.items() if key_id != "current"}
        if current not in keys or not all(map(_KEY_ID.fullmatch, keys)):
            raise ValueError("the secret needs a current key, and ids of 1 to 8 letters and digits")
        if min(map(len, keys.values())) < _LEAST_KEY_BYTES:
            raise ValueError(f"the secret needs keys of at least {_LEAST_KEY_BYTES} characters")
        return cls(current, keys)


@lru_cache(maxsize=16_384)
def _pack_id(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


@lru_cache(maxsize=64)
def _pack_times(decided_at: datetime, expires_at: datetime) -> tuple[int, int]:
    """Return milliseconds since 1970 and seconds of life; the same for all ads of a pod."""
    return (
        (decided_at - _EPOCH) // timedelta(milliseconds=1),
        (expires_at - decided_at) // timedelta(seconds=1),
    )


@lru_cache(maxsize=16)
def _head(key_id: str) -> bytes:
    return bytes((_VERSION, len(key_id))) + key_id.encode()


def _unpack_id(raw: bytes) -> str:
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _sign(payload: bytes, key: bytes) -> bytes:
    return hmac.digest(key, payload, hashlib.sha256)[:_SIGNATURE_BYTES]


def issue_token(claims: BeaconClaims, keys: TokenKeys) -> str:
    """Return the token that says `claims`, signed with the current key."""
    decided_ms, lifetime_s = _pack_times(claims.decided_at, claims.expires_at)
    payload = _head(keys.current) + _CLAIMS.pack(
        _pack_id(claims.decision_id),
        _pack_id(claims.line_item_id),
        _pack_id(claims.creative_id),
        _pack_id(claims.placement_id),
        claims.slot,
        decided_ms,
        lifetime_s,
        claims.price_micros,
        claims.bucket,
        claims.session,
        claims.country.encode("ascii"),
        _RATE_TYPES.index(claims.rate_type),
        _DEVICE_TYPES.index(claims.device_type),
    )
    return _encoded(payload + _sign(payload, keys.keys[keys.current]))


def _encoded(raw: bytes) -> str:
    """Return base64url without padding; `base64` does the same in twice the time."""
    return binascii.b2a_base64(raw, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


def read_token(token: str, keys: TokenKeys) -> BeaconClaims:
    """Return what a token says, after checking its signature. Expiry is the caller's to judge.

    Raises:
        UnknownKeyError: it names a key that is not among `keys`.
        BadTokenError: it is malformed or forged.
    """
    payload, signature, key_id = _split(token)
    key = keys.keys.get(key_id)
    if key is None:
        raise UnknownKeyError("the key is not known")
    if not hmac.compare_digest(signature, _sign(payload, key)):
        raise BadTokenError("the signature does not fit")
    return _claims(payload[2 + len(key_id) :])


def _claims(packed: bytes) -> BeaconClaims:
    fields = _CLAIMS.unpack(packed)
    decision, line_item, creative, placement, slot, decided_ms, lifetime_s, price_micros = fields[
        :8
    ]
    bucket, session, country, rate_type, device_type = fields[8:]
    decided_at = _EPOCH + timedelta(milliseconds=decided_ms)
    return BeaconClaims(
        decision_id=DecisionId(_unpack_id(decision)),
        slot=slot,
        decided_at=decided_at,
        expires_at=decided_at + timedelta(seconds=lifetime_s),
        line_item_id=LineItemId(_unpack_id(line_item)),
        creative_id=CreativeId(_unpack_id(creative)),
        placement_id=PlacementId(_unpack_id(placement)),
        price_micros=price_micros,
        rate_type=_RATE_TYPES[rate_type],
        bucket=bucket,
        country=country.rstrip(b"\0").decode("ascii"),
        device_type=_DEVICE_TYPES[device_type],
        session=session,
    )


def _split(token: str) -> tuple[bytes, bytes, str]:
    """Return payload, signature and key id of a token whose outer form is right."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadTokenError("not base64url") from error
    # One spelling for one token: b64decode would also take more padding, or idle last bits.
    if _encoded(raw) != token:
        raise BadTokenError("not base64url as we write it")
    if len(raw) < 2 or raw[0] != _VERSION:
        raise BadTokenError("not a token of this version")
    if len(raw) != 2 + raw[1] + _CLAIMS.size + _SIGNATURE_BYTES:
        raise BadTokenError("wrong length")
    return raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:], raw[2 : 2 + raw[1]].decode("latin-1")
