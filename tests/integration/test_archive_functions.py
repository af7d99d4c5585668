"""The functions that archive as they ship: handlers with the environment that the manifest gives."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ctv_ads.adapters.postgres.break_events import PostgresBreakEvents
from ctv_ads.bootstrap import archive as composition
from ctv_ads.bootstrap import control_plane, pipeline, secrets
from ctv_ads.bootstrap import decisions as explaining
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.event_archive import BREAKS
from ctv_ads.domain.ids import DecisionId
from ctv_ads.errors import InvalidSettingsError, NotFoundError
from ctv_ads.platform_settings import DrainSettings, EventArchiveSettings, PurgeSettings
from ctv_ads.settings import Settings
from functions.archive import credit, decisions, events, rebuild
from functions.manifest import AD_EVENTS, Need, function_named
from local.emulator import Emulator
from local.environment import function_environment, setting_values
from local.ports import Ports
from local.resources import ARCHIVE_BUCKET, create_resources, store_secrets
from local.secrets import BEACON_SECRET, DATABASE_SECRET_BY_NEED
from local.valkey import ValkeyServer
from tests.aws import bodies
from tests.builders import a_servable_line_item, an_inventory
from tests.cellars import AT, DAY, Cellar, a_cellar, a_server, breaks_of, events_of
from tests.functions.explaining import a_server as an_ad_server
from tests.worlds import World

CONTEXT: Any = object()
_KEPT = (
    composition.crediting,
    composition.decision_drain,
    control_plane.database,
    composition.event_archiving,
    composition.statistics_rebuilding,
    explaining.decision_explaining,
    pipeline.database,
    pipeline.valkey_client,
    secrets.secret_document,
)
Deploy = Callable[..., None]


@pytest.fixture
def deploy(
    aws_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Deploy]:
    """Give this process the environment of a function, and nothing else."""
    create_resources(aws_emulator)

    def become(name: str, **others: str) -> None:
        function = function_named(name)
        values = setting_values(
            function, ports=Ports(3000), emulator=aws_emulator, data_dir=tmp_path
        )
        environment = function_environment(
            function, values=values | others, endpoint_url=aws_emulator.endpoint_url, outer={}
        )
        for variable in os.environ:
            monkeypatch.delenv(variable)
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        for made in _KEPT:
            made.cache_clear()

    yield become
    for made in _KEPT:
        made.cache_clear()


def test_decisions_are_drained_and_then_found_in_the_archive(
    deploy: Deploy,
    aws_emulator: Emulator,
    valkey_server: ValkeyServer,
    postgres_of_session: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with an_ad_server(valkey_server.url, monkeypatch) as server:
        inventory = an_inventory(a_servable_line_item())
        (organization_id,) = inventory.line_items
        server.publish(inventory)
        made = DecisionId(server.answer("/api/v1/vast?placement=preroll")["x-decision-id"])
        deploy("archive-decisions", VALKEY_URL=valkey_server.url)
        assert decisions.lambda_handler({}, CONTEXT) == {
            "decisions": 1,
            "archived": 1,
            "messages": 1,
            "without_creative": 0,
            "lost": 0,
        }
        waiting = bodies(aws_emulator, aws_emulator.queue_url(AD_EVENTS))
        assert [json.loads(body)["kind"] for body in waiting] == ["decisions"]
        drain: Any = composition.decision_drain()
        drain.history.histories[0]._connection.close()
        pipeline.valkey_client().close()
        server.client.delete("rec:{s0}")
        store_secrets(
            aws_emulator,
            {
                BEACON_SECRET: json.dumps({"current": "k1", "k1": "x" * 40}),
                DATABASE_SECRET_BY_NEED[Need.DATABASE_API]: json.dumps(
                    dict(postgres_of_session.schema.api_secret)
                ),
            },
        )
        deploy("decisions", VALKEY_URL=valkey_server.url)
        explains: Any = explaining.decision_explaining()
        found = explains.records.find(made, organization_id)
        assert found is not None
        assert found.note.decision_id == made
        explains.records._near._connection.close()


def test_what_was_lost_raises_an_alarm(
    deploy: Deploy,
    aws_emulator: Emulator,
    valkey_server: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with an_ad_server(valkey_server.url, monkeypatch) as server:
        server.publish(an_inventory(a_servable_line_item()))
        deploy("archive-decisions", VALKEY_URL=valkey_server.url)
        decisions.lambda_handler({}, CONTEXT)
        for _ in range(4):
            server.answer("/api/v1/vast?placement=preroll")
        server.client.xtrim("rec:{s0}", maxlen=1, approximate=False)
        assert decisions.lambda_handler({}, CONTEXT)["lost"] == 3
        drain: Any = composition.decision_drain()
        drain.history.histories[0]._connection.close()
        pipeline.valkey_client().close()
        assert bodies(aws_emulator, aws_emulator.queue_url(AD_EVENTS))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metric,) = [line for line in lines if decisions.LOST_METRIC in line]
    assert metric[decisions.LOST_METRIC] == [3.0]
    (told,) = metric["_aws"]["CloudWatchMetrics"]
    assert (told["Namespace"], told["Dimensions"]) == (
        decisions.METRICS,
        [sorted(decisions.LOST_DIMENSIONS)],
    )
    assert metric["service"] == "archive-decisions"


@pytest.fixture
def cellar(aws_emulator: Emulator) -> Iterator[Cellar]:
    with a_server() as server, a_cellar(server, aws_emulator) as cellar:
        cellar.bucket = ARCHIVE_BUCKET
        yield cellar


def test_events_are_archived_and_counted_anew(deploy: Deploy, cellar: Cellar) -> None:
    beacons = events_of(cellar.campaign, ads=5)
    cellar.world.ledger.record(beacons)
    PostgresBreakEvents(cellar.world.pipeline).record(breaks_of(cellar))
    expected = cellar.counted()
    secret = DATABASE_SECRET_BY_NEED[Need.DATABASE_PIPELINE]
    store_secrets(cellar.emulator, {secret: json.dumps(dict(cellar.world.schema.pipeline_secret))})
    deploy("archive-events")
    done = events.lambda_handler({}, CONTEXT)
    for kind in ("events", "breaks"):
        assert done[kind]["archived"] == [DAY.isoformat()]
        assert done[kind]["dropped"] == []
    assert len(cellar.rows()) == len(beacons)
    assert len(cellar.rows(kind=BREAKS)) == 2
    pipeline.database(composition._DAY_TIMEOUT_MS).close()

    deploy("rebuild-statistics")
    cellar.owner.execute("TRUNCATE delivery_hours, delivery_days, delivery_errors")
    asked = {"first_day": DAY.isoformat(), "last_day": DAY.isoformat(), "from_archive": True}
    assert rebuild.lambda_handler(asked, CONTEXT) == {DAY.isoformat(): len(beacons)}
    assert cellar.counted() == expected
    with pytest.raises(NotFoundError):
        rebuild.lambda_handler({**asked, "first_day": f"{AT.year}-01-01"}, CONTEXT)
    pipeline.database(composition._DAY_TIMEOUT_MS).close()


def test_events_are_credited_wherever_they_are(deploy: Deploy, cellar: Cellar) -> None:
    beacons = events_of(cellar.campaign, ads=5)
    cellar.world.ledger.record(beacons)
    cellar.run(retention=timedelta(days=40), archive=cellar.archive(events_in_part=500))
    secret = DATABASE_SECRET_BY_NEED[Need.DATABASE_PIPELINE]
    store_secrets(cellar.emulator, {secret: json.dumps(dict(cellar.world.schema.pipeline_secret))})
    deploy("credit-events")
    named = [
        {
            "day": DAY.isoformat(),
            "decision_id": beacon.claims.decision_id,
            "slot": beacon.claims.slot,
            "event": beacon.event.value,
        }
        for beacon in beacons
        if beacon.event is BeaconEvent.IMPRESSION
    ]
    asked = {"events": named, "reason": "machines", "rule": "data_centre"}
    told = credit.lambda_handler(asked, CONTEXT)
    assert (told["credited"], told["is_complete"]) == (len(named), True)
    again = credit.lambda_handler({**asked, "rule": None}, CONTEXT)
    assert (again["credited_before"], again["is_complete"]) == (len(named), False)
    with pytest.raises(KeyError):
        credit.lambda_handler({"events": []}, CONTEXT)
    pipeline.database(composition._DAY_TIMEOUT_MS).close()


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (DrainSettings, "ARCHIVED_DECISIONS_BP", "10001"),
        (DrainSettings, "ARCHIVED_DECISIONS_BP", "-1"),
        (EventArchiveSettings, "EVENT_RETENTION_DAYS", "30"),
        (PurgeSettings, "TRAFFIC_RETENTION_S", "86400"),
    ],
)
def test_what_would_lose_something_is_refused(kind: type[Settings], name: str, value: str) -> None:
    rest = {
        "ARCHIVE_BUCKET": "a",
        "AD_EVENT_QUEUE_URL": "http://localhost/q",
        "MEDIA_BUCKET": "m",
    }
    kind.from_environment(rest)
    with pytest.raises(InvalidSettingsError, match=name):
        kind.from_environment({**rest, name: value})
