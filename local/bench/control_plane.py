"""The control plane's routes with much in the database: latency in the handler, and plans."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.passwords import hash_password
from ctv_ads.bootstrap import control_plane
from ctv_ads.domain.access import Caller, Role
from ctv_ads.domain.ids import OrganizationId, UserId
from ctv_ads.migrate import ensure_role, migrate_up, packaged_migrations
from functions.auth import handler as auth
from functions.campaigns import handler as campaigns
from local.bench.filling import EMAIL, Filled, fill
from local.bench.measuring import Figures, measure
from local.bench.statements import (
    Statement,
    indexes_of,
    plan_of,
    recorded_statements,
    sequential_scans,
)

PASSWORD = "a-password-of-the-bench"  # noqa: S105 - of a database that lives for one run
LIMIT_MS = 10
"""What every route but the login has to stay below, at the 95th of 100 calls."""
_BIG_TABLES = {"campaigns", "line_items"}
_SEARCH_INDEX = "campaigns_by_words"


@dataclass(frozen=True, slots=True)
class Route:
    """One request that is measured. `paths` take turns."""

    name: str
    paths: tuple[str, ...]


def prepare(dsn: str, server: Mapping[str, object], valkey_url: str) -> Filled:
    """Fill an empty database and make the handlers use it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role in ("ctv_api", "ctv_pipeline"):
            ensure_role(connection, role, PASSWORD)
        migrate_up(connection, packaged_migrations())
        filled = fill(connection, password_hash=hash_password(PASSWORD))
    os.environ |= {
        "DATABASE_SECRET_ID": "database",
        "ACCESS_TOKEN_SECRET_ID": "tokens",
        "VALKEY_URL": valkey_url,
        "VALKEY_TIMEOUT_MS": "5000",
        "USER_RATE_LIMIT": "1000000000",
        "AUTH_RATE_LIMIT": "1000000000",
        "MAIL_QUEUE_URL": "http://localhost/none",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    }
    secrets = {
        "database": {
            **server,
            "username": "ctv_api",
            "password": PASSWORD,
            "sslmode": "disable",
        },
        "tokens": {"current": "k1", "k1": "a-key-of-the-bench-with-32-characters"},
    }
    vars(control_plane).update(secret_document=secrets.__getitem__)
    return filled


def routes(filled: Filled) -> tuple[Route, ...]:
    """Return what people ask most, and what is hardest to answer."""
    lists = "/api/v1/campaigns"
    page = _get(filled, f"{lists}?limit=200&sort=name")
    for _ in range(20):
        page = _get(filled, f"{lists}?limit=200&sort=name&cursor={page['next_cursor']}")
    return (
        Route("list, 50 newest", (lists,)),
        Route("list, 200 by name", (f"{lists}?limit=200&sort=name",)),
        Route("list, by what is billed", (f"{lists}?sort=-billed_micros",)),
        Route("list, page 21 of 200", (f"{lists}?limit=50&sort=name&cursor={page['next_cursor']}",)),
        Route("list, active, one advertiser",
              (f"{lists}?status=active&advertiser_id={filled.advertiser_ids[0]}",)),
        Route("search, one finds it", tuple(f"{lists}?q=Campaign%200{n}" for n in range(1000, 1100))),
        Route("search, a hundred match", tuple(f"{lists}?q=gn%200{n}" for n in range(10, 60))),
        Route("line items, search",
              tuple(f"{lists}/{each}/line-items?q=item%207" for each in filled.campaign_ids[:500])),
        Route("detail", tuple(f"{lists}/{each}" for each in filled.campaign_ids[:500])),
    )  # fmt: skip


def measure_routes(filled: Filled, asked: tuple[Route, ...], *, calls: int) -> dict[str, Figures]:
    """Return the figures of every route, and of the login."""
    candidates = {}
    for route in asked:
        events = cycle([_event("GET", path, filled) for path in route.paths])

        def call(events: Iterator[dict[str, Any]] = events) -> object:
            return _ok(campaigns.lambda_handler(next(events), None))  # type: ignore[arg-type]

        candidates[route.name] = call
    found = measure(candidates, calls=calls, rounds=3)
    event = _event("POST", "/api/v1/auth/login", filled)
    event["body"] = json.dumps({"email": EMAIL, "password": PASSWORD})
    login = {"login": lambda: _ok(auth.lambda_handler(event, None))}  # type: ignore[arg-type]
    return found | measure(login, calls=7, rounds=3)


def plans(dsn: str, filled: Filled, asked: tuple[Route, ...]) -> dict[str, list[str]]:
    """Return which indexes each route uses.

    Raises:
        AssertionError: one reads a big table from end to end, or the search does not use its
            index.
    """
    used = {}
    for route in asked:
        with recorded_statements() as statements:
            _get(filled, route.paths[0])
        used[route.name] = sorted(_indexes(route.name, filled, statements))
    used["search, inside"] = sorted(_search_indexes(dsn, filled))
    return used


def _indexes(name: str, filled: Filled, statements: list[Statement]) -> set[str]:
    found: set[str] = set()
    with control_plane.database().transaction(_caller(filled)) as connection:
        for statement in [each for each in statements if not each.is_identity]:
            plan = plan_of(connection, statement)
            read_whole = _BIG_TABLES & set(sequential_scans(plan))
            if read_whole:
                raise AssertionError(f"{name} reads all of {read_whole}: {statement.sql}")
            found |= indexes_of(plan)
    return found


def _search_indexes(dsn: str, filled: Filled) -> set[str]:
    """Explain the body of the search's function, as its owner, for whom it runs."""
    with psycopg.connect(dsn, row_factory=dict_row) as owner:
        setting = "SELECT set_config('app.organization_id', %s, true)"
        owner.execute(setting, (filled.organization_id,))
        row = owner.execute("SELECT prosrc FROM pg_proc WHERE proname = 'campaigns_named'")
        body = (row.fetchone() or {})["prosrc"]
        owner.execute(f"PREPARE search (text) AS {body}".encode())
        plan = plan_of(owner, Statement("EXECUTE search ('%Campaign 01%')", None))
    if _SEARCH_INDEX not in indexes_of(plan):
        raise AssertionError(f"the search does not use {_SEARCH_INDEX}: {plan}")
    return indexes_of(plan)


def _caller(filled: Filled) -> Caller:
    return Caller(UserId(filled.user_id), OrganizationId(filled.organization_id), Role.OWNER)


def _get(filled: Filled, path: str) -> dict[str, Any]:
    answer = _ok(campaigns.lambda_handler(_event("GET", path, filled), None))  # type: ignore[arg-type]
    document: dict[str, Any] = json.loads(answer["body"])
    return document


def _ok(answer: dict[str, Any]) -> dict[str, Any]:
    if answer["statusCode"] != 200:
        raise AssertionError(f"the bench measures a refusal: {answer}")
    return answer


def _event(method: str, path: str, filled: Filled) -> dict[str, Any]:
    raw_path, _, query = path.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    token = control_plane.access_tokens().issue(filled.account)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": query,
        "headers": {"authorization": f"Bearer {token}", "content-type": "application/json"},
        "queryStringParameters": {name: value.replace("%20", " ") for name, _, value in pairs},
        "requestContext": {
            "domainName": "localhost",
            "stage": "$default",
            "http": {"method": method, "path": raw_path, "sourceIp": "203.0.113.9"},
            "requestId": new_id(),
        },
        "isBase64Encoded": False,
    }
