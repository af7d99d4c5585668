"""The control plane on PostgreSQL: real handlers, real tokens, real rows."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import bcrypt
import pytest

from ctv_ads.access_settings import LimitSettings
from ctv_ads.adapters.access_tokens import AccessTokens
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.mail import MemoryMailer
from ctv_ads.adapters.memory.queues import MemoryInventoryChanges, MemoryTagChecks
from ctv_ads.adapters.memory.uploads import MemoryMultipartUploads, MemoryUploadForms
from ctv_ads.adapters.opaque_tokens import new_key_prefix, new_token
from ctv_ads.adapters.passwords import check_password
from ctv_ads.adapters.valkey.denied_tokens import ValkeyDeniedTokens
from ctv_ads.adapters.valkey.rate_limits import ValkeyRateLimits
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap import access, control_plane, guards, trafficking
from ctv_ads.bootstrap.decisions import decision_explaining
from ctv_ads.bootstrap.delivery import delivery_checking
from ctv_ads.domain.access import Role
from ctv_ads.ports.access import DeniedTokens, RateLimits
from ctv_ads.use_cases.advertisers import TraffickAdvertisers
from ctv_ads.use_cases.api_keys import ManageKeys
from ctv_ads.use_cases.campaigns import TraffickCampaigns
from ctv_ads.use_cases.creatives import TraffickCreatives
from ctv_ads.use_cases.line_items import TraffickLineItems
from ctv_ads.use_cases.own_account import OwnAccount
from ctv_ads.use_cases.people import ManagePeople
from ctv_ads.use_cases.placements import TraffickPlacements
from ctv_ads.use_cases.registration import Register
from ctv_ads.use_cases.sessions import KeepSessions
from ctv_ads.use_cases.uploads import Uploads
from ctv_ads.web.security import MACHINE_HEADERS
from functions.analytics import decisions
from functions.analytics import handler as analytics
from functions.auth import handler as auth
from functions.campaigns import handler as campaigns
from functions.creatives import handler as creatives
from functions.creatives import routes as creative_routes
from local.bench.statements import Statement, recorded_statements
from local.valkey import ValkeyServer
from tests.builders import NOON, Tenant
from tests.functions.explaining import checking_by, explaining_by
from tests.functions.recorded import REQUEST_ID, Event, api_event
from tests.worlds import MEDIA_BASE_URL, World

SECRET = {"current": "k1", "k1": "a-key-of-the-tests-with-32-characters"}
MAX_UPLOAD_BYTES = 10_000_000
BIG_BYTES = 8_000_000
"""Files above this size are sent in parts."""
_HANDLERS: dict[str, Any] = {
    "auth": auth,
    "campaigns": campaigns,
    "creatives": creatives,
    "analytics": analytics,
    "decisions": decisions,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def assert_for_machines(self) -> None:
        """The answer carries what every answer of the decision plane carries, and no cookie."""
        assert "set-cookie" not in self.headers
        for name, value in MACHINE_HEADERS.items():
            assert self.headers[name] == value

    def assert_problem(self, status: int, kind: str, *paths: str) -> None:
        """The answer is a problem document (RFC 9457) about these fields."""
        document = self.json
        assert self.status == document["status"] == status, document
        assert self.headers["content-type"] == "application/problem+json"
        assert document["type"] == f"/problems/{kind}"
        assert document["request_id"] == REQUEST_ID
        assert document["title"]
        assert document["detail"]
        errors = document.get("errors", [])
        assert [error["path"] for error in errors] == list(paths)
        assert all(error["code"] and error["message"] for error in errors)


def answer_of(response: dict[str, Any]) -> Answer:
    headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
    if response.get("cookies"):
        headers["set-cookie"] = ", ".join(response["cookies"])
    for name, values in response.get("multiValueHeaders", {}).items():
        headers[name.lower()] = ", ".join(values)
    return Answer(response["statusCode"], headers, response.get("body") or "")


@dataclass(slots=True)
class Guards:
    """What stands before the routes."""

    valkey: RespConnection
    rate_limits: RateLimits
    denied_tokens: DeniedTokens
    mailer: MemoryMailer = field(default_factory=MemoryMailer)
    verification_is_required: bool = False
    limits: LimitSettings = field(
        default_factory=lambda: LimitSettings(user_rate_limit=100_000, auth_rate_limit=100_000)
    )


@dataclass(slots=True)
class Office:
    """Where people of one organization work."""

    world: World
    tenant: Tenant
    tokens: AccessTokens
    changes: MemoryInventoryChanges
    now: list[Any]
    guards: Guards
    overrides: dict[Callable[..., Any], Callable[..., Any]]

    def token(
        self, tenant: Tenant | None = None, role: Role = Role.TRAFFICKER, session_id: str = ""
    ) -> str:
        account = replace((tenant or self.tenant).account, role=role)
        return self.tokens.issue(account, session_id)

    def call(self, function: str, event: Event) -> Answer:
        return answer_of(_HANDLERS[function].lambda_handler(event, object()))

    def send(
        self,
        function: str,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        headers = {"authorization": f"Bearer {token or self.token()}", **(headers or {})}
        return self.call(function, api_event(method, path, body=body, headers=headers))


@pytest.fixture
def guarded(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guards]:
    """Limits that no test meets by chance, and denied tokens, both in a Valkey."""
    with RespConnection(valkey_server.url, timeout_ms=5000) as connection:
        made = Guards(
            connection,
            guards.OpenRateLimits(ValkeyRateLimits(connection, failed_logins=5, first_delay_s=30)),
            guards.OpenDeniedTokens(ValkeyDeniedTokens(connection, lifetime_s=900)),
        )
        for key in connection.call("KEYS", "l*:*"):  # attempts and counts of the tests before
            connection.call("DEL", key)
        monkeypatch.setattr(guards, "valkey", lambda: connection)
        monkeypatch.setattr(guards, "limits", lambda: made.limits)
        monkeypatch.setattr(guards, "rate_limits", lambda: made.rate_limits)
        monkeypatch.setattr(guards, "denied_tokens", lambda: made.denied_tokens)
        yield made


@pytest.fixture
def statements() -> Iterator[list[Statement]]:
    """Every SQL statement that is executed, in order; empty it to count those of one request."""
    with recorded_statements() as recorded:
        yield recorded


def accounts_of(
    world: World, guarded: Guards, clock: Callable[[], Any]
) -> dict[Callable[..., Any], Callable[..., Any]]:
    """What people do with accounts, with mails that stay here."""

    def own_accounts() -> OwnAccount:
        return OwnAccount(
            stores=world.stores,
            check_password=check_password,
            hash_password=quick_hash,
            denied_tokens=guarded.denied_tokens,
            rate_limits=guarded.rate_limits,
            mailer=guarded.mailer,
            clock=clock,
            new_token=new_token,
            ui_url="https://ui.example.com",
            verification_is_required=guarded.verification_is_required,
        )

    return {
        access.own_accounts: own_accounts,
        access.registering: lambda: Register(
            stores=world.stores,
            hash_password=quick_hash,
            check_password=check_password,
            rate_limits=guarded.rate_limits,
            clock=clock,
            new_id=new_id,
        ),
        access.people_managing: lambda: ManagePeople(
            stores=world.stores,
            denied_tokens=guarded.denied_tokens,
            mailer=guarded.mailer,
            clock=clock,
            new_id=new_id,
            new_token=new_token,
            invitation_lifetime=timedelta(days=7),
            ui_url="https://ui.example.com",
        ),
        control_plane.key_managing: lambda: key_managing(world, clock),
    }


def key_managing(world: World, clock: Callable[[], Any]) -> ManageKeys:
    return ManageKeys(
        stores=world.stores,
        clock=clock,
        new_id=new_id,
        new_token=new_token,
        new_prefix=new_key_prefix,
    )


def quick_hash(password: str) -> str:
    """As real ones, with as few rounds as bcrypt allows."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture
def office(
    postgres_of_session: World, guarded: Guards, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    world, changes, now = postgres_of_session, MemoryInventoryChanges(), [NOON]

    def clock() -> Any:
        return now[0]

    forms, multipart, tag_checks = MemoryUploadForms(), MemoryMultipartUploads(), MemoryTagChecks()
    tokens = AccessTokens(SECRET, lifetime=timedelta(minutes=15), clock=clock)
    overrides: dict[Callable[..., Any], Callable[..., Any]] = {
        control_plane.stores: lambda: world.stores,
        control_plane.access_tokens: lambda: tokens,
        **accounts_of(world, guarded, clock),
        access.session_keeping: lambda: KeepSessions(
            stores=world.stores,
            check_password=check_password,
            denied_tokens=guarded.denied_tokens,
            rate_limits=guarded.rate_limits,
            clock=clock,
            new_id=new_id,
            new_token=new_token,
            lifetime=timedelta(days=30),
            accepts=lambda account: access.own_accounts().require_verified(account),
        ),
        control_plane.campaign_trafficking: lambda: TraffickCampaigns(
            world.stores, changes, clock=clock, new_id=new_id
        ),
        trafficking.advertiser_trafficking: lambda: TraffickAdvertisers(
            world.stores, changes, clock=clock, new_id=new_id
        ),
        trafficking.placement_trafficking: lambda: TraffickPlacements(
            world.stores, changes, clock=clock, new_id=new_id
        ),
        trafficking.line_item_trafficking: lambda: TraffickLineItems(
            world.stores, changes, clock=clock, new_id=new_id
        ),
        decision_explaining: lambda: explaining_by(guarded.valkey, world, clock),
        delivery_checking: lambda: checking_by(world, guarded.valkey, clock),
        control_plane.creative_trafficking: lambda: TraffickCreatives(
            stores=world.stores,
            uploads=Uploads(
                forms, multipart, max_bytes=MAX_UPLOAD_BYTES, multipart_above_bytes=BIG_BYTES
            ),
            tag_checks=tag_checks,
            inventory_changes=changes,
            clock=clock,
            new_id=new_id,
        ),
    }
    monkeypatch.setattr(control_plane, "stores", lambda: world.stores)
    monkeypatch.setattr(control_plane, "access_tokens", lambda: tokens)
    monkeypatch.setattr(control_plane, "key_managing", overrides[control_plane.key_managing])
    monkeypatch.setattr(access, "own_accounts", overrides[access.own_accounts])
    monkeypatch.setattr(creative_routes, "media_base_url", lambda: MEDIA_BASE_URL)
    for handler in _HANDLERS.values():
        handler.app.dependency_overrides.update(overrides)
    yield Office(world, world.a_tenant(), tokens, changes, now, guarded, overrides)
    for handler in _HANDLERS.values():
        handler.app.dependency_overrides.clear()
