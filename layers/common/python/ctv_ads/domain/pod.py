"""Pods: what competes for a break, and what came of it.

What is made dozens of times a request is a named tuple: it is made in a third of the time.
"""

from typing import NamedTuple

from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.reasons import Reason


class PodSpec(NamedTuple):
    """What may be filled. `duration_ms` None sets no limit but the number of ads."""

    duration_ms: int | None
    max_ads: int


class ViewerKeys(NamedTuple):
    """By what views are counted. All are hashes; None is not known or not allowed."""

    session: str | None = None
    device: str | None = None
    household: str | None = None


class Candidate(NamedTuple):
    """A line item that may serve this break, in rank order, with the creatives that fit.

    `creatives` stand in the order in which its rotation wants them tried; of a sequential
    rotation they stand in sequence, and what the viewer saw last says where to begin.
    `spends_micros` is what it takes from the line item's tokens; 0 needs none.
    """

    line_item: ServableLineItem
    creatives: tuple[ServableCreative, ...]
    spends_micros: int


class Pick(NamedTuple):
    """One slot of the pod: positions in the list of candidates and in its creatives.

    `bucket` names the grant that pays for it (`0`: nothing to pay).
    """

    candidate: int
    creative: int
    bucket: int


class FilledPod(NamedTuple):
    """The outcome: picks in play order, and one verdict for each candidate.

    `optimality_gap_bp` is how much more than this pod the best one of these candidates could be
    worth at most, in basis points of that bound; 0 is proved optimal among them.
    `version` is the inventory's version in force when it was filled. When `is_stale`, the
    caller decided on another version, nothing was picked or counted, and it should reload. When
    `is_short`, there was room left and the caller had said that it has more to offer: nothing
    was picked or counted either, and the verdicts are those that it would have had.
    """

    picks: tuple[Pick, ...]
    verdicts: tuple[Reason, ...]
    optimality_gap_bp: int = 0
    version: str | None = None
    is_stale: bool = False
    is_short: bool = False
