"""Tell of each line item of a campaign whether it delivers, and if not, why."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ctv_ads.decisioning.repeat_pod import outcomes, query_again
from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.activation import obstacles_to_activation
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from ctv_ads.domain.decision_record import DecisionNote, DecisionRecord
from ctv_ads.domain.delivery_health import DeliveryStanding, Evidence, Verdict, judge
from ctv_ads.domain.ids import CampaignId, LineItemId, OrganizationId
from ctv_ads.domain.line_item import LineItem
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.reasons import Reason
from ctv_ads.domain.remark import Remark
from ctv_ads.domain.spending import TokenUnit, event_price_micros
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from ctv_ads.ports.base import Clock
from ctv_ads.ports.control_plane import Store, Stores
from ctv_ads.ports.decision_plane import SnapshotReader
from ctv_ads.ports.decisions import DecisionFilter, DecisionRecords, DeliveryStandings
from ctv_ads.use_cases.permission import require

_LOG = logging.getLogger(__name__)

_DECISIONS = 200
_SEARCHES = 6
"""Requests that the inventory is searched for: each search looks at every line item."""
_Counts = Mapping[LineItemId, Counter[Reason]]


@dataclass(frozen=True, slots=True)
class LineItemDelivery:
    """One line item's answer. `unit` is what the standing's amounts count."""

    line_item: LineItem
    verdict: Verdict
    standing: DeliveryStanding | None
    unit: TokenUnit


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A page of line items, and on how much it rests: None could not be read."""

    page: Page[LineItem]
    items: Sequence[LineItemDelivery]
    decisions_read: int | None
    requests_searched: int | None


@dataclass(frozen=True, slots=True)
class _Search:
    """What the inventory in force says: who is in it, and who fell out of how many searches."""

    searches: int
    removed: _Counts
    published: frozenset[LineItemId]


@dataclass(frozen=True, slots=True)
class CheckDelivery:
    """Answers the advertiser's question: is it delivering, and if not, why?"""

    stores: Stores
    standings: DeliveryStandings
    records: DecisionRecords
    inventory: SnapshotReader
    clock: Clock

    def __call__(self, caller: Caller, campaign_id: CampaignId, query: ListQuery) -> DeliveryReport:
        """Return a page of the campaign's line items with how they deliver.

        Raises:
            ForbiddenError: the caller's role may not.
            NotFoundError: the campaign does not exist here.
            InvalidRequestError: the cursor is none of this list's.
        """
        require(caller, Action.READ_REPORTS)
        with self.stores.transaction(caller) as store:
            campaign = store.campaigns.get(campaign_id)
            page = store.line_items.page(query)
            obstacles = _obstacles(store, campaign, page.items, self.clock())
        seen = self.standings.of_campaign(caller, campaign_id)
        standings = {one.line_item_id: one for one in seen}
        records = self._records(caller.organization_id)
        names = [item.line_item_id for item in page.items]
        search = self._search(caller.organization_id, records or (), names)
        verdicts = None if records is None else _verdicts(records)

        def known(name: LineItemId) -> Evidence:
            return Evidence(
                obstacles=obstacles[name],
                standing=standings.get(name),
                is_published=None if search is None else name in search.published,
                verdicts=None if verdicts is None else verdicts[name],
                removals=None if search is None else _at_home(search.removed[name]),
                searched=search.searches if search else 0,
            )

        items = [
            LineItemDelivery(
                item,
                judge(known(item.line_item_id)),
                standings.get(item.line_item_id),
                _unit(item, campaign),
            )
            for item in page.items
        ]
        read = None if records is None else len(records)
        return DeliveryReport(page, items, read, None if search is None else search.searches)

    def _records(self, organization_id: OrganizationId) -> Sequence[DecisionRecord] | None:
        try:
            wanted = DecisionFilter(organization_id)
            return self.records.recent(wanted, limit=_DECISIONS).records
        except DependencyUnavailableError as error:
            _LOG.warning("health is told without recent decisions: %s", error)
            return None

    def _search(
        self,
        organization_id: OrganizationId,
        records: Sequence[DecisionRecord],
        names: Sequence[LineItemId],
    ) -> _Search | None:
        """Search the inventory in force for some of what was asked for recently."""
        try:
            placements = self.inventory.refresh().placements
            index = self.inventory.line_items(organization_id)
        except (DependencyUnavailableError, SnapshotCorruptError) as error:
            _LOG.warning("health is told without the inventory: %s", error)
            return None
        removed: dict[LineItemId, Counter[Reason]] = defaultdict(Counter)
        notes = [note for note in _typical(records) if note.placement_id in placements]
        for note in notes:
            query = query_again(note, placements[note.placement_id])
            for reason, fallen in index.explain(query).items():
                for name in fallen:
                    removed[name][reason] += 1
        published = frozenset(name for name in names if index.line_item(name) is not None)
        return _Search(len(notes), removed, published)


def _obstacles(
    store: Store, campaign: Campaign, page: Sequence[LineItem], now: datetime
) -> Mapping[LineItemId, Sequence[Remark]]:
    """Return by line item what of its booking keeps it from serving now."""
    wanted = {item.line_item_id for item in page}
    ready = store.campaigns.ready_creatives(campaign.campaign_id)
    common = []
    if campaign.status is not CampaignStatus.ACTIVE:
        message = f"the campaign is {campaign.status}"
        common.append(Remark("status", "campaign_not_active", message))
    found: dict[LineItemId, Sequence[Remark]] = {}
    for booked in store.line_items.booked(campaign.campaign_id):
        item = booked.line_item
        if item.line_item_id in wanted:
            own = obstacles_to_activation(campaign, [booked], ready_creatives=ready, now=now)
            starts_at = max(item.terms.starts_at or campaign.starts_at, campaign.starts_at)
            begins = []
            if starts_at > now:
                begins.append(Remark("starts_at", "not_started", "its flight has not begun yet"))
            found[item.line_item_id] = [*common, *begins, *own]
    return found


def _verdicts(records: Sequence[DecisionRecord]) -> _Counts:
    found: dict[LineItemId, Counter[Reason]] = defaultdict(Counter)
    for record in records:
        for name, verdict in outcomes(record.note, record.outcome.verdicts).items():
            found[name][verdict] += 1
    return found


def _typical(records: Sequence[DecisionRecord]) -> Sequence[DecisionNote]:
    """Return the newest request of each placement, then the second newest, and so on."""
    rounds: Counter[str] = Counter()
    turns = []
    for record in records:
        placement_id = record.note.placement_id
        turns.append((rounds[placement_id], record.note))
        rounds[placement_id] += 1
    return [note for _, note in sorted(turns, key=lambda turn: turn[0])][:_SEARCHES]


def _at_home(removed: Counter[Reason]) -> Counter[Reason]:
    """Leave out requests of placements that the line item does not want, if there are others."""
    elsewhere = Counter({Reason.PLACEMENT: removed[Reason.PLACEMENT]})
    return (removed - elsewhere) or removed


def _unit(item: LineItem, campaign: Campaign) -> TokenUnit:
    terms = item.terms
    price = event_price_micros(terms.type, terms.rate_type, terms.rate_micros, campaign.cpm_micros)
    return TokenUnit.MICROS if price else TokenUnit.IMPRESSIONS
