"""What happens to sessions and owners when two ask at the same moment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.mail import MemoryMailer
from ctv_ads.adapters.opaque_tokens import new_token
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.store import PostgresStores
from ctv_ads.adapters.valkey.denied_tokens import ValkeyDeniedTokens
from ctv_ads.adapters.valkey.rate_limits import ValkeyRateLimits
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.access import Role
from ctv_ads.errors import ConflictError, UnauthenticatedError
from ctv_ads.ports.base import any_version
from ctv_ads.use_cases.people import ManagePeople
from ctv_ads.use_cases.sessions import Client, KeepSessions
from local.valkey import ValkeyServer
from tests.builders import NOON, Tenant, a_tenant
from tests.worlds import World

CLIENT = Client("r1")


@pytest.fixture
def databases(postgres_of_session: World) -> Iterator[list[Database]]:
    """As two processes have them."""
    made = [Database(postgres_of_session.schema.api_secret) for _ in range(2)]
    yield made
    for database in made:
        database.close()


@pytest.fixture
def connections(valkey_server: ValkeyServer) -> Iterator[list[RespConnection]]:
    made = [RespConnection(valkey_server.url, timeout_ms=5000) for _ in range(2)]
    yield made
    for connection in made:
        connection.close()


def keeping(database: Database, connection: RespConnection) -> KeepSessions:
    return KeepSessions(
        stores=PostgresStores(database),
        check_password=lambda _password, _hash: True,
        denied_tokens=ValkeyDeniedTokens(connection, lifetime_s=900),
        rate_limits=ValkeyRateLimits(connection, failed_logins=5, first_delay_s=30),
        clock=lambda: NOON,
        new_id=new_id,
        new_token=new_token,
        lifetime=timedelta(days=30),
    )


def outcomes(*works: Any) -> list[str]:
    barrier = Barrier(len(works))

    def run(work: Any) -> str:
        barrier.wait()
        try:
            work()
        except (UnauthenticatedError, ConflictError) as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return sorted(pool.map(run, works))


@pytest.fixture
def tenant(postgres_of_session: World) -> Tenant:
    made = a_tenant(role=Role.OWNER)
    postgres_of_session.add(made)
    return made


def test_one_refresh_token_is_never_exchanged_twice(
    databases: list[Database], connections: list[RespConnection], tenant: Tenant
) -> None:
    one, other = map(keeping, databases, connections)
    for _ in range(10):
        token = one.open(tenant.account, CLIENT).refresh_token
        found = outcomes(
            lambda token=token: one.refresh(token, CLIENT),
            lambda token=token: other.refresh(token, CLIENT),
        )
        assert found == ["UnauthenticatedError", "done"]


def test_two_owners_who_leave_at_once_leave_one_behind(
    postgres_of_session: World,
    databases: list[Database],
    connections: list[RespConnection],
    tenant: Tenant,
) -> None:
    second = a_tenant(role=Role.OWNER)
    postgres_of_session.add(second)
    with postgres_of_session.stores.transaction(tenant.caller) as store:
        store.people.join(second.caller.user_id, Role.OWNER, None)

    def leave(user: Tenant, database: Database, connection: RespConnection) -> Any:
        people = ManagePeople(
            stores=PostgresStores(database),
            denied_tokens=ValkeyDeniedTokens(connection, lifetime_s=900),
            mailer=MemoryMailer(),
            clock=lambda: NOON,
            new_id=new_id,
            new_token=new_token,
            invitation_lifetime=timedelta(days=7),
            ui_url="https://ui.example.com",
        )
        return lambda: people.remove(tenant.caller, user.caller.user_id, any_version)

    leaving = map(leave, (tenant, second), databases, connections)
    assert outcomes(*leaving) == ["ConflictError", "done"]


def test_many_attempts_at_once_get_no_more_tries_than_one_by_one(
    valkey_server: ValkeyServer,
) -> None:
    account = f"{new_id()}@example.com"

    def attempt(_: int) -> bool:
        with RespConnection(valkey_server.url, timeout_ms=5000) as connection:
            limits = ValkeyRateLimits(connection, failed_logins=5, first_delay_s=30)
            return limits.try_login(account) == 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(40))) == 5
