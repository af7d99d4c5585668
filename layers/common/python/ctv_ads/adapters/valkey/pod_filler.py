"""Filling a break inside Valkey: one function call does all that has to be atomic.

The function's name holds a digest of its code, so that two deployments which differ do not
overwrite each other's. A restarted Valkey has lost it; it is loaded again within the request.
"""

import struct
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from zlib import crc32

from ctv_ads.adapters.valkey.pod_terms import PackedTerms, order_of_slots
from ctv_ads.adapters.valkey.resp import ConnectionLostError, RespConnection, RespError
from ctv_ads.decisioning.pod_draft import ENDLESS_MS
from ctv_ads.decisioning.pod_search import NODE_LIMIT
from ctv_ads.decisioning.pod_terms import DEVICE, HOUSEHOLD, SESSION
from ctv_ads.domain.pod import Candidate, FilledPod, Pick, PodSpec, ViewerKeys
from ctv_ads.domain.reasons import Reason
from ctv_ads.errors import DependencyUnavailableError

RECORDS_KEPT = 100_000
RECORDS_AT_MOST = 500_000

_VERDICTS = (
    Reason.CHOSEN,
    Reason.CAP_CREATIVE,
    Reason.CAP_LINE_ITEM,
    Reason.CAP_CAMPAIGN,
    Reason.CAP_ADVERTISER,
    Reason.CAP_WITHOUT_VIEWER,
    Reason.NO_TOKENS,
    Reason.SEPARATED_BY_CATEGORY,
    Reason.SEPARATED_BY_DOMAIN,
    Reason.SAME_MEDIA,
    Reason.SAME_LINE_ITEM,
    Reason.POD_HAS_NO_TIME_LEFT,
    Reason.POD_HAS_NO_SLOT_LEFT,
    Reason.POSITION_TAKEN,
    Reason.OUTRANKED,
    Reason.NO_CREATIVE_IN_FLIGHT,
)
"""As the function numbers them. Records keep these numbers: only ever add at the end."""
_HEAD = struct.Struct(">BBBH")
_PICK = struct.Struct(">BBI")
_STALE, _SHORT = 1, 2
"""What the first byte of an answer says when nothing was done."""
_NUMBERS = struct.Struct(">7I")
_LOADING_TAKES_MS = 1000
_PARTS = ("rules", "draft", "by_value", "search", "fill")


class ValkeyPodFiller:
    """Implements `ports.PodFiller`. Each shard's keys lie in one hash slot."""

    def __init__(
        self,
        connection: RespConnection,
        *,
        shards: int = 1,
        records_kept: int = RECORDS_KEPT,
        records_at_most: int = RECORDS_AT_MOST,
        node_limit: int = NODE_LIMIT,
    ) -> None:
        """Fill over `connection`.

        Each shard's stream of records is cut to about `records_kept`; what the archive has not
        carried away yet stays beyond that, up to `records_at_most`.
        """
        self._connection = connection
        self._shards = shards
        self._records_kept = records_kept
        self._records_at_most = records_at_most
        self._node_limit = node_limit
        self._terms = PackedTerms()
        self._function, self._code = library()

    def fill(  # noqa: PLR0913 - the port's
        self,
        spec: PodSpec,
        candidates: Sequence[Candidate],
        viewer: ViewerKeys,
        *,
        seed: int,
        now: datetime,
        version: str | None,
        record: bytes,
        least_more_ms: int = 0,
    ) -> FilledPod:
        """Pick, reserve, count and record in one round trip; see the port."""
        keys, kinds = viewer_keys(shard_of(viewer, seed, self._shards), viewer)
        limit_ms = ENDLESS_MS if spec.duration_ms is None else spec.duration_ms
        numbers = _NUMBERS.pack(
            limit_ms,
            spec.max_ads,
            int(now.timestamp()),
            self._node_limit,
            self._records_kept,
            self._records_at_most,
            least_more_ms,
        )
        question = (len(keys), *keys, numbers, version or b"", record, kinds)
        packed = [self._terms.pack(candidate) for candidate in candidates]
        order = b""
        if spec.duration_ms is None:
            order = order_of_slots(packed, max_ads=spec.max_ads)
        return read_outcome(self._ask(question, (order, *[one.whole for one in packed])))

    def _ask(self, question: tuple[str | bytes | int, ...], offer: tuple[bytes, ...]) -> bytes:
        try:
            return self._call(*question, b"", *offer, may_repeat=False)
        except ConnectionLostError:
            # It may have been carried out: the repeat finds its record and reserves nothing.
            return self._call(*question, b"1", *offer, may_repeat=False)

    def _call(self, *arguments: str | bytes | int, may_repeat: bool) -> bytes:
        try:
            return self._fcall(arguments, may_repeat=may_repeat)
        except RespError as error:
            if "Function not found" not in str(error):
                raise DependencyUnavailableError("valkey", str(error)) from error
        self._load()
        try:
            return self._fcall(arguments, may_repeat=may_repeat)
        except RespError as error:
            raise DependencyUnavailableError("valkey", str(error)) from error

    def _fcall(self, arguments: tuple[str | bytes | int, ...], *, may_repeat: bool) -> bytes:
        reply: bytes = self._connection.call(
            "FCALL", self._function, *arguments, may_repeat=may_repeat
        )
        return reply

    def _load(self) -> None:
        try:
            self._connection.call(
                "FUNCTION", "LOAD", "REPLACE", self._code, timeout_ms=_LOADING_TAKES_MS
            )
        except RespError as error:
            raise DependencyUnavailableError("valkey", str(error)) from error


@cache
def library() -> tuple[str, str]:
    """Return the function's name and the code of its library."""
    here = Path(__file__).parent
    code = "".join((here / f"pod_{part}.lua").read_text("utf-8") for part in _PARTS)
    name = f"ctv_fill_{sha256(code.encode()).hexdigest()[:12]}"
    return name, f"#!lua name={name}\n" + code.replace("@NAME@", name)


def shard_of(viewer: ViewerKeys, seed: int, shards: int) -> int:
    """Return the shard of a viewer; without any key it is left to chance.

    The home comes first: what is in it, devices and sessions, counts on its shard.
    """
    if shards == 1:
        return 0
    key = viewer.household or viewer.device or viewer.session
    return (seed if key is None else crc32(key.encode())) % shards


def viewer_keys(shard: int, viewer: ViewerKeys) -> tuple[list[str], str]:
    """Return the function's keys, and of which kinds those of the viewer are."""
    tag = f"{{s{shard}}}"
    keys, kinds = [f"tok:{tag}", f"rec:{tag}"], ""
    for kind, letter, key in (
        (SESSION, "s", viewer.session),
        (DEVICE, "d", viewer.device),
        (HOUSEHOLD, "h", viewer.household),
    ):
        if key is not None:
            keys.append(f"f:{tag}:{letter}:{key}")
            kinds += str(kind)
    return keys, kinds


def read_outcome(packed: bytes) -> FilledPod:
    """Return what the function answered, or what field `r` of a decision record holds."""
    undone, pick_count, verdict_count, gap_bp = _HEAD.unpack_from(packed)
    verdicts_at = _HEAD.size + pick_count * _PICK.size
    version_at = verdicts_at + verdict_count
    return FilledPod(
        tuple(Pick(*pick) for pick in _PICK.iter_unpack(packed[_HEAD.size : verdicts_at])),
        tuple([_VERDICTS[code] for code in packed[verdicts_at:version_at]]),
        gap_bp,
        packed[version_at:].decode() or None,
        undone == _STALE,
        undone == _SHORT,
    )


def pack_outcome(outcome: FilledPod) -> bytes:
    """Return what `read_outcome` reads: the outcome of a break that was filled without the function."""
    codes = bytes(map(_VERDICTS.index, outcome.verdicts))
    head = _HEAD.pack(0, len(outcome.picks), len(codes), outcome.optimality_gap_bp)
    picks = b"".join(_PICK.pack(*pick) for pick in outcome.picks)
    return head + picks + codes + (outcome.version or "").encode()
