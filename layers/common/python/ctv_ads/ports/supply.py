"""The port of reports on placements."""

from typing import Protocol

from ctv_ads.domain.supply import SupplyQuery, SupplyReport


class Supply(Protocol):
    """What was asked for in an organization's placements, and what came of it."""

    def report(self, query: SupplyQuery) -> SupplyReport:
        """Return the parts that `query` asks for.

        Who is bound to advertisers is told of their ads only: requests and opportunities, which
        are nobody's, count none.

        Raises:
            InvalidRequestError: `after` can be no key.
        """
