"""The control plane's transactions: one organization's repositories on one connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from ctv_ads.adapters.postgres.accounts import PostgresAccounts, PostgresDoors
from ctv_ads.adapters.postgres.advertisers import PostgresAdvertisers
from ctv_ads.adapters.postgres.api_keys import PostgresApiKeys
from ctv_ads.adapters.postgres.audit import PostgresAuditEvents
from ctv_ads.adapters.postgres.campaign_copies import PostgresCampaignCopies
from ctv_ads.adapters.postgres.campaign_lists import PostgresCampaignLists
from ctv_ads.adapters.postgres.campaigns import PostgresCampaigns
from ctv_ads.adapters.postgres.creatives import PostgresCreatives
from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.email_tokens import PostgresEmailTokens
from ctv_ads.adapters.postgres.idempotency import PostgresIdempotencyKeys
from ctv_ads.adapters.postgres.invitations import PostgresInvitations
from ctv_ads.adapters.postgres.ledger import PostgresLedger
from ctv_ads.adapters.postgres.line_items import PostgresLineItems
from ctv_ads.adapters.postgres.people import PostgresPeople
from ctv_ads.adapters.postgres.placements import PostgresPlacements
from ctv_ads.adapters.postgres.sessions import PostgresSessions
from ctv_ads.adapters.postgres.statistics import PostgresStatistics
from ctv_ads.adapters.postgres.supply import PostgresSupply
from ctv_ads.domain.access import Caller


class PostgresStore:
    """Implements `ports.Store`."""

    def __init__(self, connection: Connection) -> None:
        self.accounts = PostgresAccounts(connection)
        self.sessions = PostgresSessions(connection)
        self.people = PostgresPeople(connection)
        self.invitations = PostgresInvitations(connection)
        self.api_keys = PostgresApiKeys(connection)
        self.email_tokens = PostgresEmailTokens(connection)
        self.advertisers = PostgresAdvertisers(connection)
        self.placements = PostgresPlacements(connection)
        self.line_items = PostgresLineItems(connection)
        self.campaigns = PostgresCampaigns(connection)
        self.creatives = PostgresCreatives(connection)
        self.statistics = PostgresStatistics(connection)
        self.supply = PostgresSupply(connection)
        self.ledger = PostgresLedger(connection)
        self.campaign_copies = PostgresCampaignCopies(connection)
        self.campaign_lists = PostgresCampaignLists(connection)
        self.audit_events = PostgresAuditEvents(connection)
        self.idempotency_keys = PostgresIdempotencyKeys(connection)


class PostgresStores:
    """Implements `ports.Stores`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def transaction(self, caller: Caller) -> Iterator[PostgresStore]:
        """Open a transaction on the caller's organization."""
        with self._database.transaction(caller) as connection:
            yield PostgresStore(connection)

    @contextmanager
    def sign_in(self) -> Iterator[PostgresDoors]:
        """Open a transaction without an organization: only the doors see anything."""
        with self._database.transaction() as connection:
            yield PostgresDoors(connection)
