"""A change is announced when others can see it: after the commit, or never."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.after_commit import AnnouncedAfterCommit
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.bootstrap import control_plane, trafficking
from ctv_ads.use_cases.placements import TraffickPlacements
from tests.builders import NOON
from tests.functions.conftest import Office
from tests.worlds import World

PLACEMENTS = "/api/v1/placements"


@dataclass(slots=True)
class Onlooker:
    """Looks, at each announcement, whether a connection of its own sees the placement."""

    owner: psycopg.Connection[Any]
    key: str = ""
    saw: list[bool] = field(default_factory=list)

    def announce(self, reason: str) -> None:
        assert "placement" in reason
        query = "SELECT count(*) FROM placements WHERE key = %s"
        ((found,),) = self.owner.execute(query, (self.key,)).fetchall()
        self.saw.append(found == 1)


@pytest.fixture
def onlooker(postgres_of_session: World) -> Iterator[Onlooker]:
    dsn = postgres_of_session.schema.owner_dsn
    with psycopg.connect(dsn, autocommit=True) as owner:
        yield Onlooker(owner, key=f"slot-{new_id()}")


@pytest.fixture
def announced(office: Office, onlooker: Onlooker) -> Office:
    """The office, announcing as the composition root has it, to an onlooker."""
    changes = AnnouncedAfterCommit(office.world.api, onlooker)
    office.overrides[trafficking.placement_trafficking] = lambda: TraffickPlacements(
        office.world.stores, changes, clock=lambda: NOON, new_id=new_id
    )
    from functions.campaigns.handler import app  # noqa: PLC0415 - as the fixture sets it up

    app.dependency_overrides.update(office.overrides)
    return office


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "once"}])
def test_an_announcement_is_sent_when_another_connection_sees_the_row(
    announced: Office, onlooker: Onlooker, headers: dict[str, str]
) -> None:
    body = {"key": onlooker.key, "name": "Pre-roll"}
    made = announced.send("campaigns", "POST", PLACEMENTS, body, headers=headers)
    assert made.status == 201, made.body
    assert onlooker.saw == [True]
    announced.send("campaigns", "POST", PLACEMENTS, body, headers=headers)
    assert onlooker.saw == [True], "neither a refusal nor a repeat announces anything"


def test_a_transaction_that_is_rolled_back_announces_nothing(
    announced: Office, onlooker: Onlooker, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"key": onlooker.key, "name": "Pre-roll"}
    with monkeypatch.context() as broken:
        # The answer does not fit where it is kept, so that the whole transaction goes back.
        broken.setattr("ctv_ads.adapters.postgres.idempotency._KEEP", "SELECT 1 / 0")
        refused = announced.send(
            "campaigns", "POST", PLACEMENTS, body, headers={"idempotency-key": "once"}
        )
    assert (refused.status, onlooker.saw) == (500, [])
    again = announced.send(
        "campaigns", "POST", PLACEMENTS, body, headers={"idempotency-key": "once"}
    )
    assert (again.status, onlooker.saw) == (201, [True])


class TestAfterCommit:
    """`Database.after_commit`."""

    @pytest.fixture
    def database(self, postgres_of_session: World) -> Iterator[Database]:
        database = Database(postgres_of_session.schema.api_secret)
        yield database
        database.close()

    def test_without_a_transaction_it_is_done_at_once(self, database: Database) -> None:
        done: list[int] = []
        database.after_commit(lambda: done.append(1))
        assert done == [1]

    def test_it_waits_for_the_outermost_commit_and_keeps_the_order(
        self, database: Database
    ) -> None:
        done: list[int] = []
        with database.transaction():
            database.after_commit(lambda: done.append(1))
            with database.transaction():
                database.after_commit(lambda: done.append(2))
            assert done == []
        assert done == [1, 2]

    def test_what_was_held_for_a_failed_transaction_is_forgotten(self, database: Database) -> None:
        done: list[int] = []

        def fail() -> None:
            with database.transaction():
                database.after_commit(lambda: done.append(1))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with database.transaction():
            pass
        assert done == []

    def test_a_commit_that_rolls_back_does_nothing(self, database: Database) -> None:
        done: list[int] = []
        with database.transaction() as connection:
            database.after_commit(lambda: done.append(1))
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute("SELECT 1 / 0")
        assert done == []

    def test_it_may_open_a_transaction_of_its_own(self, database: Database) -> None:
        done: list[object] = []

        def look() -> None:
            with database.transaction() as connection:
                done.append(connection.execute("SELECT 1 AS one").fetchone())

        with database.transaction():
            database.after_commit(look)
        assert done == [{"one": 1}]


def test_the_control_plane_announces_after_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_QUEUE_URL", "http://localhost:1/queue")
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr(control_plane, "database", lambda: None)
    control_plane.inventory_changes.cache_clear()
    changes = control_plane.inventory_changes()
    control_plane.inventory_changes.cache_clear()
    assert isinstance(changes, AnnouncedAfterCommit)
