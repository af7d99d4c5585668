"""What each role of the functions may do with each column: this list, and nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import connection_parameters
from ctv_ads.ports.purge import Leftover
from tests.builders import Tenant
from tests.worlds import Schema, World

ALL = "*"
_FLIGHT = "starts_at ends_at timezone"
_LINE_ITEM = (
    f"name type priority status rate_type rate_micros budget_micros daily_budget_micros goal_unit"
    f" goal_amount pacing {_FLIGHT} dayparts targeting frequency_caps separation creative_rotation"
    " pod_position"
)
_PLACEMENT = (
    "name app_bundle channel default_break_ms max_ads min_ad_ms max_ad_ms vast_version"
    " floor_cpm_micros blocked_categories blocked_domains trusted_caller"
    " accepted_mimes max_bitrate_kbps max_width_px max_height_px"
)
_SOFT = "name click_through_url universal_ad_id trackers verifications status"
_VERSION = "version updated_at"
_BOOKED = f"name advertiser_id budget_micros cpm_micros {_FLIGHT}"
_ROTATED = "weight sequence starts_at ends_at"

# Table: what is read, what is inserted, what is updated; then whether rows are deleted.
API: Mapping[str, tuple[str, str, str, bool]] = {
    "organizations": (ALL, "organization_id name", "name", False),
    "users": (
        "user_id email name created_at version updated_at password_changed_at email_verified_at",
        "user_id email name password_hash email_verified_at",
        f"name password_hash password_changed_at email_verified_at {_VERSION}",
        False,
    ),
    "memberships": (
        ALL,
        "organization_id user_id role advertiser_ids",
        "role advertiser_ids version",
        True,
    ),
    "sessions": (
        ALL,
        "session_id organization_id user_id user_agent created_at",
        "revoked_at revoked_because",
        False,
    ),
    "refresh_tokens": (
        ALL,
        "token_hash organization_id session_id issued_at expires_at",
        "used_at",
        False,
    ),
    "invitations": (
        (
            "invitation_id organization_id email role advertiser_ids invited_by created_at expires_at"
            " accepted_at deleted_at"
        ),
        (
            "invitation_id organization_id email role advertiser_ids token_hash invited_by created_at"
            " expires_at"
        ),
        "accepted_at deleted_at",
        False,
    ),
    "api_keys": (
        "api_key_id organization_id name role prefix created_by created_at expires_at deleted_at",
        "api_key_id organization_id name role prefix token_hash created_by created_at expires_at",
        "deleted_at",
        False,
    ),
    "api_key_uses": (ALL, "api_key_id organization_id last_used_at", "last_used_at", False),
    "email_tokens": (
        ALL,
        "token_hash organization_id user_id purpose created_at expires_at",
        "used_at",
        False,
    ),
    "idempotency_keys": (
        ALL,
        "organization_id user_id key request_fingerprint",
        "status body headers",
        False,
    ),
    "advertisers": (
        ALL,
        "advertiser_id organization_id name domain product_category",
        f"name domain product_category deleted_at {_VERSION}",
        False,
    ),
    "placements": (
        ALL,
        f"placement_id organization_id key {_PLACEMENT}",
        f"{_PLACEMENT} deleted_at {_VERSION}",
        False,
    ),
    "campaigns": (
        ALL,
        f"campaign_id organization_id created_by {_BOOKED}",
        f"{_BOOKED} status deleted_at {_VERSION}",
        False,
    ),
    "line_items": (
        ALL,
        f"line_item_id organization_id campaign_id is_default {_LINE_ITEM}",
        f"{_LINE_ITEM} deleted_at {_VERSION}",
        False,
    ),
    "creatives": (
        ALL,
        (
            f"creative_id organization_id campaign_id kind filename content_type declared_size_bytes"
            f" tag_url replaces rendition_of created_by {_SOFT}"
        ),
        f"{_SOFT} deleted_at {_VERSION}",
        False,
    ),
    "creative_assignments": (
        ALL,
        f"organization_id campaign_id line_item_id creative_id {_ROTATED}",
        _ROTATED,
        True,
    ),
    "archived_days": ("day dropped_at", "", "", False),
    "break_events": (ALL, "", "", False),
    "invalid_beacons": (ALL, "", "", False),
    **dict.fromkeys(("ledger_entries", "ledger_chains"), (ALL, "", "", False)),
    "delivery_days": (ALL, "", "", False),
    "delivery_hours": (ALL, "", "", False),
    "delivery_errors": (ALL, "", "", False),
    **dict.fromkeys(("delivery_no_fills", "invalid_days", "invalid_hours"), (ALL, "", "", False)),
    "token_buckets": (ALL, "", "", False),
    "line_item_days": (ALL, "", "", False),
    "line_item_delivery": (ALL, "", "", False),
    "audit_events": (ALL, "", "", False),
}
NOTHING = ("", "", "", False)
PRIVILEGES = ("SELECT", "INSERT", "UPDATE")
# Functions that act as the owner, and who may call them; the others are triggers.
OWNERS_FUNCTIONS = {
    "account_by_email": "ctv_api",
    "api_key_by_prefix": "ctv_api",
    "advertisers_named": "ctv_api",
    "campaigns_named": "ctv_api",
    "complete_campaigns": "ctv_pipeline",
    "billed_events": "ctv_api",
    "copy_campaign": "ctv_api",
    "drop_archived_break_day": "ctv_pipeline",
    "drop_archived_day": "ctv_pipeline",
    "email_token_owner": "ctv_api",
    "end_own_sessions": "ctv_api",
    "ensure_ad_event_partitions": "ctv_pipeline",
    "invitation_by_token": "ctv_api",
    "line_items_named": "ctv_api",
    "own_account": "ctv_api",
    "person_by_email": "ctv_api",
    "placements_named": "ctv_api",
    **{f"purge_{kind.value}": "ctv_pipeline" for kind in Leftover},
    "recount_invalid_day": "ctv_pipeline",
    "session_by_token": "ctv_api",
}
_COLUMNS = """
SELECT c.relname AS table_name, array_agg(a.attname::text) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relnamespace = 'public'::regnamespace
GROUP BY c.relname ORDER BY c.relname"""
Connection = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def owner(schema: Schema) -> Iterator[Connection]:
    with psycopg.connect(schema.owner_dsn, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def api(schema: Schema) -> Iterator[Connection]:
    parameters = connection_parameters(schema.api_secret)
    with psycopg.connect(**parameters, row_factory=dict_row) as connection:
        yield connection


def columns_by_table(owner: Connection) -> dict[str, set[str]]:
    return {row["table_name"]: set(row["columns"]) for row in owner.execute(_COLUMNS)}


def expected(table: str, privilege: str, columns: set[str]) -> set[str]:
    listed = API.get(table, NOTHING)[PRIVILEGES.index(privilege)]
    return columns if listed == ALL else set(str(listed).split())


def denied(connection: Connection, statement: str) -> bool:
    """Tell whether the right to it is missing; EXPLAIN asks for rights and does nothing."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"EXPLAIN {statement}".encode())
    except psycopg.errors.InsufficientPrivilege as error:
        return "permission denied" in str(error)
    return False


def attempt(table: str, privilege: str, column: str) -> str:
    return {
        "SELECT": f"SELECT {column} FROM {table}",  # noqa: S608
        "INSERT": f"INSERT INTO {table} ({column}) VALUES (DEFAULT)",  # noqa: S608
        "UPDATE": f"UPDATE {table} SET {column} = DEFAULT",  # noqa: S608
    }[privilege]


@pytest.mark.parametrize("privilege", PRIVILEGES)
def test_the_api_may_do_to_each_column_what_is_listed_and_nothing_else(
    owner: Connection, api: Connection, privilege: str
) -> None:
    tables = columns_by_table(owner)
    assert set(API) < set(tables)
    for table, columns in tables.items():
        allowed = {c for c in columns if not denied(api, attempt(table, privilege, c))}
        assert (table, allowed) == (table, expected(table, privilege, columns))


def test_the_api_deletes_memberships_and_assignments_only(
    owner: Connection, api: Connection
) -> None:
    for table in columns_by_table(owner):
        for statement, allowed in (
            (f"DELETE FROM {table}", API.get(table, NOTHING)[3]),  # noqa: S608
            (f"SELECT count(*) FROM {table}", bool(API.get(table, NOTHING)[0])),  # noqa: S608
        ):
            assert (statement, denied(api, statement)) == (statement, not allowed)
        with pytest.raises(psycopg.errors.InsufficientPrivilege), api.transaction():
            api.execute(f"TRUNCATE {table}".encode())


def test_what_was_billed_and_when_a_thing_was_made_are_never_the_apis_to_say(
    owner: Connection, api: Connection
) -> None:
    tables = columns_by_table(owner)
    billed = [table for table, columns in tables.items() if "billed_micros" in columns]
    assert {"campaigns", "line_items"} <= set(billed)
    for table in billed:
        assert denied(api, attempt(table, "INSERT", "billed_micros"))
        assert denied(api, attempt(table, "UPDATE", "billed_micros"))
    for table in ("campaigns", "line_items", "creatives", "advertisers", "placements", "users"):
        for column in ("created_at", "updated_at", "version"):
            assert denied(api, attempt(table, "INSERT", column))


def test_a_password_hash_is_told_of_who_acts_only(
    postgres_of_session: World, api: Connection
) -> None:
    mine, other = postgres_of_session.a_tenant(), postgres_of_session.a_tenant()

    def found(tenant: Tenant, organization_id: str) -> list[str]:
        query = "SELECT set_config('app.user_id', %s, true), set_config('app.organization_id', %s, true)"
        api.execute(query, (tenant.caller.user_id, organization_id))
        return [str(row["user_id"]) for row in api.execute("SELECT * FROM own_account()")]

    assert found(mine, mine.organization_id) == [mine.caller.user_id]
    assert found(other, mine.organization_id) == []
    api.rollback()
    assert api.execute("SELECT * FROM own_account()").fetchall() == []


def test_a_campaign_of_another_organization_is_not_copied(
    postgres_of_session: World, api: Connection
) -> None:
    world = postgres_of_session
    mine, theirs = world.a_tenant(), world.a_campaign(world.a_tenant())
    for name, value in (
        ("app.organization_id", mine.organization_id),
        ("app.user_id", mine.caller.user_id),
    ):
        api.execute("SELECT set_config(%s, %s, true)", (name, value))
    copy = "SELECT copy_campaign(%s, 'Mine', now()) AS made"
    for campaign_id in (theirs.campaign_id, new_id()):
        assert (api.execute(copy, (campaign_id,)).fetchone() or {})["made"] is None


def test_functions_that_act_as_the_owner_are_called_by_those_who_need_them(
    owner: Connection,
) -> None:
    rows = owner.execute("""
        SELECT p.proname AS name, p.proconfig::text AS config, p.prorettype = 'trigger'::regtype
            AS is_trigger, has_function_privilege('public', p.oid, 'EXECUTE') AS anybody,
            array_remove(ARRAY[
                CASE WHEN has_function_privilege('ctv_api', p.oid, 'EXECUTE') THEN 'ctv_api' END,
                CASE WHEN has_function_privilege('ctv_pipeline', p.oid, 'EXECUTE')
                     THEN 'ctv_pipeline' END
            ], NULL) AS callers
        FROM pg_proc p
        WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace""").fetchall()
    assert all("search_path=public, pg_temp" in row["config"] for row in rows)
    callable_ = {row["name"]: row["callers"] for row in rows if not row["is_trigger"]}
    assert callable_ == {name: [caller] for name, caller in OWNERS_FUNCTIONS.items()}
