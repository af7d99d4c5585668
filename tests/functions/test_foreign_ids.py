"""Ids in queries and bodies: another organization's name nothing, as in paths.

Those in paths are tried end to end (`test_tenants`); the document says which others there are.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ctv_ads.domain.access import Role
from functions.manifest import FUNCTIONS
from local.openapi import TARGET
from tests.builders import DAY, NOON, Tenant, a_tenant
from tests.functions.conftest import Office

V1 = "/api/v1"
BOOKED = {
    "name": "Winter tyres",
    "budget_micros": 1_000_000,
    "cpm_micros": 20_000_000,
    "starts_at": NOON.isoformat(),
    "ends_at": (NOON + DAY).isoformat(),
}


@dataclass(frozen=True, slots=True)
class House:
    """An organization with one of everything that requests name by id."""

    tenant: Tenant
    ids: dict[str, str]

    def holds(self, text: str) -> bool:
        return any(held in text for held in (self.tenant.organization_id, *self.ids.values()))


# What is named by each field, in a request that is well-formed otherwise: `own` are the caller's.
REQUESTS: dict[tuple[str, str], Any] = {
    (f"PATCH {V1}/members/{{user_id}}", "advertiser_ids"): lambda own, named: (
        f"members/{own['user_id']}",
        {"role": "viewer", "advertiser_ids": [named["advertiser_id"]]},
    ),
    (f"POST {V1}/invitations", "advertiser_ids"): lambda _, named: (
        "invitations",
        {
            "email": "guest@house.example",
            "role": "viewer",
            "advertiser_ids": [named["advertiser_id"]],
        },
    ),
    (f"POST {V1}/campaigns", "advertiser_id"): lambda _, named: (
        "campaigns",
        BOOKED | {"advertiser_id": named["advertiser_id"]},
    ),
    (f"PATCH {V1}/campaigns/{{campaign_id}}", "advertiser_id"): lambda own, named: (
        f"campaigns/{own['campaign_id']}",
        {"advertiser_id": named["advertiser_id"]},
    ),
    (f"PUT {V1}/line-items/{{line_item_id}}/creatives", "creative_id"): lambda own, named: (
        f"line-items/{own['line_item_id']}/creatives",
        {"items": [{"creative_id": named["creative_id"]}]},
    ),
    (f"POST {V1}/campaigns/status", "ids"): lambda _, named: (
        "campaigns/status",
        {"ids": [named["campaign_id"]], "status": "paused"},
    ),
    (f"GET {V1}/campaigns", "advertiser_id"): lambda _, named: (
        f"campaigns?advertiser_id={named['advertiser_id']}",
        None,
    ),
    (f"GET {V1}/exports/campaigns.csv", "advertiser_id"): lambda _, named: (
        f"exports/campaigns.csv?advertiser_id={named['advertiser_id']}",
        None,
    ),
    (f"GET {V1}/exports/ledger.csv", "advertiser_id"): lambda _, named: (
        f"exports/ledger.csv?advertiser_id={named['advertiser_id']}&from=2026-11-23&to=2026-11-24",
        None,
    ),
    (f"GET {V1}/exports/ledger-events.csv", "advertiser_id"): lambda _, named: (
        (
            f"exports/ledger-events.csv?advertiser_id={named['advertiser_id']}"
            "&from=2026-11-23&to=2026-11-24"
        ),
        None,
    ),
    (f"GET {V1}/reports/placements", "placement_id"): lambda _, named: (
        f"reports/placements?placement_id={named['placement_id']}",
        None,
    ),
    (f"GET {V1}/exports/placements.csv", "placement_id"): lambda _, named: (
        f"exports/placements.csv?placement_id={named['placement_id']}",
        None,
    ),
    (f"GET {V1}/audit", "entity_id"): lambda _, named: (
        f"audit?entity=campaign&entity_id={named['campaign_id']}",
        None,
    ),
    (f"GET {V1}/audit", "actor_id"): lambda _, named: (f"audit?actor_id={named['user_id']}", None),
    (f"GET {V1}/decisions", "placement_id"): lambda _, named: (
        f"decisions?placement_id={named['placement_id']}",
        None,
    ),
    (f"GET {V1}/decisions", "line_item_id"): lambda _, named: (
        f"decisions?line_item_id={named['line_item_id']}",
        None,
    ),
}
NO_IDS_OF_OURS = {"universal_ad_id", "upload_id", "request_id", "session_id"}
"""A registry's, S3's, what we call a request, and a player's; the first two change only what the
path names."""
ELSEWHERE = {(f"GET {V1}/decisions/{{decision_id}}", "line_item_id")}
"""Tried in `test_unpublished.py`, which has a decision to ask about."""
FUNCTION_BY_ROUTE = {
    route.key: function.name for function in FUNCTIONS for route in function.routes
}


def fields_that_name(document: dict[str, Any], schema: Any, seen: tuple[str, ...] = ()) -> set[str]:
    """The fields of a schema, however deep, whose names say that they hold ids."""
    if isinstance(schema, list):
        return {name for part in schema for name in fields_that_name(document, part, seen)}
    if not isinstance(schema, dict):
        return set()
    name = schema.get("$ref", "").rpartition("/")[2]
    if name:
        known = document["components"]["schemas"][name]
        return set() if name in seen else fields_that_name(document, known, (*seen, name))
    found = {name for name in schema.get("properties", {}) if is_id_field(name)}
    parts = [*schema.get("properties", {}).values()]
    parts += [schema.get(key) for key in ("anyOf", "allOf", "oneOf", "items", "prefixItems")]
    return found | fields_that_name(document, [*parts, schema.get("additionalProperties")], seen)


def is_id_field(name: str) -> bool:
    return name in {"id", "ids"} or name.endswith(("_id", "_ids"))


def declared() -> Iterator[tuple[str, str]]:
    document = json.loads(TARGET.read_text("utf-8"))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not operation.get("security"):
                continue
            queries = {
                given["name"] for given in operation.get("parameters", ()) if given["in"] == "query"
            }
            contents = operation.get("requestBody", {}).get("content", {}).values()
            bodies = fields_that_name(document, [content["schema"] for content in contents])
            for name in {name for name in queries if is_id_field(name)} | bodies:
                yield f"{method.upper()} {path}", name


def furnished(office: Office, tenant: Tenant) -> House:
    campaign = office.world.a_campaign(tenant)  # a draft, which may still change its advertiser
    creative = office.world.a_ready_creative(tenant, campaign.campaign_id)
    return House(
        tenant,
        {
            "user_id": tenant.caller.user_id,
            "advertiser_id": tenant.advertiser_id,
            "placement_id": tenant.placement_id,
            "campaign_id": campaign.campaign_id,
            "line_item_id": campaign.line_items[0].line_item_id,
            "creative_id": creative.creative_id,
        },
    )


def a_house(office: Office) -> House:
    tenant = a_tenant(role=Role.OWNER)
    office.world.add(tenant)
    return furnished(office, tenant)


def test_every_field_that_holds_ids_is_tried() -> None:
    named = {(at, name) for at, name in declared() if name not in NO_IDS_OF_OURS}
    assert REQUESTS.keys() | ELSEWHERE == named


@pytest.mark.parametrize(("route", "field"), sorted(REQUESTS))
def test_an_id_of_another_organization_names_nothing(
    office: Office, route: str, field: str
) -> None:
    victim, stranger = a_house(office), a_house(office)

    def ask(caller: House, named: House) -> Any:
        path, body = REQUESTS[route, field](caller.ids, named.ids)
        token = office.token(caller.tenant, Role.OWNER)
        return office.send(
            FUNCTION_BY_ROUTE[route], route.partition(" ")[0], f"{V1}/{path}", body, token=token
        )

    refused = ask(stranger, victim)
    if route.startswith("GET"):
        assert refused.status in {200, 404}, refused.body
        assert not victim.holds(refused.body)
    elif field == "ids":
        (outcome,) = refused.json["results"]
        assert (outcome["ok"], outcome["problem"]["status"]) == (False, 404)
    else:
        assert refused.status == 422, refused.body
        (wrong,) = refused.json["errors"]
        assert field in wrong["path"]
    # It is whose they are that is wrong with them, and nothing else.
    assert ask(victim, victim).status not in {404, 422}
