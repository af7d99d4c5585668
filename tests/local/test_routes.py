"""The gateway chooses routes as an HTTP API does."""

import pytest

from functions.manifest import EVERYTHING_ELSE, FUNCTIONS, Function, Route
from local.routes import RouteTable


def a_function(name: str, *keys: str) -> Function:
    routes = tuple(Route(*key.split(" ")) for key in keys)
    return Function(
        name=name,
        entry_point="tiny",
        purpose="test",
        memory_mib=128,
        timeout_s=1,
        needs=(),
        routes=routes,
    )


@pytest.mark.parametrize(
    ("method", "path", "route_key", "parameters"),
    [
        ("GET", "/a/b", "GET /a/b", {}),
        ("GET", "/a/c", "GET /a/{x}", {"x": "c"}),
        ("GET", "/z/b", "GET /{x}/b", {"x": "z"}),
        ("GET", "/a/c%2Fd%20e", "GET /a/{x}", {"x": "c/d e"}),
    ],
)
def test_the_most_specific_route_answers(
    method: str, path: str, route_key: str, parameters: dict[str, str]
) -> None:
    table = RouteTable([a_function("f", "GET /{x}/b", "GET /a/{x}", "GET /a/b")])
    match = table.find(method, path)
    assert match is not None
    assert (match.route.key, match.path_parameters) == (route_key, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [("HEAD", "/a/b"), ("POST", "/a/b"), ("GET", "/a/b/"), ("GET", "/a/"), ("GET", "/a")],
)
def test_nothing_else_answers(method: str, path: str) -> None:
    assert RouteTable([a_function("f", "GET /a/b", "GET /a/{x}")]).find(method, path) is None


def test_every_route_of_the_manifest_reaches_its_function() -> None:
    table = RouteTable(FUNCTIONS)
    for function in FUNCTIONS:
        for route in set(function.routes) - {EVERYTHING_ELSE}:
            match = table.find(route.method, route.path.replace("{", "").replace("}", ""))
            assert match is not None
            assert (match.function, match.route) == (function, route)


def test_one_function_answers_everything_else() -> None:
    other = RouteTable(FUNCTIONS).everything_else
    assert other is not None
    assert (other.function.name, other.route.key) == ("platform", "$default")
    assert RouteTable([a_function("f", "GET /a")]).everything_else is None


def test_unknown_kinds_of_routes_are_refused() -> None:
    with pytest.raises(ValueError, match="does not know routes like GET /"):
        RouteTable([a_function("f", "GET /{proxy+}")])
