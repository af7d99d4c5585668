"""Where an address is, as far as a database knows."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Place:
    """A place, in the codes of `domain/ad_request.Viewer`."""

    country: str | None = None
    region: str | None = None
    metro: str | None = None
    city: str | None = None
    postal: str | None = None


NOWHERE = Place()


class Places(Protocol):
    """A database of addresses."""

    def place_of(self, address: str) -> Place:
        """Return the place of an IP address, `NOWHERE` when it is not known."""
        ...
