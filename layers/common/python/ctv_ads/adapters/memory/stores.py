"""The control plane's transactions, in memory: each sees one organization."""

from collections.abc import Iterator
from contextlib import contextmanager

from ctv_ads.adapters.memory.accounts import MemoryAccounts
from ctv_ads.adapters.memory.campaigns import MemoryCampaigns
from ctv_ads.adapters.memory.creatives import MemoryCreatives
from ctv_ads.adapters.memory.database import MemoryDatabase
from ctv_ads.adapters.memory.statistics import MemoryStatistics
from ctv_ads.domain.ids import OrganizationId


class MemoryStore:
    """Implements `ports.Store`."""

    def __init__(self, database: MemoryDatabase, organization_id: OrganizationId) -> None:
        self.accounts = MemoryAccounts(database, organization_id)
        self.campaigns = MemoryCampaigns(database, organization_id)
        self.creatives = MemoryCreatives(database, organization_id)
        self.statistics = MemoryStatistics(database, organization_id)


class MemoryStores:
    """Implements `ports.Stores`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    @contextmanager
    def transaction(self, organization_id: OrganizationId) -> Iterator[MemoryStore]:
        """Open a transaction on one organization."""
        with self._database.transaction():
            yield MemoryStore(self._database, organization_id)

    @contextmanager
    def sign_in(self) -> Iterator[MemoryAccounts]:
        """Open a transaction without an organization: only `find_by_email` sees anything."""
        with self._database.transaction():
            yield MemoryAccounts(self._database, None)
