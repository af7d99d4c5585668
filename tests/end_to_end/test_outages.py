"""With a server down, the product says which one, keeps serving, and comes back by itself."""

from collections.abc import Iterator

import httpx
import pytest

from tests.end_to_end.faults import down, kill_function
from tests.end_to_end.ledger import assert_reconciled, billed
from tests.end_to_end.people import PRICE_MICROS, Document, Person, Player, sign_in
from tests.end_to_end.product import Product, eventually
from tests.end_to_end.tenants import PASSWORD, Tenant
from tests.end_to_end.test_beacons import await_impressions
from tests.end_to_end.test_booking import assert_problem
from tests.end_to_end.vast import play
from tests.end_to_end.videos import Video

pytestmark = pytest.mark.xdist_group("end_to_end")

_BACK_WITHIN_S = 60.0
_POSTGRESQL = ("bin/postgres", "-D")
_VALKEY = ("valkey-server",)


@pytest.fixture(autouse=True)
def healthy_again(product: Product) -> Iterator[None]:
    """Leave no outage to the next test."""
    yield
    await_health(product)


def test_without_postgresql_ads_go_on_and_no_beacon_is_lost(
    product: Product, owner: Person, player: Player, tenant: Tenant, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    shown_before = player.ad()
    said_before = len(product.terminal.read_text())

    with down(product, *_POSTGRESQL):
        assert statuses(product) == {"postgresql": "down", "valkey": "up", "s3": "up", "sqs": "up"}
        for answer in (
            owner.api.get("/campaigns"),
            owner.api.get(f"/campaigns/{campaign['id']}/stats"),
            owner.api.get(f"/campaigns/{campaign['id']}/creatives"),
            sign_in(product.base_url, tenant.email("owner"), PASSWORD),
        ):
            assert_problem(answer, 503)
            assert answer.json()["dependency"] == "postgresql"
            assert "postgresql" in answer.json()["detail"]
        kill_function(product, "campaigns.handler")
        started_now = eventually(
            lambda: problem_of_new_process(owner), within_s=15, what="a new process answers"
        ).value
        assert_problem(started_now, 503)
        assert started_now.json()["dependency"] == "postgresql"
        shown_during = player.ad()
        assert shown_during["campaign_id"] == campaign["id"], "deciding needs no PostgreSQL"
        player.show([shown_before, shown_during])
        eventually(
            lambda: "! impressions-consumer" in product.terminal.read_text()[said_before:],
            within_s=15,
            what="the consumer has met the dead database with the beacons in its hands",
        )

    await_health(product)
    eventually(
        lambda: owner.api.get("/campaigns").status_code == 200,
        within_s=5,
        what="the control plane answers again",
    )
    await_impressions(owner, campaign, 2)
    assert billed(product, campaign) == 2 * PRICE_MICROS
    assert_reconciled(product, campaign)


def test_without_valkey_nothing_is_spent_and_nothing_fails(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    shown = player.ad()
    warm_every_process(product, player)

    with down(product, *_VALKEY):
        assert statuses(product) == {"postgresql": "up", "valkey": "down", "s3": "up", "sqs": "up"}
        without = player.vast()
        assert play(without.content) is None
        assert without.headers["x-no-fill-reason"] == "no_tokens", "nobody knows what is left"
        player.show([shown])
        assert owner.get(f"/campaigns/{campaign['id']}")["status"] == "active", "not concerned"

        # Processes that start now have never seen an inventory.
        kill_function(product, "ad_request.handler")
        empty = eventually(
            lambda: cold_answer(player), within_s=10, what="a new process answers"
        ).value
        assert play(empty.content) is None
        assert empty.headers["x-no-fill-reason"] == "inventory_unavailable"
        log = (product.data_dir / "logs" / "ad-request.log").read_text()
        assert "is degraded: valkey" in log, "the operator is told who is to blame"

    await_health(product)
    await_impressions(owner, campaign, 1)
    # Valkey comes back empty; any change publishes everything.
    owner.set_status(campaign, "paused")
    owner.set_status(campaign, "active")
    eventually(lambda: player.decision()["ads"], within_s=10, what="ads are back")
    assert_reconciled(product, campaign)


def statuses(product: Product) -> dict[str, str]:
    """Ask for the health of a product that is not well, and return it by dependency."""
    answer = httpx.get(f"{product.base_url}/health", timeout=30)
    assert answer.status_code == 503, answer.text
    document: Document = answer.json()
    assert document["status"] == "degraded"
    return {name: item["status"] for name, item in document["dependencies"].items()}


def await_health(product: Product) -> None:
    """Return once every dependency is up."""

    def is_well() -> bool:
        return httpx.get(f"{product.base_url}/health", timeout=30).status_code == 200

    eventually(is_well, within_s=_BACK_WITHIN_S, what="the product is well again")


def warm_every_process(product: Product, player: Player) -> None:
    """Let each process of the ad request see the inventory: idle ones are asked in turn."""
    for _ in range(4 * max(1, len(product.function_processes("ad_request.handler")))):
        player.vast()


def problem_of_new_process(owner: Person) -> httpx.Response | None:
    """Return the answer of a process that started a moment ago, or None while there is none."""
    answer = owner.api.get("/campaigns")
    return None if answer.status_code == 500 else answer


def cold_answer(player: Player) -> httpx.Response | None:
    """Return the answer of a process that started a moment ago, or None while there is none."""
    answer = player.http.get("/api/v1/vast", params={"placement": player.placement})
    return answer if answer.status_code == 200 else None
