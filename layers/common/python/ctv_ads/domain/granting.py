"""Granting tokens: how much each line item of a campaign gets out of what is not yet promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.domain.line_item import Daypart, Goal, GoalUnit
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.pacing import (
    HORIZON,
    LONGEST_WAIT_S,
    UNIFORM,
    Limit,
    LimitedBy,
    Pace,
    Wish,
    split,
    week_of,
    wish,
)
from ctv_ads.domain.spending import TokenUnit

_HALF_HORIZON_S = HORIZON // timedelta(seconds=2)
_LARGEST_GRANT = 2**52
"""Amounts are numbers of Lua, which are exact up to 2**53."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a line item may spend of, and what of it is billed or reserved, in one moment.

    Amounts are micros, but of an impressions account `reserved` counts impressions. What
    decisions can still spend is part of what is reserved.
    """

    line_item_id: LineItemId
    campaign_id: CampaignId
    price_micros: int
    pacing: Pacing
    starts_at: datetime
    ends_at: datetime
    timezone: str
    campaign_budget_micros: int
    campaign_billed_micros: int
    campaign_reserved_micros: int
    billed_micros: int = 0
    billed_events: int = 0
    reserved: int = 0
    budget_micros: int | None = None
    daily_budget_micros: int | None = None
    day_billed_micros: int = 0
    day_reserved: int = 0
    goal: Goal | None = None
    dayparts: tuple[Daypart, ...] = ()
    curve: tuple[int, ...] = UNIFORM
    """Weights of the local hours of a week: when its placements have their traffic."""
    last_bucket: int = 0

    @property
    def unit(self) -> TokenUnit:
        """What its tokens are."""
        return TokenUnit.MICROS if self.price_micros else TokenUnit.IMPRESSIONS

    @property
    def price(self) -> int:
        """What one event takes, in tokens."""
        return self.price_micros or 1

    @property
    def delivered(self) -> int:
        """What was billed, in tokens."""
        return self.billed_micros if self.price_micros else self.billed_events


@dataclass(frozen=True, slots=True)
class Use:
    """What a line item holds now, and how fast it spends (tokens an hour, above 0)."""

    remaining: int = 0
    rate: int = 1


NO_USE = Use()


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on a line item; `amount` 0 grants nothing and leaves it what it has."""

    account: Account
    wish: Wish
    amount: int
    wait_s: int = 0
    """For how long another decision would grant nothing either, as far as can be told."""


def decide(
    accounts: Sequence[Account], uses: Mapping[LineItemId, Use], *, now: datetime
) -> list[Decision]:
    """Decide on line items that stand together by campaign.

    All that is granted to a campaign's line items is together at most what its budget leaves
    beyond what is billed and reserved; what is taken back from old buckets counts at the next
    look.
    """
    decisions = []
    for _, group in groupby(accounts, key=lambda account: account.campaign_id):
        decisions += _decide_campaign(list(group), uses, now)
    return decisions


@dataclass(frozen=True, slots=True)
class _Case:
    """One account on its way to a decision."""

    account: Account
    use: Use
    wish: Wish
    available: int
    """What its own limits leave beyond what is billed and reserved."""

    @property
    def wanted(self) -> int:
        """What it would take if its campaign had enough, 0 if what it holds will do."""
        held, wished = self.use.remaining, self.wish.amount
        if held >= self.account.price and 2 * held > wished:
            return 0
        return min(wished, self.available, _LARGEST_GRANT)


def _decide_campaign(
    accounts: Sequence[Account], uses: Mapping[LineItemId, Use], now: datetime
) -> list[Decision]:
    cases = [_case(account, uses.get(account.line_item_id, NO_USE), now) for account in accounts]
    amounts = [case.wanted for case in cases]
    # Those without a budget of their own want what the campaign is due, which is there once.
    shared = [i for i, case in enumerate(cases) if amounts[i] and _shares(case.account)]
    if shared:
        _divide(max(amounts[i] for i in shared), shared, cases, amounts)
    paid = [i for i, case in enumerate(cases) if amounts[i] and case.account.price_micros]
    if paid:
        _divide(_left_of_campaign(accounts[0]), paid, cases, amounts)
    turn_s = _turn_s(shared, cases, amounts)
    return [
        Decision(
            case.account,
            case.wish,
            _worthwhile(amount, case),
            turn_s if i in shared and not amount else case.wish.wait_s if not amount else 0,
        )
        for i, (case, amount) in enumerate(zip(cases, amounts, strict=True))
    ]


def _turn_s(shared: Sequence[int], cases: Sequence[_Case], amounts: Sequence[int]) -> int:
    """Return after what time it is the turn of those who share a pace and got nothing of it."""
    given = sum(amounts[i] // cases[i].account.price for i in shared)
    waiting = sum(not amounts[i] for i in shared)
    return min(_HALF_HORIZON_S * waiting // given, LONGEST_WAIT_S) if given else 0


def _divide(
    available: int, chosen: Sequence[int], cases: Sequence[_Case], amounts: list[int]
) -> None:
    """Cut the chosen amounts to what is available, in whole events, by how fast each spends."""
    wanted, weights = [amounts[i] for i in chosen], [cases[i].use.rate for i in chosen]
    for i, part in zip(chosen, split(available, wanted, weights), strict=True):
        amounts[i] = part // cases[i].account.price * cases[i].account.price
    # What is left of parts of events is whole ones for some: the last of a budget is for sale too.
    left = available - sum(amounts[i] for i in chosen)
    for number, i in sorted(enumerate(chosen), key=lambda pair: -weights[pair[0]]):
        price = cases[i].account.price
        if price <= min(wanted[number] - amounts[i], left):
            amounts[i] += price
            left -= price


def _worthwhile(amount: int, case: _Case) -> int:
    """Return whole events' worth, or nothing when it would be no more than what is held."""
    whole = amount // case.account.price * case.account.price
    return whole if whole > case.use.remaining else 0


def _left_of_campaign(account: Account) -> int:
    return (
        account.campaign_budget_micros
        - account.campaign_billed_micros
        - account.campaign_reserved_micros
    )


def _shares(account: Account) -> bool:
    has_goal = account.goal is not None and account.goal.unit is not GoalUnit.PERCENT
    return account.budget_micros is None and not has_goal


def _case(account: Account, use: Use, now: datetime) -> _Case:
    zone = ZoneInfo(account.timezone)
    local = now.astimezone(zone).replace(tzinfo=None)
    limits = _limits(account, local, zone)
    wished = wish(
        limits,
        local,
        price=account.price,
        remaining=use.remaining,
        is_asap=account.pacing is Pacing.ASAP,
    )
    own = [limit for limit in limits if limit.name is not LimitedBy.CAMPAIGN]
    available = min((limit.total - limit.committed for limit in own), default=_LARGEST_GRANT)
    return _Case(account, use, wished, available)


def _limits(account: Account, local: datetime, zone: ZoneInfo) -> list[Limit]:
    """Return every limit of the account; the flight's first, which says what is due."""
    starts_at, ends_at = (
        moment.astimezone(zone).replace(tzinfo=None)
        for moment in (account.starts_at, account.ends_at)
    )

    def over_flight(name: LimitedBy, total: int, committed: int) -> Limit:
        return Limit(
            name=name,
            total=total,
            committed=committed,
            pace=_pace(account, total, starts_at, ends_at),
        )

    limits = []
    committed = account.billed_micros + account.reserved
    if account.goal is not None and account.goal.unit is not GoalUnit.PERCENT:
        limits.append(over_flight(LimitedBy.GOAL, *_goal(account, account.goal)))
    if account.budget_micros is not None and account.price_micros:
        limits.append(over_flight(LimitedBy.LINE_ITEM, account.budget_micros, committed))
    if account.price_micros:
        budget = account.campaign_budget_micros
        spent = account.campaign_billed_micros + account.campaign_reserved_micros
        if limits:
            limits.append(Limit(name=LimitedBy.CAMPAIGN, total=budget, committed=spent))
        else:
            limits.append(over_flight(LimitedBy.CAMPAIGN, budget, spent))
    if account.daily_budget_micros is not None and account.price_micros:
        limits.append(_of_the_day(account, account.daily_budget_micros, local, starts_at, ends_at))
    return limits


def _of_the_day(
    account: Account, total: int, local: datetime, starts_at: datetime, ends_at: datetime
) -> Limit:
    midnight = datetime.combine(local.date(), time())
    return Limit(
        name=LimitedBy.DAY,
        total=total,
        committed=account.day_billed_micros + account.day_reserved,
        pace=_pace(
            account, total, max(midnight, starts_at), min(midnight + timedelta(days=1), ends_at)
        ),
    )


def _pace(account: Account, total: int, starts_at: datetime, ends_at: datetime) -> Pace:
    return Pace(
        total=total,
        starts_at=starts_at,
        ends_at=ends_at,
        week=week_of(account.curve, account.dayparts),
        pacing=account.pacing,
    )


def _goal(account: Account, goal: Goal) -> tuple[int, int]:
    """Return total and commitments of a goal in tokens, what was delivered at its own price."""
    if not account.price_micros:
        return goal.amount, account.billed_events + account.reserved
    committed = account.billed_micros + account.reserved
    if goal.unit is GoalUnit.MICROS:
        return goal.amount, committed
    left = max(goal.amount - account.billed_events, 0) * account.price_micros
    return account.billed_micros + left, committed
