"""Handing tokens out to decisions, and taking them back: one hash per shard."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from typing import TypeVar

import redis

from ctv_ads.domain.ids import LineItemId
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.tokens import Closed, Held, NewBucket

CHUNK = 200
"""Line items in one call: so many hold up decisions for about 3 ms."""
_LIBRARY = resources.files(__package__).joinpath("grants.lua")
_REFUSED = b"!"
T = TypeVar("T")


def tokens_key(shard: int) -> str:
    """Return the key of a shard's tokens."""
    return f"tok:{{s{shard}}}"


class ValkeyTokenStore:
    """Implements `ports.TokenStore`. Loads its functions when the server does not know them."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def held(self, shard: int, line_items: Sequence[LineItemId]) -> Mapping[LineItemId, Held]:
        """Return what each line item can spend; those that hold nothing are left out."""
        found: dict[LineItemId, Held] = {}
        for chunk in _chunks(line_items):
            for line_item_id, value in zip(chunk, self._values(shard, chunk), strict=True):
                if value is not None:
                    found[line_item_id] = _held(value)
        return found

    def grant(self, shard: int, grants: Sequence[NewBucket]) -> Sequence[Closed]:
        """Replace what line items hold, and return the buckets that ended by it."""
        closed = []
        for chunk in _chunks(grants):
            arguments = [
                part for new in chunk for part in (new.line_item_id, new.bucket, new.amount)
            ]
            for new, reply in zip(
                chunk, self._call("ctv_tokens_grant", shard, arguments), strict=True
            ):
                if reply == _REFUSED:
                    closed.append(Closed(new.line_item_id, new.bucket, new.amount))
                elif reply:
                    closed.append(_closed(new.line_item_id, reply))
        return closed

    def take_back(self, shard: int, newest: Sequence[tuple[LineItemId, int]]) -> Sequence[Closed]:
        """Leave line items nothing, and refuse them buckets up to the one given from now on."""
        closed = []
        for chunk in _chunks(newest):
            arguments = [part for pair in chunk for part in pair]
            replies = self._call("ctv_tokens_take_back", shard, arguments)
            closed += [
                _closed(line_item_id, reply)
                for (line_item_id, _), reply in zip(chunk, replies, strict=True)
                if reply and reply != _REFUSED
            ]
        return closed

    def _values(self, shard: int, line_items: Sequence[LineItemId]) -> list[bytes | None]:
        def ask() -> list[bytes | None]:
            return list(self._client.hmget(tokens_key(shard), list(line_items)))  # type: ignore[arg-type]

        return _answered(ask)

    def _call(self, function: str, shard: int, arguments: Sequence[str | int]) -> list[bytes]:
        def call() -> list[bytes]:
            return list(self._client.fcall(function, 1, tokens_key(shard), *arguments))

        try:
            return _answered(call)
        except redis.ResponseError as error:
            # Valkey is new, was emptied, or another version of the product was here.
            if "function not found" not in str(error).lower():
                raise
        code = _LIBRARY.read_text()
        _answered(lambda: self._client.function_load(code, replace=True))
        return _answered(call)


def _answered(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise DependencyUnavailableError("valkey", str(error)) from error


def _held(value: bytes) -> Held:
    bucket, _, remaining = value.partition(b":")
    return Held(int(bucket), int(remaining))


def _closed(line_item_id: LineItemId, reply: bytes) -> Closed:
    held = _held(reply)
    return Closed(line_item_id, held.bucket, held.remaining)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
