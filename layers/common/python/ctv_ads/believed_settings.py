"""Settings of whose word about viewers counts; `settings.py` says how they are read."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from ctv_ads.settings import Settings, _setting, _text


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text.strip()) for text in value.split(",") if text.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class BelievedSettings(Settings):
    """Who speaks for viewers, in ad requests, beacons and where limits count by address."""

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        "TRUSTED_PROXIES",
        "networks, separated by commas, whose X-Device-IP and X-Forwarded-For are believed",
        _networks,
        (),
    )
    cloudfront_proof_secret_id: str | None = _setting(
        "CLOUDFRONT_PROOF_SECRET_ID",
        "Secrets Manager id of what CloudFront proves itself with; without it, it is not believed",
        _text,
        None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StitcherSettings(BelievedSettings):
    """Who speaks for viewers in beacons."""

    stitchers: tuple[IPv4Network | IPv6Network, ...] = _setting(
        "STITCHERS",
        "networks, separated by commas, from which stitchers send beacons for their viewers",
        _networks,
        (),
    )
