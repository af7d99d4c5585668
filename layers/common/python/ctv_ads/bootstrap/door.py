"""The door of the ad request: whom it believes, and by what it tells viewers apart."""

from collections.abc import Callable
from hashlib import blake2b

from ctv_ads.bootstrap.believed import cloudfront_proof
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.domain.privacy.verdict import PrivacyRules
from ctv_ads.door_settings import DoorSettings
from ctv_ads.ports.places import Places
from ctv_ads.web.door import Door
from ctv_ads.web.keys import session_key


def door_of(keys: TokenKeys, settings: DoorSettings) -> Door:
    """Return the door that the settings describe.

    The key of viewers is made of the beacons' current key: one secret to keep, and viewers are
    new ones when it is rotated.

    Raises:
        InvalidSettingsError: the database of places, or the proof, is none.
        DependencyUnavailableError: Secrets Manager does not answer.
    """
    return Door(
        key=viewer_secret(keys.keys[keys.current]),
        privacy=privacy_rules(settings),
        trusted_proxies=settings.trusted_proxies,
        cloudfront_proof=cloudfront_proof(settings),
        places=_places(settings.place_database),
    )


def privacy_rules(settings: DoorSettings) -> PrivacyRules:
    """Return what the operator decides about privacy."""
    return PrivacyRules(settings.opt_in_countries, settings.tcf_vendor_id)


def session_keys_by(keys: TokenKeys) -> Callable[[str, str], tuple[str, ...]]:
    """Return what tells by which keys an organization's session is, or was before a rotation."""
    names = [keys.current, *(name for name in keys.keys if name != keys.current)]
    secrets = [viewer_secret(keys.keys[name]) for name in names]

    def keys_of(organization_id: str, session_id: str) -> tuple[str, ...]:
        return tuple(session_key(secret, organization_id, session_id) for secret in secrets)

    return keys_of


def viewer_secret(beacon_key: bytes) -> bytes:
    """Return what viewers' keys are made with while that key signs beacons."""
    return blake2b(b"viewer keys", key=beacon_key[:64]).digest()


def _places(path: str | None) -> Places | None:
    if path is None:
        return None
    # Imported where it is wanted, to keep cold starts without a database as they are.
    from ctv_ads.adapters.mmdb import MmdbPlaces  # noqa: PLC0415

    return MmdbPlaces(path)
