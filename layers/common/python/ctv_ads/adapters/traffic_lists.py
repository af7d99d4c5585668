"""Lists of invalid traffic: hosting networks and crawlers, from replaceable data files.

Standard library only: the beacon collector reads them on its cold start.
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ctv_ads.domain.addresses import unmapped

_PACKAGED = "ctv_ads.data"
NO_AGENT = "(none)"
"""How lists name a call without a user agent."""


class TrafficLists:
    """Tells whether an address or a user agent is listed; a lookup is a binary search."""

    def __init__(
        self, networks: Iterable[str], robots: Iterable[str], players: Iterable[str] = ()
    ) -> None:
        """Take lines of the files, without comments.

        Networks are in CIDR form, after `!` those that are listed in none. Robots and players are
        parts of user agents in the form of `data/README.md`. Where players are named, whoever is
        none of them is not believed to be one.

        Raises:
            ValueError: a network is none; the message says which.
        """
        self._listed, self._excepted = _Networks(), _Networks()
        for text in networks:
            (self._excepted if text.startswith("!") else self._listed).add(text.lstrip("! "))
        self._listed.close()
        self._excepted.close()
        self._robots = tuple(_agents(robots))
        self._players = tuple(_agents(players))

    @classmethod
    def from_files(
        cls, networks: str | None, robots: str | None, players: str | None = None
    ) -> "TrafficLists":
        """Read the lists at these paths, or those that come with the product; players only here."""
        return cls(
            _lines(networks, "data_centre_networks.txt"),
            _lines(robots, "crawler_agents.txt"),
            _lines(players, "") if players else (),
        )

    def is_data_centre(self, address: str) -> bool:
        """Tell whether the address lies in a listed network; what is no address does not."""
        try:
            parsed = ipaddress.ip_address(unmapped(address))
        except ValueError:
            return False
        return self._listed.hold(parsed) and not self._excepted.hold(parsed)

    def is_crawler(self, user_agent: str) -> bool:
        """Tell whether the user agent is a listed robot's, or no listed player's."""
        lowered = user_agent.strip().lower() or NO_AGENT
        if self._players and not any(one.fits(lowered) for one in self._players):
            return True
        return any(one.fits(lowered) for one in self._robots)


@dataclass(frozen=True, slots=True)
class _Agent:
    """One line of a list of user agents, in lower case."""

    part: str
    exceptions: tuple[str, ...]
    is_at_start: bool

    def fits(self, lowered: str) -> bool:
        is_here = lowered.startswith(self.part) if self.is_at_start else self.part in lowered
        return is_here and not any(one in lowered for one in self.exceptions)


def _agents(lines: Iterable[str]) -> Iterator[_Agent]:
    """Read lines `part|active|exceptions|pass|impact|start`; what is left out is the usual."""
    for line in lines:
        part, active, exceptions, _, _, start, *_ = [
            one.strip().lower() for one in f"{line}||||||".split("|")
        ]
        if part and active != "0":
            named = tuple(one.strip() for one in exceptions.split(",") if one.strip())
            yield _Agent(part, named, is_at_start=start == "1")


class _Networks:
    """Networks of both versions, added first and asked afterwards."""

    def __init__(self) -> None:
        self._ranges = {4: _Ranges(), 6: _Ranges()}

    def add(self, text: str) -> None:
        network = ipaddress.ip_network(text)
        self._ranges[network.version].add(
            int(network.network_address), int(network.broadcast_address)
        )

    def close(self) -> None:
        for ranges in self._ranges.values():
            ranges.close()

    def hold(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return self._ranges[address.version].holds(int(address))


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
