"""`Idempotency-Key` on creates: repeating a request makes nothing twice."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.store import PostgresStores
from ctv_ads.domain.access import Caller, Role
from ctv_ads.ports.control_plane import GivenAnswer, Stores
from tests.builders import DAY, NOON, Tenant
from tests.functions.conftest import Answer, Office
from tests.worlds import World

CAMPAIGNS = "/api/v1/campaigns"


def a_new_campaign(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Winter tyres",
        "budget_micros": 1_000_000,
        "cpm_micros": 20_000_000,
        "starts_at": NOON.isoformat(),
        "ends_at": (NOON + DAY).isoformat(),
        **changes,
    }


def create(
    office: Office, key: str, body: object = None, *, path: str = CAMPAIGNS, token: str = ""
) -> Answer:
    function = "creatives" if path.endswith("/creatives") else "campaigns"
    headers = {"idempotency-key": key}
    return office.send(
        function, "POST", path, body or a_new_campaign(), token=token, headers=headers
    )


def count(office: Office) -> int:
    return int(office.send("campaigns", "GET", CAMPAIGNS).json["totals"]["count"])


def test_the_same_key_and_body_get_the_same_answer_and_make_one(office: Office) -> None:
    first, second = create(office, "k"), create(office, "k")
    assert (first.status, second.status) == (201, 201)
    assert second.json == first.json
    assert second.headers.get("etag") == first.headers.get("etag")
    assert second.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert count(office) == 1


def test_the_order_of_fields_is_no_other_body(office: Office) -> None:
    body = a_new_campaign()
    create(office, "k", body)
    assert create(office, "k", dict(reversed(body.items()))).status == 201
    assert count(office) == 1


def test_the_same_key_with_another_body_is_a_conflict(office: Office) -> None:
    create(office, "k")
    refused = create(office, "k", a_new_campaign(name="Another"))
    refused.assert_problem(409, "conflict", "Idempotency-Key")
    assert count(office) == 1


def test_the_same_key_on_another_route_is_a_conflict(office: Office) -> None:
    campaign_id = create(office, "k").json["id"]
    body = {"name": "a", "filename": "a", "content_type": "video/mp4", "size_bytes": 1}
    path = f"{CAMPAIGNS}/{campaign_id}/creatives"
    create(office, "k", body, path=path).assert_problem(409, "conflict", "Idempotency-Key")


def test_a_creative_is_registered_once(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    path = f"{CAMPAIGNS}/{campaign.campaign_id}/creatives"
    body = {"name": "a", "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1}
    first, second = (create(office, "k", body, path=path) for _ in range(2))
    assert (first.status, second.json) == (201, first.json)
    assert len(office.send("creatives", "GET", path).json["items"]) == 1


def test_without_a_key_every_request_makes_one(office: Office) -> None:
    for _ in range(2):
        assert office.send("campaigns", "POST", CAMPAIGNS, a_new_campaign()).status == 201
    assert count(office) == 2


def test_a_key_is_one_persons(office: Office) -> None:
    other = office.world.a_tenant()
    create(office, "k")
    assert create(office, "k", token=office.token(other)).status == 201
    assert count(office) == 1


def test_after_a_refused_create_the_key_is_free(office: Office) -> None:
    other = office.world.a_tenant()
    wrong = a_new_campaign(advertiser_id=other.advertiser_id)
    create(office, "k", wrong).assert_problem(422, "invalid-request", "advertiser_id")
    assert create(office, "k").status == 201
    assert count(office) == 1


def test_a_key_gives_no_right(office: Office) -> None:
    refused = create(office, "k", token=office.token(role=Role.VIEWER))
    refused.assert_problem(403, "forbidden")
    assert create(office, "k").status == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\tb", "ü"])
def test_a_key_that_cannot_be_kept_is_told_by_its_name(office: Office, key: str) -> None:
    create(office, key).assert_problem(422, "invalid-request", "Idempotency-Key")
    assert count(office) == 0


def test_the_longest_key_is_kept(office: Office) -> None:
    for _ in range(2):
        assert create(office, "~" * 255).status == 201
    assert count(office) == 1


class TestTwoAtOnce:
    """Two requests with one key, each in its own transaction on its own connection."""

    @pytest.fixture
    def tenant(self, postgres_of_session: World) -> Tenant:
        return postgres_of_session.a_tenant()

    @pytest.fixture
    def two(self, postgres_of_session: World) -> Iterator[tuple[Stores, Stores]]:
        databases = [Database(postgres_of_session.schema.api_secret) for _ in range(2)]
        yield PostgresStores(databases[0]), PostgresStores(databases[1])
        for database in databases:
            database.close()

    def claim(self, stores: Stores, caller: Caller) -> GivenAnswer | None:
        with stores.transaction(caller) as store:
            return store.idempotency_keys.claim(caller, "k", "f")

    def wait_until_blocked(self, world: World) -> None:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with psycopg.connect(world.schema.owner_dsn, autocommit=True) as owner:
            for _ in range(1000):
                row = owner.execute(query).fetchone()
                if row and row[0]:
                    return
        raise AssertionError("nobody waits")

    def both(
        self, world: World, two: tuple[Stores, Stores], caller: Caller, *, fails: bool
    ) -> GivenAnswer | None:
        """Return what the second learns when it came while the first was at work."""
        with ThreadPoolExecutor(1) as threads:
            second: Future[GivenAnswer | None]
            try:
                with two[0].transaction(caller) as store:
                    assert store.idempotency_keys.claim(caller, "k", "f") is None
                    second = threads.submit(self.claim, two[1], caller)
                    self.wait_until_blocked(world)
                    if fails:
                        raise RuntimeError("in the middle")  # noqa: TRY301 - rolls back
                    answer = GivenAnswer("f", 201, "{}", {"ETag": '"1"'})
                    store.idempotency_keys.keep(caller, "k", answer)
            except RuntimeError:
                assert fails
            return second.result(timeout=10)

    def test_the_second_waits_and_gets_the_answer_of_the_first(
        self, postgres_of_session: World, two: tuple[Stores, Stores], tenant: Tenant
    ) -> None:
        learnt = self.both(postgres_of_session, two, tenant.caller, fails=False)
        assert learnt == GivenAnswer("f", 201, "{}", {"ETag": '"1"'})

    def test_the_second_does_the_work_when_the_first_failed(
        self, postgres_of_session: World, two: tuple[Stores, Stores], tenant: Tenant
    ) -> None:
        assert self.both(postgres_of_session, two, tenant.caller, fails=True) is None


def test_an_answer_is_kept_only_with_the_work(office: Office) -> None:
    caller = office.tenant.caller
    key = new_id()

    def die_before_the_commit() -> None:
        with office.world.stores.transaction(caller) as store:
            store.idempotency_keys.claim(caller, key, "f")
            store.idempotency_keys.keep(caller, key, GivenAnswer("f", 201, "{}", {}))
            raise RuntimeError("the process dies")

    with pytest.raises(RuntimeError):
        die_before_the_commit()
    assert create(office, key).status == 201
