"""Places of addresses from a MaxMind DB file (GeoLite2 City, DB-IP City and their like)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctv_ads.errors import InvalidSettingsError
from ctv_ads.ports.places import NOWHERE, Place


class MmdbPlaces:
    """A file that is opened once, mapped into memory, and asked once a request."""

    def __init__(self, path: str) -> None:
        """Open the file.

        Raises:
            InvalidSettingsError: it is not there, or no MaxMind DB file.
        """
        # Only operators with such a file need the reader; nobody else's cold start pays for it.
        import maxminddb  # noqa: PLC0415

        if not Path(path).is_file():
            raise InvalidSettingsError(f"PLACE_DATABASE: there is no file {path}")
        try:
            self._reader = maxminddb.open_database(path)
        except maxminddb.InvalidDatabaseError as error:
            raise InvalidSettingsError(f"PLACE_DATABASE: {path} is no MMDB file") from error

    def place_of(self, address: str) -> Place:
        """Return where the address is, `NOWHERE` when the file does not know."""
        try:
            record = self._reader.get(address)
        except ValueError:  # no address, or an IPv6 one in a file of IPv4
            return NOWHERE
        return _place(record) if isinstance(record, dict) else NOWHERE


def _place(record: Mapping[str, Any]) -> Place:
    country = _part(record, "country").get("iso_code")
    divisions = record.get("subdivisions")
    division = divisions[0].get("iso_code") if isinstance(divisions, list) and divisions else None
    metro = _part(record, "location").get("metro_code")
    postal = _part(record, "postal").get("code")
    return Place(
        country=country,
        region=f"{country}-{division}" if country and division else None,
        metro=str(metro) if metro else None,
        city=_part(_part(record, "city"), "names").get("en"),
        postal=postal,
    )


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}
