"""Keys by which viewers are told apart: keyed hashes, apart for every organization.

`key` is the door's (`web/door.py`); without it nobody can go back from them.
"""

from functools import lru_cache
from hashlib import blake2b

_KEY_BYTES = 12
_MAX_ID = 500


def session_key(key: bytes, scope: str, session_id: str) -> str:
    """Return the key of a session; `scope` is the organization's id."""
    return _hashed(key, scope, b"session", _packed(session_id))


def device_key(key: bytes, scope: str, ifa: str) -> str:
    """Return the key of a device's advertising id, however it is capitalized."""
    return _hashed(key, scope, b"device", _packed(ifa.lower()))


def household_key(key: bytes, scope: str, network: bytes) -> str:
    """Return the key of the network that stands for a household."""
    return _hashed(key, scope, b"household", network)


def _packed(text: str) -> bytes:
    return text[:_MAX_ID].encode(errors="surrogatepass")


def _hashed(key: bytes, scope: str, kind: bytes, named: bytes) -> str:
    """Return 24 hexadecimal digits."""
    digest = _begun(key, scope, kind).copy()
    digest.update(named)
    return digest.hexdigest()


@lru_cache(maxsize=1024)
def _begun(key: bytes, scope: str, kind: bytes) -> blake2b:
    """Return the hash of what all of an organization's keys of a kind begin with."""
    return blake2b(scope.encode() + b"\0", digest_size=_KEY_BYTES, key=key, person=kind)
