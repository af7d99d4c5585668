"""What the operator believes and decides about ad requests, before any of them is read."""

from dataclasses import dataclass, field

from ctv_ads.domain.privacy.verdict import PrivacyRules
from ctv_ads.ports.places import Places
from ctv_ads.web.hops import Believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Door(Believed):
    """How viewers are told apart, and whose word counts.

    `key` (16 to 64 bytes) makes the hashes of device ids, addresses and sessions; without it
    nobody can go back from them.
    """

    key: bytes = field(repr=False)
    privacy: PrivacyRules = field(default_factory=PrivacyRules)
    places: Places | None = None
