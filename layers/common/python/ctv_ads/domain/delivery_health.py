"""Whether a line item delivers, and if not, why: from what is known, never from guesses.

Pure. What is booked, what the pacing controller saw, what recent decisions said and what a search
of the inventory in force says come in as evidence; each part may be missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.pacing import LimitedBy
from ctv_ads.domain.reasons import Reason
from ctv_ads.domain.remark import Remark

MOST_CAUSES = 5
"""Causes that are told of decisions, and of the search, the most frequent first."""
_AHEAD_TENTHS = 11
"""More than eleven tenths of what is due is ahead."""


class Health(StrEnum):
    """The answer in one word."""

    ON_TRACK = "on_track"
    BEHIND = "behind"
    AHEAD = "ahead"
    LIMITED = "limited"
    """A budget or a goal is used up, or the day's share of it."""
    NOT_DELIVERING = "not_delivering"
    UNKNOWN = "unknown"
    """Nothing is known that would tell."""


class Source(StrEnum):
    """Who says so."""

    BOOKING = "booking"
    """What is booked: nothing else has to be looked at."""
    PACING = "pacing"
    """The pacing controller's last look."""
    DECISIONS = "decisions"
    """Verdicts of recent decisions in which it was a candidate."""
    INVENTORY = "inventory"
    """A search of the inventory in force for what was asked for recently."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that keeps a line item from delivering.

    `code` is a remark's of activation, a limit's of pacing, or a reason's of decisions. `times`
    of `of` decisions or requests met it; both are 1 where it simply is so.
    """

    source: Source
    code: str
    message: str
    fix: str
    times: int = 1
    of: int = 1


@dataclass(frozen=True, slots=True)
class DeliveryStanding:
    """A line item as the pacing controller last saw it, at `observed_at`.

    Amounts are tokens: micros, or impressions of a line item that costs nothing. `urgency` is
    how much of what is due is missing, in ninths; `reserved` is as of now.
    """

    line_item_id: LineItemId
    due: int
    delivered: int
    reserved: int
    urgency: int
    limited_by: LimitedBy
    has_tokens: bool
    """Whether a grant of it is open; what of it is left only decisions know."""
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one line item.

    `obstacles` are of its booking. `verdicts` count recent decisions in which it was a
    candidate, `removals` why it was none for `searched` recent requests; None is not known.
    """

    obstacles: Sequence[Remark] = ()
    standing: DeliveryStanding | None = None
    is_published: bool | None = None
    verdicts: Mapping[Reason, int] | None = None
    removals: Mapping[Reason, int] | None = None
    searched: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer with what it rests on; causes of nothing when all is well."""

    health: Health
    causes: tuple[Cause, ...] = field(default=())


def judge(known: Evidence) -> Verdict:
    """Return whether the line item delivers, and what keeps it from doing so."""
    if known.obstacles:
        is_spent = all(one.code in _SPENT for one in known.obstacles)
        health = Health.LIMITED if is_spent else Health.NOT_DELIVERING
        return Verdict(health, tuple(_of_booking(one) for one in known.obstacles))
    if known.is_published is False:
        return Verdict(Health.NOT_DELIVERING, (_NOT_PUBLISHED,))
    standing = known.standing
    if standing and standing.limited_by not in _NO_LIMITS:
        return Verdict(Health.LIMITED, (_of_limit(standing.limited_by),))
    paced = _of_standing(standing) if standing else None
    return _beside_decisions(known, paced)


def _beside_decisions(known: Evidence, paced: Health | None) -> Verdict:
    """Return what recent decisions make of the answer that pacing gives."""
    health = paced
    if health not in {Health.ON_TRACK, Health.AHEAD} and _seen(known):
        if not (known.verdicts or {}).get(Reason.CHOSEN):
            health = Health.NOT_DELIVERING
        elif health is None:
            health = Health.ON_TRACK
    if health in {Health.ON_TRACK, Health.AHEAD}:
        return Verdict(health)
    return Verdict(health or Health.UNKNOWN, _causes(known))


_NO_LIMITS = frozenset({LimitedBy.NOTHING, LimitedBy.PACING})
_SPENT = frozenset({"budget_too_small", "campaign_budget_too_small"})
"""Remarks of `domain/activation.py` that tell of money."""


def _of_standing(standing: DeliveryStanding) -> Health | None:
    """Return what pacing says, None where it spreads nothing over time."""
    if standing.urgency:
        return Health.BEHIND if standing.delivered else Health.NOT_DELIVERING
    if not standing.due:
        return None
    if standing.delivered * 10 > standing.due * _AHEAD_TENTHS:
        return Health.AHEAD
    return Health.ON_TRACK


def _seen(known: Evidence) -> bool:
    """Tell whether anybody has asked for ads lately."""
    return bool(known.verdicts) or known.searched > 0


def _causes(known: Evidence) -> tuple[Cause, ...]:
    if not _seen(known):
        is_read = known.verdicts is not None and known.removals is not None
        return (_NOT_ASKED if is_read else _NOT_READ,)
    verdicts = dict(known.verdicts or {})
    decided = sum(verdicts.values())
    verdicts.pop(Reason.CHOSEN, None)
    return (
        *_of_reasons(Source.DECISIONS, verdicts, decided),
        *_of_reasons(Source.INVENTORY, known.removals or {}, known.searched),
    )


def _of_reasons(source: Source, counts: Mapping[Reason, int], of: int) -> list[Cause]:
    most_first = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        Cause(source, reason.wire_name, *_WORDS[reason], times, of)
        for reason, times in most_first[:MOST_CAUSES]
    ]


def _of_booking(obstacle: Remark) -> Cause:
    return Cause(Source.BOOKING, obstacle.code, obstacle.message, "Change the booking accordingly.")


def _of_limit(limit: LimitedBy) -> Cause:
    return Cause(Source.PACING, limit.value, *_LIMITS[limit])


_NOT_PUBLISHED = Cause(
    Source.INVENTORY,
    "not_published",
    "It is not in the inventory that decisions are made on.",
    "Wait a minute after a change; if it stays so, see whether publication fails.",
)
_NOT_ASKED = Cause(
    Source.DECISIONS,
    "no_requests",
    "No ad has been asked for recently.",
    "See whether players and stitchers send ad requests for your placements.",
)
_NOT_READ = Cause(
    Source.DECISIONS,
    "not_known",
    "Recent decisions or the inventory in force cannot be read, so why is not known.",
    "Ask again later.",
)
_LIMITS: Mapping[LimitedBy, tuple[str, str]] = {
    LimitedBy.DAY: ("The day's budget is used up.", "Raise the daily budget, or wait a day."),
    LimitedBy.GOAL: ("The goal is reached.", "Raise the goal if more is wanted."),
    LimitedBy.LINE_ITEM: ("The line item's budget is used up.", "Raise its budget."),
    LimitedBy.CAMPAIGN: (
        "The campaign's budget is used up, or reserved for ads on their way.",
        "Raise the campaign's budget.",
    ),
}
_TARGET = "Widen the targeting by {0}, or see whether requests name it."
_WIDEN = {
    reason: (f"Requests do not match its targeting by {name}.", _TARGET.format(name))
    for reason in Reason
    if reason // 100 == 1
    for name in [reason.wire_name.replace("_", " ")]
}
_CAP = "Loosen the frequency cap, or reach more viewers by wider targeting."
_SEPARATION = "Loosen the separation, or book other breaks."
_RANK = "Raise the priority or the rate."
_WORDS: Mapping[Reason, tuple[str, str]] = {
    **_WIDEN,
    Reason.NOT_IN_FLIGHT: ("It is outside its flight.", "Change the flight."),
    Reason.OUTSIDE_DAYPART: ("It is outside its dayparts.", "Widen the dayparts."),
    Reason.BLOCKED_CATEGORY: (
        "The placement blocks the advertiser's category.",
        "Book other placements, or ask the publisher.",
    ),
    Reason.BLOCKED_DOMAIN: (
        "The placement blocks the advertiser's domain.",
        "Book other placements, or ask the publisher.",
    ),
    Reason.BELOW_FLOOR: ("It is worth less than the placement's floor.", "Raise the rate."),
    Reason.OUTSIDE_SHARE: (
        "Its goal is a share of the breaks, and these were not among them.",
        "Raise the share that its goal asks for.",
    ),
    Reason.NOT_ACTIVE: ("It is not active.", "Activate it."),
    Reason.CAMPAIGN_NOT_ACTIVE: ("Its campaign is not active.", "Activate the campaign."),
    Reason.NOT_PUBLISHED: ("It is not published yet.", "Wait a minute."),
    Reason.NO_READY_CREATIVE: ("None of its creatives is ready.", "Upload one, or see why not."),
    Reason.NO_CREATIVE_IN_FLIGHT: (
        "None of its creatives may run now.",
        "Change the windows of its creatives, or assign another.",
    ),
    Reason.CREATIVE_TOO_LONG: (
        "Its creatives are longer than the break.",
        "Add a shorter creative.",
    ),
    Reason.CREATIVE_TOO_SHORT: (
        "Its creatives are shorter than the break takes.",
        "Add a longer creative.",
    ),
    Reason.CREATIVE_FORMAT: (
        "Players cannot play its creatives' format or bitrate.",
        "Add a creative in a format that the requests accept.",
    ),
    Reason.CREATIVE_MIME: ("Its types of file are not accepted.", "Add a file of another type."),
    Reason.CREATIVE_BITRATE: ("Its files' bitrates are too great.", "Add slower renditions."),
    Reason.CREATIVE_DIMENSIONS: ("Its files' pictures are too large.", "Add smaller renditions."),
    Reason.CAP_CREATIVE: ("Viewers have seen the creative as often as they may.", _CAP),
    Reason.CAP_LINE_ITEM: ("Viewers have seen it as often as they may.", _CAP),
    Reason.CAP_CAMPAIGN: ("Viewers have seen the campaign as often as they may.", _CAP),
    Reason.CAP_ADVERTISER: ("Viewers have seen the advertiser as often as they may.", _CAP),
    Reason.CAP_WITHOUT_VIEWER: (
        "A cap counts by what requests do not name, or viewers do not consent to.",
        "Cap by session, or have requests name the viewer.",
    ),
    Reason.NO_TOKENS: (
        "Budget, goal or pacing allowed no more at that moment.",
        "Raise the budget, or spend it as soon as possible instead of evenly.",
    ),
    Reason.SEPARATED_BY_CATEGORY: ("A rival of its category was beside it.", _SEPARATION),
    Reason.SEPARATED_BY_DOMAIN: ("An ad of its domain was beside it.", _SEPARATION),
    Reason.SAME_MEDIA: ("The same film was in the break already.", "Add another creative."),
    Reason.SAME_LINE_ITEM: ("It was in the break already.", "Nothing has to be changed."),
    Reason.POD_HAS_NO_TIME_LEFT: (
        "Better ones left too little time in the break.",
        f"{_RANK[:-1]}, or add a shorter creative.",
    ),
    Reason.POD_HAS_NO_SLOT_LEFT: ("Better ones took every slot of the break.", _RANK),
    Reason.POSITION_TAKEN: (
        "Another has the position in the break that it wants.",
        f"{_RANK[:-1]}, or want no position.",
    ),
    Reason.OUTRANKED: ("The break was worth more without it.", _RANK),
    Reason.TOO_MANY_OF_ADVERTISER: (
        "Better line items of the same advertiser were offered.",
        "Raise its priority among the advertiser's line items.",
    ),
    Reason.BEYOND_CANDIDATES: ("Enough better ones were found before its turn.", _RANK),
    Reason.BREAK_HAS_NO_TIME: ("Breaks said to be of no length.", "Have requests say the length."),
}
