"""Tell how each dependency is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.health import Dependency

Stopwatch = Callable[[], float]
"""Returns seconds that only grow."""


@dataclass(frozen=True, slots=True)
class DependencyHealth:
    """How one dependency answered. `reason` is for the log, not for strangers."""

    name: str
    is_up: bool
    latency_ms: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Asks every dependency in turn."""

    dependencies: Sequence[Dependency]
    stopwatch: Stopwatch

    def __call__(self) -> Sequence[DependencyHealth]:
        """Return one line per dependency; one that is down keeps no other from being asked."""
        return [self._ask(dependency) for dependency in self.dependencies]

    def _ask(self, dependency: Dependency) -> DependencyHealth:
        started = self.stopwatch()
        reason = None
        try:
            dependency.ask()
        except DependencyUnavailableError as error:
            reason = str(error)
        latency_ms = round((self.stopwatch() - started) * 1000, 1)
        return DependencyHealth(dependency.name, reason is None, latency_ms, reason)
