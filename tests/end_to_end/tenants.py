"""Organizations to test with: each test has its own, so no test sees another's campaigns."""

from dataclasses import dataclass
from functools import cache
from uuid import uuid4

import bcrypt

from tests.end_to_end.product import Product

PASSWORD = "password123"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization with one advertiser, one placement and a person of each role asked for."""

    organization_id: str
    advertiser_id: str
    placement: str

    def email(self, role: str) -> str:
        """Return the address of the person with that role."""
        return f"{role}@{self.placement}.example"


def found_organization(product: Product, *, roles: tuple[str, ...] = ("owner",)) -> Tenant:
    """Write a new organization to the database; people and placements have no API yet."""
    placement = f"channel-{uuid4().hex[:12]}"
    tenant = Tenant(str(uuid4()), str(uuid4()), placement)
    organization = tenant.organization_id
    with product.database() as connection:
        connection.execute(
            "INSERT INTO organizations (organization_id, name) VALUES (%s, %s)",
            (organization, f"Organization of {placement}"),
        )
        connection.execute(
            "INSERT INTO advertisers (advertiser_id, organization_id, name) VALUES (%s, %s, %s)",
            (tenant.advertiser_id, organization, "Acme & Sons"),
        )
        connection.execute(
            "INSERT INTO placements (placement_id, organization_id, key, name)"
            " VALUES (%s, %s, %s, 'Channel')",
            (str(uuid4()), organization, placement),
        )
        for role in roles:
            user_id = str(uuid4())
            connection.execute(
                "INSERT INTO users (user_id, email, name, password_hash) VALUES (%s, %s, %s, %s)",
                (user_id, tenant.email(role), role.title(), _password_hash()),
            )
            connection.execute(
                "INSERT INTO memberships (organization_id, user_id, role) VALUES (%s, %s, %s)",
                (organization, user_id, role),
            )
    return tenant


@cache
def _password_hash() -> str:
    # With as few rounds as bcrypt allows: every test signs in, some many times.
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
