"""A warm environment has read what its first viewer would wait for."""

import logging
from collections.abc import Iterator

import pytest
import redis

from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap import decision_plane
from ctv_ads.errors import DependencyUnavailableError
from local.ports import HOST, free_port
from local.valkey import ValkeyServer
from tests.builders import DAY, NOON, a_servable_line_item, an_inventory
from tests.crowds import Server, publish, servers
from tests.serving import DOOR


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    return f"redis://{HOST}:{valkey_server.port}/0"


@pytest.fixture
def server(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    on_sale = a_servable_line_item(starts_at=NOON - 9_000 * DAY, ends_at=NOON + 9_000 * DAY)
    publish(valkey_url, an_inventory(on_sale), tokens_micros=10**9)
    with servers(valkey_url, 1) as (server,):
        monkeypatch.setattr(decision_plane, "ad_server", lambda: server.serve)
        monkeypatch.setattr(decision_plane, "front_door", lambda: DOOR)
        yield server


def reads_of_first_request(server: Server, valkey_url: str) -> int:
    with redis.Redis.from_url(valkey_url) as client:
        client.config_resetstat()
        assert server.ask("placement=preroll").ads
        return int(client.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"])


def test_the_first_request_of_a_warm_environment_reads_nothing(
    server: Server, valkey_url: str
) -> None:
    decision_plane.warm_up()
    assert reads_of_first_request(server, valkey_url) == 0


def test_the_first_request_of_a_cold_one_reads_the_inventory(
    server: Server, valkey_url: str
) -> None:
    assert reads_of_first_request(server, valkey_url) == 3


def test_without_valkey_an_environment_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with RespConnection(f"redis://{HOST}:{free_port()}/0", timeout_ms=50) as connection:
        monkeypatch.setattr(decision_plane, "ad_server", lambda: Server(connection).serve)
        monkeypatch.setattr(decision_plane, "front_door", lambda: DOOR)
        with caplog.at_level(logging.WARNING):
            decision_plane.warm_up()
    assert "not warmed up: valkey" in caplog.text


def test_without_its_secrets_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> None:
        raise DependencyUnavailableError("secretsmanager", "GetSecretValue: 400")

    monkeypatch.setattr(decision_plane, "front_door", refused)
    with caplog.at_level(logging.WARNING):
        decision_plane.warm_up()
    assert "not warmed up: secretsmanager" in caplog.text
