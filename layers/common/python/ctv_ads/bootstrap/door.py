"""The door of the ad request: whom it believes, and by what it tells viewers apart."""

from hashlib import blake2b

from ctv_ads.bootstrap.believed import cloudfront_proof
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.domain.privacy.verdict import PrivacyRules
from ctv_ads.door_settings import DoorSettings
from ctv_ads.ports.places import Places
from ctv_ads.web.door import Door


def door_of(keys: TokenKeys, settings: DoorSettings) -> Door:
    """Return the door that the settings describe.

    The key of viewers is made of the beacons' current key: one secret to keep, and viewers are
    new ones when it is rotated.

    Raises:
        InvalidSettingsError: the database of places, or the proof, is none.
        DependencyUnavailableError: Secrets Manager does not answer.
    """
    return Door(
        key=blake2b(b"viewer keys", key=keys.keys[keys.current][:64]).digest(),
        privacy=PrivacyRules(settings.opt_in_countries, settings.tcf_vendor_id),
        trusted_proxies=settings.trusted_proxies,
        cloudfront_proof=cloudfront_proof(settings),
        places=_places(settings.place_database),
    )


def _places(path: str | None) -> Places | None:
    if path is None:
        return None
    # Imported where it is wanted, to keep cold starts without a database as they are.
    from ctv_ads.adapters.mmdb import MmdbPlaces  # noqa: PLC0415

    return MmdbPlaces(path)
