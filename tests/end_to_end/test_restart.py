"""Start and stop: data stays, busy ports are told, a second copy is told."""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.ports import Ports
from local.processes import REPOSITORY
from tests.end_to_end.ledger import assert_reconciled
from tests.end_to_end.people import PRICE_MICROS, Person, Player
from tests.end_to_end.product import Product, eventually, free_ports, run_command
from tests.end_to_end.tenants import Tenant
from tests.end_to_end.test_beacons import await_impressions
from tests.end_to_end.videos import Video

pytestmark = pytest.mark.xdist_group("end_to_end")

# The aim is 10 s on an idle machine; tests share their two cores with other workers.
_WARM_START_WITHIN_S = 20.0


def test_a_stop_and_a_start_lose_nothing(
    product: Product, owner: Person, player: Player, tenant: Tenant, video: Video, figure: Any
) -> None:
    campaign = owner.run_campaign(video)
    shown, in_flight = player.ads(2)
    player.show([shown])
    await_impressions(owner, campaign, 1)
    before = owner.statistics(campaign)
    (creative,) = owner.get(f"/campaigns/{campaign['id']}/creatives")["items"]

    player.show([in_flight])  # it is still in the queue when the product stops
    product.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{product.base_url}/health")
    seconds = product.start()
    figure("warm start", seconds)
    assert seconds < _WARM_START_WITHIN_S

    assert owner.get("/auth/profile")["organization_id"] == tenant.organization_id, (
        "access tokens outlive a restart"
    )
    found = owner.get(f"/campaigns/{campaign['id']}")
    assert (found["name"], found["status"]) == (campaign["name"], "active")
    assert owner.get(f"/creatives/{creative['id']}") == creative
    assert httpx.get(creative["media_url"]).content == video.content
    assert owner.statistics(campaign)["totals"]["impressions"] >= before["totals"]["impressions"]
    with Player(product.base_url, tenant.placement) as device:
        eventually(lambda: device.decision()["ads"], within_s=5, what="ads serve after a start")
        device.show([shown])  # a repeat of what was counted before the stop
    await_impressions(owner, campaign, 2)
    assert owner.statistics(campaign)["totals"]["spend_micros"] == 2 * PRICE_MICROS
    assert_reconciled(product, campaign)


def test_a_power_cut_loses_no_beacon_that_was_taken(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    player.show(player.ads(5))
    product.cut_the_power()
    product.start()
    await_impressions(owner, campaign, 5)
    assert owner.statistics(campaign)["totals"]["spend_micros"] == 5 * PRICE_MICROS
    assert_reconciled(product, campaign)


def test_busy_ports_are_told_with_a_way_out(product: Product, tmp_path: Path) -> None:
    said = refused_start(ports=product.ports, data_dir=tmp_path / "data")
    for port in product.ports.by_name().values():
        assert str(port) in said, "each busy port is named"
    assert "PORT=" in said, "and how to choose others"


def test_a_second_copy_on_the_same_data_is_refused(product: Product) -> None:
    said = refused_start(ports=free_ports(), data_dir=product.data_dir)
    assert str(product.data_dir) in said
    assert "DATA_DIR=" in said, "it says how to run a second one"


def refused_start(*, ports: Ports, data_dir: Path) -> str:
    """Start the product where it cannot run, and return what it says."""
    command, environment = run_command(ports=ports, data_dir=data_dir, seed=False)
    ended = subprocess.run(
        command,
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr, "a person reads this"
    assert ended.stderr.startswith("error: ")
    return ended.stderr
