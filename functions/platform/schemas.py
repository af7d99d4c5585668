"""What the platform's own routes give."""

from typing import Literal

from pydantic import BaseModel

from ctv_ads.use_cases.check_health import DependencyHealth


class DependencyView(BaseModel):
    """How one dependency answered."""

    status: Literal["up", "down"]
    latency_ms: float

    @classmethod
    def of(cls, health: DependencyHealth) -> "DependencyView":
        """Return what strangers may know: not the reason."""
        return cls(status="up" if health.is_up else "down", latency_ms=health.latency_ms)


class HealthView(BaseModel):
    """`up` when every dependency is, else `degraded`."""

    status: Literal["up", "degraded"]
    dependencies: dict[str, DependencyView]
