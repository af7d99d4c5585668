"""What is remembered of a viewer, byte for byte as it is stored: one hash per key.

Every field but `META` holds 4 bytes of lifetime in seconds, a body, and 4 bytes of the time of
the newest ad, in seconds since 1970; numbers are big-endian. The body of a counter is the times
of the older ads, that of a sequence what is due, that of a list of rivals 8 bytes for
each. A field is over when its newest ad is older than its lifetime; a clock that runs fast or
slow by `GRACE_S` neither revives nor ends it. Times of the future count.
"""

import struct
from collections.abc import Iterator, Mapping

from ctv_ads.decisioning.pod_terms import CapTerms

GRACE_S = 120
META = b"m"
"""When the hash expires, and when it is swept next: 4 bytes each."""
SHOWN = b"za"
"""Categories and domains shown in the session."""
SHOWN_APART = b"zr"
"""Those of them that were shown under a rule of separation for the whole session."""
SWEEP_EVERY_S = 24 * 3600
RIVALS_KEPT = 1024
"""Those shown last, each once: as many as a hundred breaks of five ads can show."""
_NEWEST = 512
"""Those of them that stay where they are when they are shown again: moving costs more than it gives."""

Fields = Mapping[bytes, bytes]

_NUMBER_BYTES = 4
_RIVAL_BYTES = 8


def alive(value: bytes | None, now_s: int) -> bytes | None:
    """Return `value` unless it is over."""
    if value is None or _number(value, -4) + _number(value, 0) + GRACE_S < now_s:
        return None
    return value


def is_reached(cap: CapTerms, value: bytes | None, already: int, now_s: int) -> bool:
    """Tell whether one more view would break `cap`, after `already` views in this break.

    Whole seconds round against the viewer: a view counts for up to a second too long.
    """
    wanted = cap.limit - already
    if wanted <= 0:
        return True
    value = alive(value, now_s)
    if value is None or len(value) < _NUMBER_BYTES * (wanted + 1):
        return False
    return cap.window_s == 0 or _number(value, -_NUMBER_BYTES * wanted) >= now_s - cap.window_s


def with_views(value: bytes | None, views: int, keep: int, lifetime_s: int, now_s: int) -> bytes:
    """Return a counter after `views` more, with at least the newest `keep` times."""
    value = alive(value, now_s)
    times = [] if value is None else list(_numbers(value))
    lifetime_s = max(lifetime_s, times.pop(0)) if times else lifetime_s
    keep = max(keep, len(times))
    times = sorted(times + [now_s] * views)[-keep:]
    return struct.pack(f">{len(times) + 1}I", lifetime_s, *times)


def due_in_sequence(value: bytes | None, now_s: int) -> int:
    """Return which place of a sequence is due; it goes around, so the count of ads says the same."""
    value = alive(value, now_s)
    return 0 if value is None else _number(value, _NUMBER_BYTES)


def after_place(place: int, lifetime_s: int, now_s: int) -> bytes:
    """Return a sequence's field once that place of it was shown."""
    return struct.pack(">3I", lifetime_s, place + 1, now_s)


def has_rival(value: bytes | None, rival: bytes, now_s: int) -> bool:
    """Tell whether a list of rivals names `rival`."""
    return rival in _rivals(value, now_s)


def with_rivals(value: bytes | None, shown: list[bytes], lifetime_s: int, now_s: int) -> bytes:
    """Return a list of rivals with `shown` at its end, the oldest left out beyond the limit."""
    old = _rivals(value, now_s)
    newest = set(old[-_NEWEST:])
    new = dict.fromkeys(rival for rival in shown if rival not in newest)
    body = b"".join([*(rival for rival in old if rival not in new), *new][-RIVALS_KEPT:])
    return struct.pack(">I", lifetime_s) + body + struct.pack(">I", now_s)


def _rivals(value: bytes | None, now_s: int) -> list[bytes]:
    value = alive(value, now_s)
    body = b"" if value is None else value[_NUMBER_BYTES:-_NUMBER_BYTES]
    return [body[at : at + _RIVAL_BYTES] for at in range(0, len(body), _RIVAL_BYTES)]


def with_meta(
    fields: Fields, written: Mapping[bytes, bytes], now_s: int
) -> tuple[dict[bytes, bytes], int | None]:
    """Return all fields after `written` is written, and in how many seconds the hash expires.

    None leaves its expiry as it is. It is set somewhat late, so that it need not be each time.
    Once a day, what is over is dropped.
    """
    expires_at, sweep_at = struct.unpack(">2I", fields[META]) if META in fields else (0, 0)
    after = dict(fields)
    if sweep_at <= now_s:
        after = {name: value for name, value in fields.items() if _is_kept(name, value, now_s)}
    after.update(written)
    lifetime_s = max(_number(value, 0) for value in written.values())
    expires_in_s = None
    if now_s + lifetime_s + GRACE_S > expires_at:
        expires_in_s = lifetime_s + lifetime_s // 8 + 2 * GRACE_S
        expires_at = now_s + expires_in_s
    if sweep_at <= now_s:
        sweep_at = now_s + SWEEP_EVERY_S
    after[META] = struct.pack(">2I", expires_at, sweep_at)
    return after, expires_in_s


def _is_kept(name: bytes, value: bytes, now_s: int) -> bool:
    return name == META or alive(value, now_s) is not None


def _number(value: bytes, at: int) -> int:
    at = at if at >= 0 else len(value) + at
    return int.from_bytes(value[at : at + _NUMBER_BYTES])


def _numbers(value: bytes) -> Iterator[int]:
    return iter(struct.unpack(f">{len(value) // _NUMBER_BYTES}I", value))
