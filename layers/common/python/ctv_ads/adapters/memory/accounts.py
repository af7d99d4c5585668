"""People and their memberships, in memory."""

from ctv_ads.adapters.memory.database import MemoryDatabase
from ctv_ads.domain.access import Account
from ctv_ads.domain.ids import OrganizationId, UserId


class MemoryAccounts:
    """Implements `ports.Accounts`."""

    def __init__(self, database: MemoryDatabase, organization_id: OrganizationId | None) -> None:
        self._database = database
        self._organization_id = organization_id

    def find_by_email(self, email: str) -> Account | None:
        """Return the account with this address, or None; it looks into every organization."""
        accounts = self._database.tables.accounts.values()
        return next((found for found in accounts if found.email == email.lower()), None)

    def find(self, user_id: UserId, organization_id: OrganizationId) -> Account | None:
        """Return a member of this transaction's organization, or None."""
        if organization_id != self._organization_id:
            return None
        return self._database.tables.accounts.get((organization_id, user_id))
