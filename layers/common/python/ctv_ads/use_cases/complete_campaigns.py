"""Complete campaigns at the end of their flight or budget."""

from dataclasses import dataclass

from ctv_ads.domain.ids import CampaignId
from ctv_ads.ports.base import Clock
from ctv_ads.ports.pipeline import CampaignCompletion


@dataclass(frozen=True, slots=True)
class CompleteCampaigns:
    """Runs before each publication; running it again changes nothing."""

    completion: CampaignCompletion
    clock: Clock

    def __call__(self) -> list[CampaignId]:
        """Complete what can deliver nothing more, and return which.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """
        return list(self.completion.complete(now=self.clock()))
