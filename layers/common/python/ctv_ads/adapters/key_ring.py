"""The keys of beacon tokens in a process that outlives their rotation."""

import logging
from collections.abc import Callable

from ctv_ads.domain.beacon import BeaconClaims
from ctv_ads.domain.beacon_token import TokenKeys, UnknownKeyError, read_token
from ctv_ads.errors import DependencyUnavailableError

_LOG = logging.getLogger(__name__)
_PAUSE_S = 10
"""Anybody may name a key that does not exist, so the secret is not read for each who does."""


class KeyRing:
    """Implements `TokenReader`: reads the keys again when a token names one that is not there."""

    def __init__(self, read_keys: Callable[[], TokenKeys], *, seconds: Callable[[], float]) -> None:
        """Read the keys; `seconds` is a clock that never goes back."""
        self._read_keys = read_keys
        self._seconds = seconds
        self._keys = read_keys()
        self._next_at_s = seconds()

    def claims_of(self, token: str) -> BeaconClaims:
        """Return what a token says, after checking its signature.

        Raises:
            BadTokenError: the token is malformed, forged, or signed by an unknown key.
        """
        try:
            return read_token(token, self._keys)
        except UnknownKeyError:
            if not self._has_read_again():
                raise
            return read_token(token, self._keys)

    def _has_read_again(self) -> bool:
        now_s = self._seconds()
        if now_s < self._next_at_s:
            return False
        self._next_at_s = now_s + _PAUSE_S
        try:
            self._keys = self._read_keys()
        except (DependencyUnavailableError, ValueError) as error:
            # Whoever made the key up shall not keep those from counting whose keys are known.
            _LOG.warning("keys of beacons not read again: %s", error)
            return False
        return True
