"""What is remembered of a filled pod: views, sequences, rivals shown, tokens spent."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ctv_ads.decisioning.pod_draft import Placed
from ctv_ads.decisioning.pod_state import Grant, ViewerState
from ctv_ads.decisioning.pod_terms import (
    CREATIVE,
    SEQUENCE_LIFETIME_S,
    SESSION,
    SESSION_LIFETIME_S,
    STREAM,
)
from ctv_ads.decisioning.viewer_history import (
    SHOWN,
    SHOWN_APART,
    after_place,
    with_meta,
    with_rivals,
    with_views,
)

Written = dict[int, dict[bytes, bytes]]


class Remembered(NamedTuple):
    """The hashes that changed with all their fields, and the grants of who spent."""

    hashes: Mapping[int, Mapping[bytes, bytes]]
    grants: Mapping[bytes, Grant]


def count_pod(order: Sequence[Placed], state: ViewerState, *, now_s: int) -> Remembered:
    """Return what is different after the ads of `order` are shown."""
    written: Written = {}
    _count_views(order, state, written, now_s)
    for placed in order:
        _count_sequence(placed, state, written, now_s)
    _count_rivals(order, state, written, now_s)
    return Remembered(
        {key: with_meta(state.hashes[key], new, now_s)[0] for key, new in written.items()},
        dict(_spend(placed, state) for placed in order if placed.terms.spends_micros),
    )


def _spend(placed: Placed, state: ViewerState) -> tuple[bytes, Grant]:
    token = placed.terms.line_item.token
    grant = state.grants[token]
    return token, Grant(grant.bucket, grant.remaining_micros - placed.terms.spends_micros)


class _Views(NamedTuple):
    ads: frozenset[int]
    keep: int
    lifetime_s: int


def _count_views(order: Sequence[Placed], state: ViewerState, written: Written, now_s: int) -> None:
    counted: dict[tuple[int, bytes], _Views] = {}
    for placed in order:
        for counter in placed.terms.line_item.counters:
            key = state.key_for(counter.key)
            if key is None:
                continue
            field = placed.media.field if counter.scope == CREATIVE else counter.field
            known = counted.get((key, field), _Views(frozenset(), 0, 0))
            counted[key, field] = _Views(
                known.ads | {placed.candidate},
                max(known.keep, counter.keep),
                max(known.lifetime_s, counter.lifetime_s),
            )
    for (key, field), views in counted.items():
        value = state.hashes[key].get(field)
        written.setdefault(key, {})[field] = with_views(
            value, len(views.ads), views.keep, views.lifetime_s, now_s
        )


def _count_sequence(placed: Placed, state: ViewerState, written: Written, now_s: int) -> None:
    terms, key = placed.terms.line_item, state.sequence_key()
    if terms.sequence and key is not None:
        place = terms.turns.index(placed.media.field)
        value = after_place(place, SEQUENCE_LIFETIME_S, now_s)
        written.setdefault(key, {})[terms.sequence] = value


def _count_rivals(
    order: Sequence[Placed], state: ViewerState, written: Written, now_s: int
) -> None:
    shown: dict[bytes, list[bytes]] = {SHOWN: [], SHOWN_APART: []}
    for line_item in (placed.terms.line_item for placed in order):
        for rival, extent in (
            (line_item.category, line_item.category_extent),
            (line_item.domain, line_item.domain_extent),
        ):
            if rival:
                shown[SHOWN].append(rival)
            if rival and extent == STREAM:
                shown[SHOWN_APART].append(rival)
    if SESSION not in state.hashes:
        return
    for field, rivals in shown.items():
        if rivals:
            value = state.hashes[SESSION].get(field)
            written.setdefault(SESSION, {})[field] = with_rivals(
                value, rivals, SESSION_LIFETIME_S, now_s
            )
