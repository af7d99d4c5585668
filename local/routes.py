"""Which function answers a request: the manifest's routes, chosen as an HTTP API chooses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from functions.manifest import EVERYTHING_ELSE, Function, Route


@dataclass(frozen=True, slots=True)
class Match:
    """A route that fits a request, with what its placeholders hold, percent-decoded."""

    function: Function
    route: Route
    path_parameters: Mapping[str, str]


class RouteTable:
    """All routes, most specific first: a segment in words beats a placeholder."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._routes = [
            (route.method, tuple(route.path.split("/")), route, function)
            for function in functions
            for route in function.routes
            if route != EVERYTHING_ELSE
        ]
        self._everything_else = next(
            (
                Match(function, EVERYTHING_ELSE, {})
                for function in functions
                if EVERYTHING_ELSE in function.routes
            ),
            None,
        )
        for method, segments, route, _ in self._routes:
            if method == "ANY" or any(segment.endswith("+}") for segment in segments):
                raise ValueError(f"the local gateway does not know routes like {route.key}")
        self._routes.sort(key=lambda row: tuple(_is_placeholder(part) for part in row[1]))

    @property
    def everything_else(self) -> Match | None:
        """What answers where no route fits, or None: then it is the gateway that refuses."""
        return self._everything_else

    def find(self, method: str, raw_path: str) -> Match | None:
        """Return the route for a request, or None; there is no automatic HEAD or OPTIONS.

        The path is matched as it was sent, so an encoded slash stays inside its segment.
        """
        sent = raw_path.split("/")
        for route_method, segments, route, function in self._routes:
            if route_method == method and len(segments) == len(sent):
                parameters = _parameters(segments, sent)
                if parameters is not None:
                    return Match(function, route, parameters)
        return None


def _is_placeholder(segment: str) -> bool:
    return segment.startswith("{")


def _parameters(segments: Iterable[str], sent: Iterable[str]) -> dict[str, str] | None:
    parameters = {}
    for segment, part in zip(segments, sent, strict=True):
        if _is_placeholder(segment):
            if not part:
                return None
            parameters[segment[1:-1]] = unquote(part)
        elif segment != unquote(part):
            return None
    return parameters
