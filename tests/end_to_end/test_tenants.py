"""Every route of the OpenAPI document, tried with another organization's token and ids.

The attacks are made from the document, so a new route is attacked without a word here. A new
kind of id needs a thing of that kind in the victim's house: `furnish` says so when it is missing.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from psycopg import sql

from tests.end_to_end.people import Document, Person, Player
from tests.end_to_end.product import Product
from tests.end_to_end.tenants import PASSWORD, Tenant, found_organization
from tests.end_to_end.videos import Video

pytestmark = pytest.mark.xdist_group("end_to_end")

INPUTS_PER_ROUTE = 3
# The victim's own decisions turn up there whenever they are drained.
_COUNTED_EACH_MINUTE = {"delivery_days", "delivery_hours"}
_TABLES = """
SELECT c.relname AS name FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"""


class House:
    """The victim: an organization with one of everything."""

    def __init__(self, product: Product, tenant: Tenant, owner: Person) -> None:
        self._product = product
        self.tenant = tenant
        self._owner = owner
        self._decision_id = ""

    def furnish(self, video: Video) -> None:
        """Make one of every kind of thing that routes name by id."""
        campaign = self._owner.create_campaign(name=f"Secret of {self.tenant.placement}")
        self._owner.register(campaign, video)
        for path, body in (
            ("/invitations", {"email": "guest@house.example", "role": "viewer"}),
            ("/api-keys", {"name": "Stitcher", "role": "viewer"}),
        ):
            made = self._owner.api.post(path, json=body)
            assert made.status_code == 201, made.text
        with Player(self._product.base_url, self.tenant.placement) as player:
            self._decision_id = player.decision()["decision_id"]

    def id_of(self, parameter: str) -> str:
        """Return the id of something of the victim's that a path parameter stands for."""
        if parameter == "decision_id":  # kept in Valkey, in no table
            return self._decision_id
        for table in self._tables():
            query = sql.SQL("SELECT {} AS id FROM {} WHERE organization_id = %s LIMIT 1")
            with self._product.database() as connection:
                known = connection.execute(
                    "SELECT 1 FROM information_schema.key_column_usage"
                    " WHERE table_name = %s AND column_name = %s",
                    (table, parameter),
                ).fetchone()
                if not known:
                    continue
                row = connection.execute(
                    query.format(sql.Identifier(parameter), sql.Identifier(table)),
                    (self.tenant.organization_id,),
                ).fetchone()
            if row is not None:
                return str(row["id"])
        pytest.fail(f"the victim has nothing that {{{parameter}}} stands for: see `furnish`")

    def contents(self) -> dict[str, list[Any]]:
        """Return every row of the victim's, of every table that knows organizations."""
        rows = {}
        for table in self._tables():
            if table in _COUNTED_EACH_MINUTE:
                continue
            query = sql.SQL("SELECT to_jsonb(t) AS row FROM {} t WHERE organization_id = %s")
            with self._product.database() as connection:
                found = connection.execute(
                    query.format(sql.Identifier(table)), (self.tenant.organization_id,)
                ).fetchall()
            rows[table] = sorted((row["row"] for row in found), key=str)
        return rows

    def _tables(self) -> list[str]:
        return sorted(row["name"] for row in self._product.rows(_TABLES))


@pytest.fixture(scope="module")
def house(product: Product, video: Video) -> Iterator[House]:
    tenant = found_organization(product)
    with Person(product.base_url, tenant.email("owner"), PASSWORD) as owner:
        victim = House(product, tenant, owner)
        victim.furnish(video)
        yield victim


@pytest.fixture(scope="module")
def attacker(product: Product) -> Iterator[Person]:
    tenant = found_organization(product)
    with Person(product.base_url, tenant.email("owner"), PASSWORD) as person:
        yield person


def guarded_operations(product: Product, person: Person) -> list[Any]:
    """Return the operations that want a token and name something by its id."""
    document: Document = person.api.get(f"{product.base_url}/api/openapi.json").json()
    results: Any = schemathesis.openapi.from_dict(document).get_all_operations()
    every = (result.ok() for result in results)
    return [
        operation
        for operation in every
        if operation.definition.raw.get("security") and "{" in operation.path
    ]


def test_nobody_reaches_into_another_organization(
    product: Product, house: House, attacker: Person
) -> None:
    operations = guarded_operations(product, attacker)
    assert len(operations) >= 8
    before = house.contents()
    secrets = [house.tenant.organization_id, house.tenant.placement]

    for operation in operations:
        path = operation.path
        for parameter in operation.path_parameters:
            path = path.replace(f"{{{parameter.name}}}", house.id_of(parameter.name))
        for query, body in _inputs(operation):
            answer = attacker.api.request(
                operation.method.upper(), f"{product.base_url}{path}", params=query, json=body
            )
            told = f"{operation.method.upper()} {operation.path} {json.dumps(body)[:300]}"
            # Never 403, which would say that the thing exists, and never data.
            assert answer.status_code in {404, 422}, f"{told}: {answer.status_code} {answer.text}"
            assert not [secret for secret in secrets if secret in answer.text], told

    assert house.contents() == before


def test_a_well_formed_attack_is_told_that_there_is_nothing(
    product: Product, house: House, attacker: Person
) -> None:
    for operation in guarded_operations(product, attacker):
        if _takes_input(operation):
            continue
        path = operation.path
        for parameter in operation.path_parameters:
            path = path.replace(f"{{{parameter.name}}}", house.id_of(parameter.name))
        answer = attacker.api.request(operation.method.upper(), f"{product.base_url}{path}")
        assert answer.status_code == 404, f"{operation.method} {operation.path}: {answer.text}"


def _takes_input(operation: Any) -> bool:
    return bool(operation.body) or any(given.is_required for given in operation.query)


def _inputs(operation: Any) -> list[tuple[Any, Any]]:
    """Return some queries and bodies that fit the operation's schema."""
    if not _takes_input(operation):
        return [(None, None)]
    found: list[tuple[Any, Any]] = []

    @seed(1)
    @settings(
        max_examples=INPUTS_PER_ROUTE,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
        deadline=None,
    )
    @given(case=operation.as_strategy())
    def collect(case: Any) -> None:
        body = json.loads(json.dumps(case.body)) if operation.body else None
        found.append((dict(case.query or {}), body))

    collect()
    return found
