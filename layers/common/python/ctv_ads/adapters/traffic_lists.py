"""Lists of invalid traffic: hosting networks and crawlers, from replaceable data files.

Standard library only: the beacon collector reads them on its cold start.
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from ctv_ads.domain.addresses import unmapped

_PACKAGED = "ctv_ads.data"


class TrafficLists:
    """Tells whether an address or a user agent is listed; a lookup is a binary search."""

    def __init__(self, networks: Iterable[str], agents: Iterable[str]) -> None:
        """Take networks in CIDR form and parts of user agents.

        Raises:
            ValueError: a network is none; the message says which.
        """
        self._ranges = {4: _Ranges(), 6: _Ranges()}
        for text in networks:
            network = ipaddress.ip_network(text)
            self._ranges[network.version].add(
                int(network.network_address), int(network.broadcast_address)
            )
        for ranges in self._ranges.values():
            ranges.close()
        self._agents = tuple(agent.lower() for agent in agents)

    @classmethod
    def from_files(cls, networks: str | None, agents: str | None) -> "TrafficLists":
        """Read the lists at these paths, or those that come with the product."""
        return cls(
            _lines(networks, "data_centre_networks.txt"), _lines(agents, "crawler_agents.txt")
        )

    def is_data_centre(self, address: str) -> bool:
        """Tell whether the address lies in a listed network; what is no address does not."""
        try:
            parsed = ipaddress.ip_address(unmapped(address))
        except ValueError:
            return False
        return self._ranges[parsed.version].holds(int(parsed))

    def is_crawler(self, user_agent: str) -> bool:
        """Tell whether the user agent holds a listed part."""
        lowered = user_agent.lower()
        return any(agent in lowered for agent in self._agents)


class _Ranges:
    """Whole numbers in ranges, which may overlap while they are added."""

    def __init__(self) -> None:
        self._added: list[tuple[int, int]] = []
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def add(self, first: int, last: int) -> None:
        self._added.append((first, last))

    def close(self) -> None:
        for first, last in sorted(self._added):
            if self._lasts and first <= self._lasts[-1]:
                self._lasts[-1] = max(last, self._lasts[-1])
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def holds(self, number: int) -> bool:
        position = bisect_right(self._firsts, number) - 1
        return position >= 0 and number <= self._lasts[position]


def _lines(path: str | None, packaged: str) -> Iterator[str]:
    source = Path(path) if path else files(_PACKAGED).joinpath(packaged)
    for line in source.read_text("utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text:
            yield text
