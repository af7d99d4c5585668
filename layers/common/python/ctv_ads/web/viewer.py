"""Where a call comes from, when CloudFront stands between."""

import ipaddress
from collections.abc import Mapping

from ctv_ads.domain.addresses import unmapped

VIEWER_ADDRESS = "x-viewer-address"
"""Header that our distribution writes over whatever the viewer sent (`cdk/stacks/web.py`).

An origin request policy cannot add CloudFront-Viewer-Address here: the one that keeps `Host` from
API Gateway adds no header of CloudFront, and an allow-list may not name `Authorization`.
"""


def viewer_address(headers: Mapping[str, str], source_ip: str) -> str:
    """Return the address that our distribution names, else CloudFront, else the connection's.

    Who calls the API's own address may name any: it is good to count by, and not to trust.
    """
    named = (
        headers.get(VIEWER_ADDRESS, ""),
        # With the port of the viewer, after an IPv6 address as after IPv4.
        headers.get("cloudfront-viewer-address", "").rpartition(":")[0].strip("[]"),
    )
    return unmapped(next((address for address in named if is_address(address)), source_ip))


def is_address(text: str) -> bool:
    """Tell whether the text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
