"""What has served its time is removed after its retention; what is alive stays."""

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.uploads import MemoryPublishedMedia
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.leftovers import PostgresLeftovers
from ctv_ads.ports.purge import Leftover
from ctv_ads.use_cases import purge as purging
from ctv_ads.use_cases.purge import Purge, Retention
from tests.builders import DAY, Tenant
from tests.worlds import World

Owner = psycopg.Connection[dict[str, Any]]
HOUR = timedelta(hours=1)
KEPT = Retention(idempotency_keys=DAY, credentials=10 * DAY, media=5 * DAY)
_INSERTS = {
    Leftover.IDEMPOTENCY_KEYS: (
        "INSERT INTO idempotency_keys (organization_id, user_id, key, request_fingerprint,"
        " created_at) VALUES (%(org)s, %(user)s, %(id)s, '', %(over_at)s)"
    ),
    Leftover.EMAIL_TOKENS: (
        "INSERT INTO email_tokens (token_hash, organization_id, user_id, purpose, created_at,"
        " expires_at, used_at) VALUES (%(id)s, %(org)s, %(user)s, 'verify_email',"
        " %(over_at)s - interval '1 day', %(expires_at)s, %(used_at)s)"
    ),
    Leftover.INVITATIONS: (
        "INSERT INTO invitations (invitation_id, organization_id, email, role, token_hash,"
        " invited_by, created_at, expires_at, accepted_at) VALUES (%(id)s::uuid, %(org)s, %(id)s::text || '@x',"
        " 'viewer', %(id)s::text, %(user)s, %(over_at)s - interval '1 day', %(expires_at)s, %(used_at)s)"
    ),
}
_SESSION = """
INSERT INTO sessions (session_id, organization_id, user_id, created_at, revoked_at, revoked_because)
VALUES (%(id)s, %(org)s, %(user)s, %(made_at)s, %(revoked_at)s, %(because)s)"""
_TOKEN = """
INSERT INTO refresh_tokens (token_hash, organization_id, session_id, issued_at, expires_at)
VALUES (%(token)s, %(org)s, %(id)s, %(made_at)s, %(expires_at)s)"""


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.a_tenant()


@pytest.fixture
def leftovers(world: World) -> PostgresLeftovers:
    return PostgresLeftovers(world.pipeline)


@pytest.fixture
def purge(leftovers: PostgresLeftovers) -> Purge:
    return Purge(leftovers, MemoryPublishedMedia({}), KEPT, utc_now)


def add(owner: Owner, tenant: Tenant, kind: Leftover, **values: object) -> str:
    made = new_id()
    ids = {"id": made, "org": tenant.organization_id, "user": tenant.caller.user_id}
    owner.execute(_INSERTS[kind].encode(), {"expires_at": None, "used_at": None, **values, **ids})
    return made


def a_session(
    owner: Owner, tenant: Tenant, *, revoked_at: datetime | None, expires_at: datetime
) -> str:
    values = {
        "id": new_id(),
        "token": new_id(),
        "org": tenant.organization_id,
        "user": tenant.caller.user_id,
        "made_at": utc_now() - 60 * DAY,
        "revoked_at": revoked_at,
        "because": "logout" if revoked_at else None,
        "expires_at": expires_at,
    }
    owner.execute(_SESSION, values)
    owner.execute(_TOKEN, values)
    return str(values["id"])


def left(owner: Owner, table: str, tenant: Tenant, column: str) -> set[str]:
    query = f"SELECT {column} AS id FROM {table} WHERE organization_id = %s"  # noqa: S608
    return {
        str(row["id"]).strip() for row in owner.execute(query.encode(), (tenant.organization_id,))
    }


@pytest.mark.parametrize(
    ("kind", "kept", "column"),
    [
        (Leftover.IDEMPOTENCY_KEYS, KEPT.idempotency_keys, "key"),
        (Leftover.EMAIL_TOKENS, KEPT.credentials, "token_hash"),
        (Leftover.INVITATIONS, KEPT.credentials, "invitation_id"),
    ],
)
def test_rows_go_when_they_were_over_for_as_long_as_they_are_kept(
    owner: Owner, tenant: Tenant, purge: Purge, kind: Leftover, kept: timedelta, column: str
) -> None:
    now = utc_now()
    early, late, alive = now - kept - HOUR, now - kept + HOUR, now + DAY
    gone = {
        add(owner, tenant, kind, over_at=early, expires_at=early),
        add(owner, tenant, kind, over_at=early, expires_at=alive, used_at=early),
    }
    stay = {add(owner, tenant, kind, over_at=late, expires_at=late)}
    if kind is not Leftover.IDEMPOTENCY_KEYS:
        stay.add(add(owner, tenant, kind, over_at=early, expires_at=alive, used_at=late))
        stay.add(add(owner, tenant, kind, over_at=early, expires_at=alive))
    assert left(owner, kind, tenant, column) == gone | stay
    assert purge()[kind] == len(gone)
    assert left(owner, kind, tenant, column) == stay
    assert purge()[kind] == 0


def test_sessions_go_with_their_tokens_when_they_have_ended(
    owner: Owner, tenant: Tenant, purge: Purge
) -> None:
    now = utc_now()
    early, late, alive = now - KEPT.credentials - HOUR, now - KEPT.credentials + HOUR, now + DAY
    for revoked_at, expires_at in ((early, alive), (early, early), (None, early)):
        a_session(owner, tenant, revoked_at=revoked_at, expires_at=expires_at)
    stay = {
        a_session(owner, tenant, revoked_at=revoked_at, expires_at=expires_at)
        for revoked_at, expires_at in ((late, alive), (None, late), (None, alive))
    }
    purge()
    assert left(owner, "sessions", tenant, "session_id") == stay
    assert left(owner, "refresh_tokens", tenant, "session_id") == stay


def test_a_running_session_loses_its_expired_tokens_only(
    owner: Owner, tenant: Tenant, purge: Purge
) -> None:
    now = utc_now()
    session = a_session(owner, tenant, revoked_at=None, expires_at=now + DAY)
    old = {
        "token": new_id(),
        "org": tenant.organization_id,
        "id": session,
        "made_at": now - 60 * DAY,
        "expires_at": now - KEPT.credentials - HOUR,
    }
    owner.execute(_TOKEN, old)
    purge()
    assert left(owner, "sessions", tenant, "session_id") == {session}
    assert old["token"] not in left(owner, "refresh_tokens", tenant, "token_hash")
    assert len(left(owner, "refresh_tokens", tenant, "token_hash")) == 1


def test_that_something_ran_its_course_is_no_act_of_anybody(
    owner: Owner, tenant: Tenant, purge: Purge
) -> None:
    early = utc_now() - KEPT.credentials - HOUR
    a_session(owner, tenant, revoked_at=early, expires_at=early)
    add(owner, tenant, Leftover.INVITATIONS, over_at=early, expires_at=early)
    before = left(owner, "audit_events", tenant, "audit_event_id")
    purge()
    assert left(owner, "sessions", tenant, "session_id") == set()
    assert left(owner, "invitations", tenant, "invitation_id") == set()
    assert left(owner, "audit_events", tenant, "audit_event_id") == before


@pytest.mark.parametrize("kind", list(Leftover), ids=lambda kind: kind.value)
def test_nothing_goes_before_it_is_over_whatever_is_asked(
    owner: Owner, tenant: Tenant, leftovers: PostgresLeftovers, kind: Leftover
) -> None:
    now = utc_now()
    session = a_session(owner, tenant, revoked_at=None, expires_at=now + DAY)
    alive = {
        each: add(owner, tenant, each, over_at=now + DAY, expires_at=now + DAY) for each in _INSERTS
    }
    leftovers.purge(kind, over_before=now + 1000 * DAY, most=1000)
    assert left(owner, "refresh_tokens", tenant, "session_id") == {session}
    assert left(owner, "idempotency_keys", tenant, "key") == {alive[Leftover.IDEMPOTENCY_KEYS]}
    assert left(owner, "email_tokens", tenant, "token_hash") == {alive[Leftover.EMAIL_TOKENS]}
    assert left(owner, "invitations", tenant, "invitation_id") == {alive[Leftover.INVITATIONS]}


def test_rows_go_in_batches_until_none_is_left(
    owner: Owner,
    tenant: Tenant,
    leftovers: PostgresLeftovers,
    purge: Purge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    early = utc_now() - 2 * DAY
    for _ in range(7):
        add(owner, tenant, Leftover.IDEMPOTENCY_KEYS, over_at=early)
    assert leftovers.purge(Leftover.IDEMPOTENCY_KEYS, over_before=early + HOUR, most=2) == 2
    monkeypatch.setattr(purging, "BATCH", 2)
    monkeypatch.setattr(purging, "MOST_BATCHES", 2)
    assert purge()[Leftover.IDEMPOTENCY_KEYS] == 4
    assert purge()[Leftover.IDEMPOTENCY_KEYS] == 1
    assert left(owner, "idempotency_keys", tenant, "key") == set()


def test_two_purges_at_once_share_the_work(
    world: World, owner: Owner, tenant: Tenant, purge: Purge
) -> None:
    early = utc_now() - KEPT.credentials - HOUR
    for kind in _INSERTS:
        for _ in range(3):
            add(owner, tenant, kind, over_at=early, expires_at=early)
    for _ in range(3):
        a_session(owner, tenant, revoked_at=early, expires_at=early)
    other = Database(world.schema.pipeline_secret)
    with other.transaction() as first:
        for kind in (*_INSERTS, Leftover.REFRESH_TOKENS, Leftover.SESSIONS):
            statement = f"SELECT purge_{kind}(%s, 2) AS removed"
            row = first.execute(statement.encode(), (utc_now() - KEPT.credentials,)).fetchone()
            assert row == {"removed": 2}
        removed = purge()  # and waits for nothing
    assert {removed[kind] for kind in (*_INSERTS, Leftover.SESSIONS)} == {1}
    other.close()
    purge()
    for table, column in (
        ("sessions", "session_id"),
        *((kind, "organization_id") for kind in _INSERTS),
    ):
        assert left(owner, table, tenant, column) == set()


def test_each_search_of_the_purge_reads_an_index(owner: Owner) -> None:
    owner.execute("SET enable_seqscan = off")
    for table, condition, index in (
        ("idempotency_keys", "created_at < now() ORDER BY created_at", "idempotency_keys_by_time"),
        ("refresh_tokens", "expires_at < now() ORDER BY expires_at", "refresh_tokens_by_end"),
        ("email_tokens", "created_at < now() ORDER BY created_at", "email_tokens_by_time"),
        ("invitations", "created_at < now() ORDER BY created_at", "invitations_by_time"),
    ):
        plan = owner.execute(f"EXPLAIN SELECT FROM {table} WHERE {condition} LIMIT 10".encode())
        assert index in str(plan.fetchall())
